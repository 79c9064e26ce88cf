/** A day of a simulated ECU with glitches, read every minute: the values that the exporter exports. */
import { QueryError } from "../../src/ecu/errors.ts";
import { type Memory, noMemory } from "../../src/ecu/memory.ts";
import { createMonitor } from "../../src/ecu/monitor.ts";
import type { Replies } from "../../src/ecu/read.ts";
import { formatState, parseState } from "../../src/exporter/state-format.ts";
import type { Family } from "../../src/simulator/behaviours.ts";
import { createPlant } from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import { fakeLog } from "../ecu/fake-log.ts";
import { validOutcome } from "../ecu/messages.ts";
import { createFakeClock } from "./fake-clock.ts";

const MINUTE = 60_000;
const MINUTES = 24 * 60;
const ZONE = "Europe/Amsterdam";
const SITE = { latitude: 52.09, longitude: 5.12 };
/** Midnight in Amsterdam: the energy of the day is 0, and the lifetime counter is at a whole step. */
const MIDNIGHT = Date.parse("2026-06-20T22:00:00Z");
/** The window of the day's energy: 24 hours with a correct reply at both ends. */
const BEGIN = MIDNIGHT + MINUTE;

export interface DayOptions {
  readonly family: Family;
  readonly seed: number;
  /** The exporter restarts with its state file before each glitch, so that its first reply is wrong. */
  readonly restarts: boolean;
}

interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly joules: number;
}

export interface GlitchyDay {
  readonly begin: number;
  readonly end: number;
  /** Energy that the plant produced between these. */
  readonly trueJoules: number;
  /** Number of correct replies between these. */
  readonly rightReplies: number;
  /** Lifetime energies: exported, and reported by the ECU. */
  readonly exported: readonly Sample[];
  readonly reported: readonly Sample[];
}

type Glitch = "forgotten" | "zero" | "lower" | "silent" | undefined;
type Info = ReturnType<ReturnType<typeof createRounds>["info"]>;

export const simulateGlitchyDay = async ({
  family,
  seed,
  restarts,
}: DayOptions): Promise<GlitchyDay> => {
  const plant = createPlant([["DS3", 6]], SITE, seed);
  const rounds = createRounds({ plant, family, zone: ZONE, start: MIDNIGHT });
  const glitches = createGlitches(seed);
  const [exported, reported]: [Sample[], Sample[]] = [[], []];
  let exporter = startExporter(MIDNIGHT, noMemory);
  for (const [minute, glitch] of glitches.entries()) {
    const at = MIDNIGHT + minute * MINUTE;
    const begins = glitch !== undefined && minute > 0 && glitches[minute - 1] === undefined;
    if (restarts && begins) exporter = startExporter(at, exporter.stop());
    const replies = repliesAt(rounds, at, glitch, seed);
    if (replies.info?.ok) reported.push({ at, joules: replies.info.value.lifetimeEnergyJoules });
    const joules = await exporter.read(replies);
    if (joules !== undefined) exported.push({ at, joules });
  }
  return {
    begin: BEGIN,
    end: BEGIN + MINUTES * MINUTE,
    trueJoules: rounds.producedJoules(),
    rightReplies: glitches.slice(1).filter((glitch) => glitch === undefined).length,
    exported,
    reported,
  };
};

/** A process of the exporter: its monotonic time starts at 0, and it knows only what is in the state file. */
const startExporter = (now: number, remembered: Memory) => {
  const clock = createFakeClock(now);
  let current: Replies = {};
  let memory = remembered;
  const monitor = createMonitor({
    ecu: "roof",
    read: () => Promise.resolve(current),
    settings: () => ({ minIntervalMs: 0, nightIntervalMs: 0, timeoutMs: MINUTE / 2, zone: ZONE }),
    clock,
    log: fakeLog().log,
    memory: {
      recall: () => memory,
      remember: (latest) => {
        memory = latest;
      },
    },
  });
  return {
    read: async (replies: Replies): Promise<number | undefined> => {
      current = replies;
      const { reading } = await monitor.observe(new AbortController().signal);
      await clock.advance(MINUTE);
      return reading.lifetimeEnergyJoules;
    },
    /** The memory for the state file of the next process. */
    stop: (): Memory => {
      const text = formatState(new Map([["roof", { memory }]]), clock);
      const later = createFakeClock(clock.now());
      return parseState(text, later).get("roof")?.memory ?? noMemory;
    },
  };
};

const repliesAt = (
  rounds: ReturnType<typeof createRounds>,
  at: number,
  glitch: Glitch,
  seed: number,
): Replies => {
  const info = glitched(rounds.info(at), glitch, random(seed, at / MINUTE));
  const error = new QueryError("did not answer", { reason: "timeout" });
  if (info === undefined) return { info: { ok: false, error, durationMs: 1 } };
  return {
    info: validOutcome(info),
    realtime: validOutcome(rounds.realtime(at)),
    signal: validOutcome(rounds.signal(at)),
  };
};

const LIFETIME_STEP = 360_000;

const glitched = (info: Info, glitch: Glitch, part: number): Info | undefined => {
  const most = info.lifetimeEnergyJoules / LIFETIME_STEP - 1;
  switch (glitch) {
    case undefined:
      return info;
    case "silent":
      return undefined;
    case "forgotten":
      return { ...info, lifetimeEnergyJoules: 0, todayEnergyJoules: 0, inverters: 0 };
    case "zero":
      return { ...info, lifetimeEnergyJoules: 0 };
    case "lower":
      return { ...info, lifetimeEnergyJoules: (1 + Math.floor(part * most)) * LIFETIME_STEP };
  }
};

/** Maximum length of each glitch in minutes: the third lower value is taken for a reset, a zero after one day. */
const longest = { forgotten: 5, zero: 180, lower: 2, silent: 15 } as const;
const kinds = Object.keys(longest) as (keyof typeof longest)[];
const LONGEST_RIGHT = 20;

/** The glitch of each minute, in runs with correct replies between them. The very first reply is a glitch. */
const createGlitches = (seed: number): readonly Glitch[] => {
  const glitches: Glitch[] = ["forgotten"];
  for (let run = 0; glitches.length <= MINUTES; run++) {
    const upTo = (most: number, key: number): number => Math.floor(random(seed, run, key) * most);
    const kind = kinds[upTo(kinds.length, 2)] ?? "zero";
    const wrong = 1 + Math.floor(random(seed, run, 3) ** 4 * longest[kind]); // mostly short
    glitches.push(...Array<Glitch>(1 + upTo(LONGEST_RIGHT, 4)).fill(undefined));
    glitches.push(...Array<Glitch>(wrong).fill(kind));
  }
  return [...glitches.slice(0, MINUTES + 1), undefined];
};
