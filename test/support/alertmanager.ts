/** The example for Alertmanager, and changes to it for tests. */
import { readFileSync } from "node:fs";
import { freePort, type RunningProgram, startProgram } from "./programs.ts";

/** Replaces each pattern in a text. @throws Error if a pattern does not occur */
export const replaceEach = (
  text: string,
  replacements: readonly (readonly [from: string | RegExp, to: string])[],
): string =>
  replacements.reduce((before, [from, to]) => {
    const after = before.replace(from, to);
    if (after === before) throw new Error(`${from} does not occur`);
    return after;
  }, text);

/** Path of the example. */
export const ALERTMANAGER = "prometheus/alertmanager.yml";
/** Text of the example. */
export const example = readFileSync(ALERTMANAGER, "utf8");

/** A notification method in a comment of the example: lines with a # directly before a word. */
const METHOD = /(?:^ +#\S.*\n)+/gm;
/** All notification methods of the example. */
export const methods: readonly string[] = example.match(METHOD) ?? [];

/** Removes the # of one method, as the comments in the example describe. */
export const enableMethod = (text: string, method: string): string =>
  replaceEach(text, [[method, method.replace(/^( +)#/gm, "$1")]]);

/** The method that contains this text. */
export const findMethod = (part: string): string =>
  methods.find((method) => method.includes(part)) ?? "";

/** An Alertmanager that runs until the end of the test. */
export interface RunningAlertmanager extends RunningProgram {
  /** Host and port. */
  readonly address: string;
}

/** Starts an Alertmanager on a free port of loopback, without its cluster. It may not accept alerts yet. */
export const startAlertmanager = async ({
  program,
  config,
  data,
}: {
  /** Name or path of the program. */
  readonly program: string;
  /** Path of its configuration. */
  readonly config: string;
  /** Folder of its data. */
  readonly data: string;
}): Promise<RunningAlertmanager> => {
  const address = `127.0.0.1:${await freePort()}`;
  const running = startProgram(program, [
    `--config.file=${config}`,
    `--storage.path=${data}`,
    `--web.listen-address=${address}`,
    "--cluster.listen-address=",
  ]);
  return { ...running, address };
};
