/** The faults that are on, and what is left of each. */
import type { Command } from "../protocol/requests.ts";
import { type Fault, type FaultName, type FaultSwitch, faults, type Question } from "./faults.ts";
import { random } from "./random.ts";

/** A fault that is on. */
export type ActiveFault = Pick<FaultSwitch, "name">;

export interface ActiveFaults {
  /** Switches a fault on, in place of the same fault for the same question. */
  add(fault: FaultName | FaultSwitch): void;
  /** Switches a fault off: for one question, or for all. */
  delete(name: FaultName, question?: Question): void;
  clear(): void;
  /** Faults that are on, each with the number of times left. */
  readonly on: readonly FaultSwitch[];
  /** Whether a new connection is ignored; each call counts as one time of the fault. */
  ignoresConnection(): boolean;
  /** Faults that may change the next reply to a command, in the order they were switched on. */
  acting(command: Command): readonly ActiveFault[];
  /** Counts one time of each fault that changed a reply. */
  spend(used: Iterable<ActiveFault>): void;
}

export interface ActiveFaultsOptions {
  readonly on: readonly (FaultName | FaultSwitch)[];
  readonly seed: number;
  /** Called with whether the port is closed, each time that may have changed. */
  readonly onRefusal: (isRefusing: boolean) => void;
}

interface Entry extends FaultSwitch {
  /** Times left. */
  left: number;
  timer?: NodeJS.Timeout;
  /** Whether this fault closes the port at the moment. */
  isRefusing: boolean;
}

/** Connections to a closed port cannot be counted, so one time of such a fault is a second. */
const TURN_MS = 1_000;
const RANDOM_KEY = 9; // no other random numbers use it

/** @see ActiveFaults */
export const createActiveFaults = ({ on, seed, onRefusal }: ActiveFaultsOptions): ActiveFaults => {
  let entries: Entry[] = [];
  let draws = 0;

  const notify = (): void => onRefusal(entries.some(({ isRefusing }) => isRefusing));
  const remove = (matches: (entry: Entry) => boolean): void => {
    for (const entry of entries.filter(matches)) clearTimeout(entry.timer);
    entries = entries.filter((entry) => !matches(entry));
    notify();
  };
  const draw = ({ limit }: Entry): boolean =>
    limit === undefined || !("chance" in limit) || random(seed, RANDOM_KEY, draws++) < limit.chance;
  const countOnce = (entry: Entry): void => {
    entry.left--;
    if (entry.left <= 0) remove((one) => one === entry);
  };
  const startTurn = (entry: Entry): void => {
    countOnce(entry);
    entry.isRefusing = draw(entry);
    notify();
  };

  const add = (fault: FaultName | FaultSwitch): void => {
    const wanted = typeof fault === "string" ? { name: fault } : fault;
    const { name, question, limit } = wanted;
    remove((entry) => entry.name === name && entry.question === question);
    const left = limit !== undefined && "times" in limit ? limit.times : Number.POSITIVE_INFINITY;
    const entry: Entry = { ...wanted, left, isRefusing: true };
    entry.isRefusing = hasEffect(entry, "refused") && draw(entry);
    if (limit !== undefined && "ms" in limit) {
      entry.timer = setTimeout(() => remove((one) => one === entry), limit.ms);
    } else if (limit !== undefined && hasEffect(entry, "refused")) {
      entry.timer = setInterval(() => startTurn(entry), TURN_MS);
    }
    entries.push(entry);
    notify();
  };

  for (const fault of on) add(fault);
  return {
    add,
    delete: (name, question) =>
      remove(
        (entry) => entry.name === name && (question === undefined || entry.question === question),
      ),
    clear: () => remove(() => true),
    get on() {
      return entries.map(({ name, question, limit, left }) => ({
        name,
        ...(question && { question }),
        ...(limit && { limit: "times" in limit ? { times: left } : limit }),
      }));
    },
    ignoresConnection: () => {
      const entry = entries.find((one) => hasEffect(one, "ignored") && draw(one));
      if (entry !== undefined) countOnce(entry);
      return entry !== undefined;
    },
    acting: (command) => entries.filter((entry) => appliesTo(entry, command) && draw(entry)),
    spend: (used) => {
      for (const entry of entries.filter((one) => [...used].includes(one))) countOnce(entry);
    },
  };
};

const definition = ({ name }: ActiveFault): Fault => faults[name];

const hasEffect = (entry: Entry, connection: NonNullable<Fault["connection"]>): boolean =>
  definition(entry).connection === connection;

const appliesTo = (entry: Entry, command: Command): boolean => {
  const { connection, only } = definition(entry);
  return (
    connection === undefined &&
    (only?.includes(command) ?? true) &&
    (entry.question === undefined || entry.question === command)
  );
};
