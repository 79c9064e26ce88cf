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
