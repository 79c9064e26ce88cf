/**
 * The rounds of a simulated ECU: it queries one inverter after another, and books the totals when all are done
 * (docs/protocol.md#online-flag, #power, #what-a-simulated-ecu-does).
 */
import type {
  DayPower,
  Energy,
  Info,
  InverterRecord,
  Realtime,
  Signals,
  Version,
} from "../protocol/replies.ts";
import type { Family } from "./behaviours.ts";
import { createEnergyTotals } from "./energy-totals.ts";
import { nextRecord, unheardRecord } from "./inverter-record.ts";
import { formatLocalDigits, localMidnight } from "./local-time.ts";
import { inverterStateAt, type Plant } from "./plant.ts";

export interface RoundsOptions {
  readonly plant: Plant;
  readonly family: Family;
  /** IANA zone of the ECU's clock. */
  readonly zone: string;
  /** Simulated time at which the ECU starts, in milliseconds since 1970. */
  readonly start: number;
  /** Time between the starts of two rounds. */
  readonly periodMs?: number;
  /** Lifetime energy before the first simulated day. */
  readonly lifetimeJoules?: number;
  /** Days of history before the day of `start`. */
  readonly past?: number;
  /** Called after each simulated day of the history, with the number of days so far. */
  readonly onPastDay?: ((days: number) => void) | undefined;
  /** Version of the replies to 0004: 11 has two bytes for an energy, 12 has four (docs/protocol.md#energy-history). */
  readonly energyVersion?: Version | undefined;
  /** The state of an inverter at a moment, if it does not follow from its model and the weather. */
  readonly stateAt?: typeof inverterStateAt;
}

/** The messages of the ECU at a moment. Each call moves the simulated time forward to `now`; it never runs back. */
export interface Rounds {
  info(now: number): Info;
  realtime(now: number): Realtime;
  signal(now: number): Signals;
  /** Power curve of a day, yyyymmdd. */
  dayPower(now: number, date: string): DayPower;
  /** Energy of each day or month in the ECU's table. */
  energy(now: number, period: string): Energy;
  /** yyyymmddhhmmss */
  clock(now: number): string;
  /** The energy that the plant has produced since the simulation began, in joules. */
  producedJoules(): number;
}

const PERIOD_MS = 300_000;
const PER_INVERTER_MS = 200;
/** An inverter that does not reply is queried again in the same round, up to five times in all. */
const MAX_PASSES = 5;
const identities = {
  R: {
    ecuId: "216000123456",
    firmware: "ECU_R_1.3.14",
    ethernetMac: "80971b0a0b0c",
    wirelessMac: "000000000000",
    extension: "",
  },
  L: {
    ecuId: "216200123456",
    firmware: "ECU_R_PRO_2.1.27",
    ethernetMac: "80971b0a0b0c",
    wirelessMac: "60c5a80a0b0c",
    extension: "303000000000000000000000",
  },
} as const;
const UNKNOWN_TIME = "d0d0d0d0d0d0d0"; // an ECU-R's last contact with the cloud
const CONSTANT_ZONE = "Etc/GMT-8"; // what an ECU-R reports, whatever it was set to

/**
 * Starts the rounds of an ECU. Its past, and the hours before `start`, are simulated at once, so that its tables and the
 * energy of the day are right.
 */
export const createRounds = (options: RoundsOptions): Rounds => {
  const { plant, family, zone, start, periodMs = PERIOD_MS, past = 0, onPastDay } = options;
  const inverters = createInverterTable(options);
  const totals = createEnergyTotals(options);
  let lastRound: { readonly startedAt: number; readonly inverters: TableContent } | undefined;

  const schedule = createSchedule({
    inverterCount: plant.inverters.length,
    firstRoundAt: Math.ceil(localMidnight(start, zone, past) / periodMs) * periodMs,
    periodMs,
    query: inverters.query,
    onRoundEnd: (startedAt, durationMs) => {
      const content = inverters.content();
      totals.book({ startedAt, durationMs, powerWatts: sumPower(content.records) });
      lastRound = { startedAt, inverters: content };
    },
  });
  for (let days = 1; days <= past; days++) {
    schedule.advance(localMidnight(start, zone, past - days));
    onPastDay?.(days);
  }
  schedule.advance(start);

  const advanced =
    <A extends readonly unknown[], T>(message: (now: number, ...rest: A) => T) =>
    (now: number, ...rest: A): T => {
      schedule.advance(now);
      return message(now, ...rest);
    };
  const local = (at: number): string => formatLocalDigits(at, zone);
  return {
    info: advanced((now) => ({
      ...identities[family],
      layout: "01",
      ...totals.current(local(now).slice(0, 8), { isStaleTodayKept: family === "R" }),
      lastCloudContact: family === "R" ? UNKNOWN_TIME : local(lastRound?.startedAt ?? now),
      inverters: plant.inverters.length,
      invertersOnline: lastRound?.inverters.records.filter(({ online }) => online).length ?? 0,
      zigbeeChannel: "10",
      timezone: family === "R" ? CONSTANT_ZONE : zone,
    })),
    realtime: advanced(() => {
      if (lastRound === undefined || plant.inverters.length === 0) return { kind: "none" };
      return {
        kind: "01",
        count: plant.inverters.length,
        takenAt: local(lastRound.startedAt),
        // An ECU-R shows each record as soon as it is received, an ECU of family L after the round.
        records: family === "R" ? inverters.content().records : lastRound.inverters.records,
        lost: 0,
        surplus: 0,
        ambiguous: false,
      };
    }),
    signal: advanced(() => inverters.content().signals),
    dayPower: advanced((_now, date: string) => totals.dayPower(date)),
    energy: advanced((_now, period: string) => totals.energy(period)),
    clock: local,
    producedJoules: totals.producedJoules,
  };
};

interface TableContent {
  readonly records: InverterRecord[];
  readonly signals: Signals;
}

/** The last record and signal level of every inverter. */
const createInverterTable = ({
  plant,
  family,
  stateAt = inverterStateAt,
}: Pick<RoundsOptions, "plant" | "family" | "stateAt">) => {
  const records = plant.inverters.map(unheardRecord);
  const levels = plant.inverters.map(() => 0);
  return {
    /** Queries an inverter. @returns whether it replied */
    query: (index: number, at: number): boolean => {
      const inverter = plant.inverters[index];
      if (inverter === undefined) return true;
      const state = stateAt(plant, inverter, at);
      const last = records[index] ?? unheardRecord(inverter);
      records[index] = nextRecord({ inverter, state, last, family });
      levels[index] = state.online ? state.signal : 0;
      return state.online;
    },
    content: (): TableContent => ({
      records: [...records],
      signals: plant.inverters.map(({ uid }, i) => ({ uid, level: levels[i] ?? 0 })),
    }),
  };
};

const sumPower = (records: readonly InverterRecord[]): number =>
  records
    .filter(({ online }) => online)
    .flatMap(({ powerWatts }) => powerWatts)
    .reduce((sum, watts) => sum + watts, 0);

interface ScheduleOptions {
  readonly inverterCount: number;
  readonly firstRoundAt: number;
  readonly periodMs: number;
  readonly query: (index: number, at: number) => boolean;
  readonly onRoundEnd: (startedAt: number, durationMs: number) => void;
}

/** Queries inverters one after another from the start of each round, and those that do not reply again. */
const createSchedule = ({
  inverterCount,
  firstRoundAt,
  periodMs,
  query,
  onRoundEnd,
}: ScheduleOptions) => {
  const all = Array.from({ length: inverterCount }, (_, i) => i);
  let startedAt = firstRoundAt;
  let steps = 0;
  let queue = [...all];
  let silent: number[] = [];
  let pass = 1;

  const endRound = (): void => {
    // A round that took longer than its period skips the next ones (docs/protocol.md#time-limits).
    const durationMs = periodMs * Math.max(1, Math.ceil((steps * PER_INVERTER_MS) / periodMs));
    onRoundEnd(startedAt, durationMs);
    startedAt += durationMs;
    [steps, queue, silent, pass] = [0, [...all], [], 1];
  };
  /** One query, or the change to the next pass or round, each in a step of its own. */
  const step = (at: number): void => {
    const index = queue.shift();
    if (index !== undefined) {
      steps++;
      if (!query(index, at)) silent.push(index);
    } else if (silent.length > 0 && pass < MAX_PASSES) {
      [steps, queue, silent, pass] = [steps + 1, silent, [], pass + 1];
    } else endRound();
  };
  return {
    /** Does all that is due until `now`. */
    advance: (now: number): void => {
      for (;;) {
        const due = startedAt + steps * PER_INVERTER_MS;
        if (due > now) return;
        step(due);
      }
    },
  };
};
