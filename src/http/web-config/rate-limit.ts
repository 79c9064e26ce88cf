/** Not too often: requests, and lines of the log. */
import type { Logger } from "pino";

/** A bucket that holds `burst` requests and gets one more each `intervalMs`; 0 is no limit. */
export interface RateLimit {
  readonly intervalMs: number;
  readonly burst: number;
}

/** A token bucket, full at first. */
export const createTokenBucket = (
  limit: RateLimit | undefined,
  now: () => number,
): (() => boolean) => {
  if (limit === undefined || limit.intervalMs === 0) return () => true;
  let held = limit.burst;
  let at = now();
  return () => {
    const time = now();
    held = Math.min(limit.burst, held + (time - at) / limit.intervalMs);
    at = time;
    if (held < 1) return false;
    held--;
    return true;
  };
};

const MINUTE_MS = 60_000;

/** One line a minute for each sentence; `times` counts those since the line before. */
export const createWarningLimiter = (log: Logger, now: () => number) => {
  const events = new Map<string, { loggedAt: number; times: number }>();
  return (sentence: string, fields: Readonly<Record<string, unknown>>): void => {
    const event = events.get(sentence) ?? { loggedAt: Number.NEGATIVE_INFINITY, times: 0 };
    events.set(sentence, event);
    event.times++;
    if (now() - event.loggedAt < MINUTE_MS) return;
    log.warn({ ...fields, times: event.times }, sentence);
    event.loggedAt = now();
    event.times = 0;
  };
};
