/** Limits how often something happens: requests, and lines of the log. */
import type { Logger } from "pino";

/** A bucket of `burst` requests, refilled by one per `intervalMs`; an interval of 0 means no limit. */
export interface RateLimit {
  readonly intervalMs: number;
  readonly burst: number;
}

/**
 * Creates a token bucket, which is full at first.
 * @param now milliseconds of a monotonic clock
 * @returns takes a token; false if there is none
 */
export const createTokenBucket = (
  limit: RateLimit | undefined,
  now: () => number,
): (() => boolean) => {
  if (limit === undefined || limit.intervalMs === 0) return () => true;
  let tokens = limit.burst;
  let refilledAt = now();
  return () => {
    const time = now();
    tokens = Math.min(limit.burst, tokens + (time - refilledAt) / limit.intervalMs);
    refilledAt = time;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
};

const MINUTE_MS = 60_000;

/**
 * Creates a function that logs a warning at most once a minute for each message, so that clients cannot flood the log.
 * The field `times` counts the warnings since the previous line.
 */
export const createWarningLimiter = (log: Logger, now: () => number) => {
  const warnings = new Map<string, { loggedAt: number; times: number }>();
  return (message: string, fields: Readonly<Record<string, unknown>>): void => {
    const warning = warnings.get(message) ?? { loggedAt: Number.NEGATIVE_INFINITY, times: 0 };
    warnings.set(message, warning);
    warning.times++;
    if (now() - warning.loggedAt < MINUTE_MS) return;
    log.warn({ ...fields, times: warning.times }, message);
    warning.loggedAt = now();
    warning.times = 0;
  };
};
