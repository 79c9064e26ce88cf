/** The faults that are on, and how much of its limit each has left. */
import type { Command } from "../protocol/requests.ts";
import {
  type FaultDefinition,
  type FaultName,
  type FaultQuery,
  type FaultSpec,
  faults,
} from "./faults.ts";
import { random } from "./random.ts";

/** A fault that is on. */
export type ActiveFault = Pick<FaultSpec, "name">;

export interface ActiveFaults {
  /** Switches a fault on. It replaces the same fault for the same query. */
  add(fault: FaultName | FaultSpec): void;
  /** Switches a fault off, for one query or for all. */
  delete(name: FaultName, query?: FaultQuery): void;
  clear(): void;
  /** Faults that are on, each with the number of times left. */
  readonly active: readonly FaultSpec[];
  /** Whether a new connection is ignored; each call counts as one time of the fault. */
  shouldIgnoreConnection(): boolean;
  /** Faults that may change the next reply to a command, in the order they were switched on. */
  selectFor(command: Command): readonly ActiveFault[];
  /** Counts one time of each fault that changed a reply. */
  countUse(used: Iterable<ActiveFault>): void;
}

export interface ActiveFaultsOptions {
  readonly initial: readonly (FaultName | FaultSpec)[];
  readonly seed: number;
  /** Called with whether the port is closed, each time that may have changed. */
  readonly onRefusingChange: (isRefusing: boolean) => void;
}

interface FaultState extends FaultSpec {
  /** Times left. */
  left: number;
  timer?: NodeJS.Timeout | undefined;
  /** Whether this fault closes the port at the moment. */
  isRefusing: boolean;
}

/** Connections to a closed port cannot be counted, so one time of such a fault is a second. */
const TURN_MS = 1_000;
const RANDOM_KEY = 9; // no other random numbers use it

/** @see ActiveFaults */
export const createActiveFaults = ({
  initial,
  seed,
  onRefusingChange,
}: ActiveFaultsOptions): ActiveFaults => {
  let entries: FaultState[] = [];
  let draws = 0;

  const notify = (): void => onRefusingChange(entries.some(({ isRefusing }) => isRefusing));
  const remove = (matches: (entry: FaultState) => boolean): void => {
    for (const entry of entries.filter(matches)) clearTimeout(entry.timer);
    entries = entries.filter((entry) => !matches(entry));
    notify();
  };
  const removeEntry = (entry: FaultState): void => remove((other) => other === entry);
  const draw = ({ limit }: FaultState): boolean =>
    limit === undefined || !("chance" in limit) || random(seed, RANDOM_KEY, draws++) < limit.chance;
  const countOnce = (entry: FaultState): void => {
    entry.left--;
    if (entry.left <= 0) removeEntry(entry);
  };
  const startTurn = (entry: FaultState): void => {
    countOnce(entry);
    entry.isRefusing = draw(entry);
    notify();
  };
  const startTimer = (entry: FaultState): NodeJS.Timeout | undefined => {
    const { limit } = entry;
    if (limit === undefined) return undefined;
    if ("ms" in limit) return setTimeout(() => removeEntry(entry), limit.ms);
    return hasEffect(entry, "refused") ? setInterval(() => startTurn(entry), TURN_MS) : undefined;
  };

  const add = (fault: FaultName | FaultSpec): void => {
    const spec = typeof fault === "string" ? { name: fault } : fault;
    remove((entry) => entry.name === spec.name && entry.query === spec.query);
    const entry: FaultState = { ...spec, left: countTimes(spec), isRefusing: false };
    entry.isRefusing = hasEffect(entry, "refused") && draw(entry);
    entry.timer = startTimer(entry);
    entries.push(entry);
    notify();
  };

  for (const fault of initial) add(fault);
  return {
    add,
    delete: (name, query) =>
      remove((entry) => entry.name === name && (query === undefined || entry.query === query)),
    clear: () => remove(() => true),
    get active() {
      return entries.map(toSpec);
    },
    shouldIgnoreConnection: () => {
      const entry = entries.find((candidate) => hasEffect(candidate, "ignored") && draw(candidate));
      if (entry !== undefined) countOnce(entry);
      return entry !== undefined;
    },
    selectFor: (command) => entries.filter((entry) => appliesTo(entry, command) && draw(entry)),
    countUse: (used) => {
      const usedFaults = new Set(used);
      for (const entry of entries.filter((candidate) => usedFaults.has(candidate)))
        countOnce(entry);
    },
  };
};

/** The number of times after which a fault ends. */
const countTimes = ({ limit }: FaultSpec): number =>
  limit !== undefined && "times" in limit ? limit.times : Number.POSITIVE_INFINITY;

const toSpec = ({ name, query, limit, left }: FaultState): FaultSpec => ({
  name,
  ...(query && { query }),
  ...(limit && { limit: "times" in limit ? { times: left } : limit }),
});

const definition = ({ name }: ActiveFault): FaultDefinition => faults[name];

const hasEffect = (
  entry: FaultState,
  connection: NonNullable<FaultDefinition["connection"]>,
): boolean => definition(entry).connection === connection;

const appliesTo = (entry: FaultState, command: Command): boolean => {
  const { connection, only } = definition(entry);
  return (
    connection === undefined &&
    (only?.includes(command) ?? true) &&
    (entry.query === undefined || entry.query === command)
  );
};
