/** "Did you mean": the commands or flags that resemble an unknown one. */
import { Command } from "commander";

/**
 * Finds the candidates that a user may have meant: those that start with the word or end with it after a dot, otherwise those
 * that commander considers similar.
 * @param word a command, or a flag with its dashes
 * @returns text for the end of a message, such as ` (did you mean --ecu.address?)`, or an empty text
 */
export const suggest = (word: string, candidates: readonly string[]): string => {
  const name = word.replace(/^-+/, "");
  const dashes = word.startsWith("-") ? "--" : "";
  const related = candidates.filter(
    (candidate) =>
      name.length > 1 &&
      (candidate.startsWith(`${dashes}${name}`) || candidate.endsWith(`.${name}`)),
  );
  return related.length > 0
    ? ` (did you mean ${related.length === 1 ? "" : "one of "}${related.join(", ")}?)`
    : askCommander(`${dashes}${name}`, candidates);
};

/** Parses the word with a parser that knows the candidates only: its error suggests the similar ones. */
const askCommander = (word: string, candidates: readonly string[]): string => {
  const parser = new Command()
    .helpOption(false)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  for (const candidate of candidates) {
    if (candidate.startsWith("-")) parser.option(candidate);
    else parser.command(candidate);
  }
  try {
    parser.parse([word], { from: "user" });
    return "";
  } catch (error) {
    const [, suggestion] = /\(Did you mean (.*)\?\)/.exec((error as Error).message) ?? [];
    return suggestion === undefined ? "" : ` (did you mean ${suggestion}?)`;
  }
};
