/** Which faults are on, and what is left of each. */
import type { Command } from "../protocol/requests.ts";
import { chance } from "./chance.ts";
import { type Fault, type FaultName, type FaultSwitch, faults, type Question } from "./faults.ts";

/** A fault that is on. */
export type Acting = Pick<FaultSwitch, "name">;

export interface Switchboard {
  /** Switches a fault on; one that is on for the same question is set anew. */
  add(fault: FaultName | FaultSwitch): void;
  /** Switches a fault off: for one question, or altogether. */
  delete(name: FaultName, question?: Question): void;
  clear(): void;
  /** Faults that are on, each with what is left of its number of times. */
  readonly on: readonly FaultSwitch[];
  /** Whether a new connection is left alone; asking uses up a time. */
  ignoresConnection(): boolean;
  /** Faults that may act on the next answer to a command, in the order they were switched on. */
  acting(command: Command): readonly Acting[];
  /** Takes note of those that did act on an answer. */
  spend(used: Iterable<Acting>): void;
}

export interface SwitchboardOptions {
  readonly on: readonly (FaultName | FaultSwitch)[];
  readonly seed: number;
  /** Told whether nobody is to listen at the port, each time that may have changed. */
  readonly onRefusal: (isRefusing: boolean) => void;
}

interface Entry extends FaultSwitch {
  /** Times left. */
  left: number;
  timer?: NodeJS.Timeout;
  /** Of a fault that refuses connections: whether it does at this moment. */
  shut: boolean;
}

/** Nobody sees who knocks at a closed port, so one time of a fault that refuses is a second. */
const TURN_MS = 1_000;
const DRAWS = 9; // a key of chance that nothing else has

/** @see Switchboard */
export const createSwitchboard = ({ on, seed, onRefusal }: SwitchboardOptions): Switchboard => {
  let entries: Entry[] = [];
  let draws = 0;

  const tell = (): void => onRefusal(entries.some(({ shut }) => shut));
  const remove = (isGone: (entry: Entry) => boolean): void => {
    for (const entry of entries.filter(isGone)) clearTimeout(entry.timer);
    entries = entries.filter((entry) => !isGone(entry));
    tell();
  };
  const draw = ({ limit }: Entry): boolean =>
    limit === undefined || !("chance" in limit) || chance(seed, DRAWS, draws++) < limit.chance;
  const use = (entry: Entry): void => {
    entry.left--;
    if (entry.left <= 0) remove((one) => one === entry);
  };
  const turn = (entry: Entry): void => {
    use(entry);
    entry.shut = draw(entry);
    tell();
  };

  const add = (fault: FaultName | FaultSwitch): void => {
    const wanted = typeof fault === "string" ? { name: fault } : fault;
    const { name, question, limit } = wanted;
    remove((entry) => entry.name === name && entry.question === question);
    const left = limit !== undefined && "times" in limit ? limit.times : Number.POSITIVE_INFINITY;
    const entry: Entry = { ...wanted, left, shut: true };
    entry.shut = isOf(entry, "refused") && draw(entry);
    if (limit !== undefined && "ms" in limit) {
      entry.timer = setTimeout(() => remove((one) => one === entry), limit.ms);
    } else if (limit !== undefined && isOf(entry, "refused")) {
      entry.timer = setInterval(() => turn(entry), TURN_MS);
    }
    entries.push(entry);
    tell();
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
      const entry = entries.find((one) => isOf(one, "ignored") && draw(one));
      if (entry !== undefined) use(entry);
      return entry !== undefined;
    },
    acting: (command) => entries.filter((entry) => concerns(entry, command) && draw(entry)),
    spend: (used) => {
      for (const entry of entries.filter((one) => [...used].includes(one))) use(entry);
    },
  };
};

const rowOf = ({ name }: Acting): Fault => faults[name];

const isOf = (entry: Entry, connection: NonNullable<Fault["connection"]>): boolean =>
  rowOf(entry).connection === connection;

const concerns = (entry: Entry, command: Command): boolean => {
  const { connection, only } = rowOf(entry);
  return (
    connection === undefined &&
    (only?.includes(command) ?? true) &&
    (entry.question === undefined || entry.question === command)
  );
};
