/** The text form of a fault, on the command line and at the control port. */
import { milliseconds, type Parse, refuse } from "../config/values.ts";
import {
  type FaultDefinition,
  type FaultLimit,
  type FaultName,
  type FaultSpec,
  faultQueries,
  faults,
} from "./faults.ts";

/** Parses `NAME` or `NAME@QUERY`, optionally followed by `:once`, `:3times`, `:30s` or `:0.2`. */
export const parseFault: Parse<FaultSpec> = (text) => {
  const [, word = "", queryName, limit] = /^([^@:]*)(?:@([^:]*))?(?::(.*))?$/s.exec(text) ?? [];
  const name = (Object.keys(faults) as FaultName[]).find((candidate) => candidate === word);
  if (name === undefined) {
    const names = Object.keys(faults).join(", ");
    return refuse(
      word === text ? `is not one of ${names}` : `names "${word}", not one of ${names}`,
    );
  }
  const query = faultQueries.find((candidate) => candidate === queryName);
  const { connection, only }: FaultDefinition = faults[name];
  if (queryName !== undefined) {
    if (connection !== undefined)
      return refuse("has a query, but acts on connections, before any query");
    if (query === undefined) {
      return refuse(
        `names "${queryName}", which is not a query; queries are ${faultQueries.join(", ")}`,
      );
    }
    if (only?.includes(query) === false) return refuse(`does not change the reply to ${query}`);
  }
  return {
    name,
    ...(query && { query }),
    ...(limit !== undefined && { limit: faultLimit(limit) }),
  };
};

const MAX_LIMIT_MS = 24 * 3_600_000;

const faultLimit: Parse<FaultLimit> = (text) => {
  const [, times, chance] = /^(?:(\d{1,9})times|(0?\.\d+))$/.exec(text) ?? [];
  if (text === "once") return { times: 1 };
  if (Number(times) > 0) return { times: Number(times) };
  if (Number(chance) > 0) return { chance: Number(chance) };
  if (/^[\d.]+(ms|s|m|h)$/.test(text)) {
    const ms = milliseconds(text);
    if (ms > 0 && ms <= MAX_LIMIT_MS) return { ms };
  }
  return refuse("does not end in a limit such as once, 3times, 30s or 0.2");
};

/** Formats a fault as the command line accepts it. */
export const formatFault = ({ name, query, limit }: FaultSpec): string =>
  `${name}${query === undefined ? "" : `@${query}`}${limit === undefined ? "" : `:${formatLimit(limit)}`}`;

const formatLimit = (limit: NonNullable<FaultSpec["limit"]>): string => {
  if ("times" in limit) return limit.times === 1 ? "once" : `${limit.times}times`;
  return "ms" in limit ? `${limit.ms}ms` : String(limit.chance);
};
