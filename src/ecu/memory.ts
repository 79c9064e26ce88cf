/** What is kept from read to read to distinguish a wrong value from a right one (docs/protocol.md#lifetime-energy). */

/** Times of a reading. */
export interface Moment {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Time of the ECU's last round by its own clock, as Unix time in seconds. */
  readonly reportAt?: number;
}

/** Replies in a row. */
export interface Streak {
  /** Time of the first one, in monotonic milliseconds. */
  readonly since: number;
  readonly times: number;
}

/** The memory of one energy counter. Energies are in joules. */
export interface CounterMemory {
  /** The last accepted value. */
  readonly good?: number;
  /** Local date on which the counter first had this value, yyyymmdd. */
  readonly goodOn?: string | undefined;
  /** When it was last reported, to within a round; absent in a memory of version 1.0. */
  readonly seen?: Moment;
  /**
   * Monotonic milliseconds of the first value that was accepted without a value to compare it with. Absent as soon as a
   * later round has confirmed it.
   */
  readonly provisionalSince?: number;
  /** The last accepted value before a rise that only its repetition confirmed. Absent as soon as the plant can have produced the rise. */
  readonly beforeRise?: { readonly joules: number; readonly seen: Moment };
  /** The replies in a row with the value 0. */
  readonly zero?: Streak;
  /** The replies in a row far below the last accepted value, in which the counter did not fall; `joules` is the latest. */
  readonly lower?: Streak & { readonly joules: number };
  /** The replies in a row above what the plant can have produced; each continues from the one before. */
  readonly higher?: Streak & { readonly joules: number; readonly seen: Moment };
}

/** The memory of one ECU. */
export interface EcuMemory {
  /** Local date of its last report, yyyymmdd. */
  readonly date?: string | undefined;
  readonly lifetime: CounterMemory;
  readonly today: CounterMemory;
  /** The replies in a row with more power than the plant can have. */
  readonly highPower?: Streak;
}

/** The memory of one target: an ECU at an address. */
export interface Memory {
  /** Id of the ECU that is accepted at this address. */
  readonly ecuId?: string;
  /** Time zone that was in effect, for a read in which 0001 fails but 0002 succeeds. */
  readonly zone?: string;
  /** The replies in a row of another ECU. */
  readonly stranger?: Streak & { readonly ecuId: string };
  /** Of two ECUs that reply by turns, the one that came second; `at`: when they last did, in monotonic milliseconds. */
  readonly rival?: { readonly ecuId: string; readonly at: number };
  /** By ECU id, of the last few that were accepted. */
  readonly ecus: Readonly<Record<string, EcuMemory>>;
}

/** The memory before the first read. */
export const noMemory: Memory = { ecus: {} };

/** One round of the ECU in milliseconds: during a round, all replies are the same. */
export const ROUND_MS = 5 * 60 * 1000;

/** Adds a reply to a streak, or starts one. */
export const extendStreak = (streak: Streak | undefined, at: number): Streak => ({
  since: streak?.since ?? at,
  times: (streak?.times ?? 0) + 1,
});

/** Whether a streak has lasted for a number of replies and a time. */
export const hasLasted = (
  { since, times }: Streak,
  at: number,
  { replies, ms }: { readonly replies: number; readonly ms: number },
): boolean => times >= replies && at - since >= ms;
