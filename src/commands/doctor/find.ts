/** `doctor --find`: the ECUs of a network. */

import { styled, type Terminal } from "../../cli/terminal.ts";
import { type Found, type SearchOptions, search } from "../../doctor/search.ts";
import { ecuModel } from "../../ecu/models.ts";
import { printable } from "../../text.ts";

const ADDRESS_WIDTH = 17;

/** Looks at every address, and lists who answers. @returns the exit code: 0 where an ECU was found, else 1 */
export const findEcus = async (
  range: SearchOptions["range"],
  { screen, clock, port }: Pick<SearchOptions, "clock" | "port"> & { readonly screen: Terminal },
): Promise<number> => {
  const name = `${range.network}/${range.prefix}`;
  screen.write(`${styled("strong", `Looking for ECUs in ${name}, port ${port}`, screen)}\n\n`);
  const progress = process.stderr.isTTY ? (text: string) => process.stderr.write(text) : () => {};
  let open = 0;
  const ecus = await search({
    range,
    port,
    clock,
    signal: new AbortController().signal,
    onFound: (found) => {
      open++;
      progress("\r\u001b[K");
      screen.write(lineOf(found, screen));
    },
    onProgress: (tried, all) => progress(`\r${tried} of ${all} addresses`),
  });
  progress("\r\u001b[K");
  screen.write(`${open > 0 ? "\n" : ""}${conclusion(ecus)}\n`);
  return ecus > 0 ? 0 : 1;
};

const lineOf = ({ address, info, answers }: Found, screen: Terminal): string => {
  const place = address.padEnd(ADDRESS_WIDTH);
  if (info === undefined) {
    const what = answers
      ? "something else listens there"
      : "the port is open and nobody answers: an ECU that hangs, or something else";
    return `${place}${styled("fair", what, screen)}\n`;
  }
  const words = [ecuModel(info).padEnd(10), info.ecuId, printable(info.firmware)];
  return `${place}${styled("good", words.join(" "), screen)}\n`;
};

const conclusion = (ecus: number): string => {
  if (ecus === 0)
    return "No ECU was found. An ECU-R or ECU-B is in the network by Wi-Fi only; is this the network of its Wi-Fi?";
  return ecus === 1
    ? "One ECU was found. Let the router give it that address always."
    : `${ecus} ECUs were found. Let the router give them these addresses always.`;
};
