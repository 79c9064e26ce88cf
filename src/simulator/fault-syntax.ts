/** A fault as the command line and the control port spell it. */
import { milliseconds, type Parse, refuse } from "../config/values.ts";
import {
  type FaultDefinition,
  type FaultLimit,
  type FaultName,
  type FaultSpec,
  faultQueries,
  faults,
} from "./faults.ts";

/** `NAME`, `NAME@QUESTION`; either with `:once`, `:3times`, `:30s` or `:0.2` behind it. */
export const parseFault: Parse<FaultSpec> = (text) => {
  const [, word = "", asked, limit] = /^([^@:]*)(?:@([^:]*))?(?::(.*))?$/s.exec(text) ?? [];
  const name = (Object.keys(faults) as FaultName[]).find((one) => one === word);
  if (name === undefined) {
    const names = Object.keys(faults).join(", ");
    return refuse(
      word === text ? `is not one of ${names}` : `names "${word}", not one of ${names}`,
    );
  }
  const question = faultQueries.find((one) => one === asked);
  const { connection, only }: FaultDefinition = faults[name];
  if (asked !== undefined) {
    if (connection !== undefined)
      return refuse("has a question, but acts on connections, before any question");
    if (question === undefined) {
      return refuse(
        `names "${asked}", which is not a question; questions are ${faultQueries.join(", ")}`,
      );
    }
    if (only?.includes(question) === false)
      return refuse(`does not change the reply to ${question}`);
  }
  return {
    name,
    ...(question && { query: question }),
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

/** A fault as the command line spells it. */
export const formatFault = ({ name, query: question, limit }: FaultSpec): string =>
  `${name}${question === undefined ? "" : `@${question}`}${limit === undefined ? "" : `:${formatLimit(limit)}`}`;

const formatLimit = (limit: NonNullable<FaultSpec["limit"]>): string => {
  if ("times" in limit) return limit.times === 1 ? "once" : `${limit.times}times`;
  return "ms" in limit ? `${limit.ms}ms` : String(limit.chance);
};
