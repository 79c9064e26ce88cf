import { readdirSync, readFileSync } from "node:fs";
import { replaceEach } from "./alertmanager.ts";

/** Simulated seconds per second in tests of the alerts. All durations are divided by it: 40 minutes become 20 seconds. */
export const SPEED = 120;

/** Durations in rules and in the example for Alertmanager: `for: 40m`, `[7d]`, `[1d:5m]`, `offset 23h30m`, `group_wait: 5m`. */
const DURATION =
  /(?<=(?:\b|_)(?:for|interval|wait): |\boffset |[[:])(?:\d+(?:ms|[smhdw]))+(?=[\]:)\s]|$)/gm;
const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Divides all durations in a text by {@link SPEED}. A duration other than zero becomes at least 1 ms. */
export const scaleDurations = (text: string): string =>
  text.replace(DURATION, (duration) => {
    const parts = duration.matchAll(/(\d+)(ms|[smhdw])/g);
    const ms = [...parts].reduce(
      (sum, [, count, unit]) => sum + Number(count) * MS[unit as keyof typeof MS],
      0,
    );
    return `${ms === 0 ? 0 : Math.max(1, Math.round(ms / SPEED))}ms`;
  });

const RULES = "prometheus/rules";

/**
 * The rules of this repository with scaled durations, by the name of their file.
 * @throws Error if the condition of the rule for warmth has changed
 */
export const readScaledRules = (): readonly (readonly [name: string, text: string])[] =>
  readdirSync(RULES).map((name) => {
    const scaled = scaleDurations(readFileSync(`${RULES}/${name}`, "utf8"));
    // The rule for warmth needs 72 hourly values. They would take 36 minutes here, so one value is enough.
    return [name, name === "recording.yml" ? replaceEach(scaled, [[/>= 72$/m, ">= 1"]]) : scaled];
  });
