import type { Logger } from "pino";

export type Line = readonly [level: string, fields: Record<string, unknown>, message: string];

/** A logger that keeps its lines for tests. */
export const fakeLog = (): { log: Logger; lines: Line[] } => {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (fields: Record<string, unknown>, message: string): void => {
      lines.push([level, fields, message]);
    };
  const levels = ["debug", "info", "warn", "error"];
  const log = Object.fromEntries(levels.map((level) => [level, at(level)]));
  return { log: log as unknown as Logger, lines };
};
