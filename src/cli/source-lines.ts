/** Error stacks of the bundled program, with the lines of its sources. */
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";

/** A place in a file of the bundle, as in `at run (file:///…/dist/main.js:1:23)`. */
const PLACE = /(file:\/\/[^\s()]+\.js):(\d+):(\d+)/g;

/**
 * Replaces the places in a stack by those in the sources. The map of a file is read only then: Node.js would load the maps of
 * all files at every start. A file without a map keeps its places.
 */
export const toSourceLines = (stack: string): string =>
  stack.replace(PLACE, (place, url: string, line: string, column: string) => {
    try {
      const payload = JSON.parse(readFileSync(new URL(`${url}.map`), "utf8"));
      const entry = new SourceMap(payload).findEntry(Number(line) - 1, Number(column) - 1);
      if (!("originalSource" in entry)) return place;
      const { originalSource, originalLine, originalColumn } = entry;
      return `${originalSource.replace(/^(\.\.\/)+/, "")}:${originalLine + 1}:${originalColumn + 1}`;
    } catch {
      return place;
    }
  });

/** Makes Node.js print the lines of the sources for errors that nothing catches. */
export const showSourceLines = (): void => {
  process.on("uncaughtExceptionMonitor", (error) => {
    if (error instanceof Error && error.stack !== undefined)
      error.stack = toSourceLines(error.stack);
  });
};
