/** `doctor --find`: finds the ECUs of a network. */
import { styled, type Terminal } from "../../cli/terminal.ts";
import { type Device, type DiscoverOptions, discover } from "../../doctor/discover.ts";
import { findEcuModel } from "../../ecu/models.ts";
import { printable } from "../../text.ts";

const ADDRESS_WIDTH = 17;
const CLEAR_LINE = "\r\u001b[K";

/** Tries every address, and lists the devices that accept a connection. @returns the exit code: 0 if an ECU was found, otherwise 1 */
export const findEcus = async (
  range: DiscoverOptions["range"],
  {
    terminal,
    exchange,
    clock,
    port,
  }: Pick<DiscoverOptions, "exchange" | "clock" | "port"> & { readonly terminal: Terminal },
): Promise<number> => {
  const network = `${range.network}/${range.prefix}`;
  const title = `Searching ${network} for ECUs, port ${port}`;
  terminal.write(`${styled("strong", title, terminal)}\n\n`);
  const showProgress = process.stderr.isTTY
    ? (text: string) => process.stderr.write(text)
    : () => {};
  let devices = 0;
  const ecus = await discover({
    range,
    port,
    exchange,
    clock,
    signal: new AbortController().signal,
    onFound: (device) => {
      devices++;
      showProgress(CLEAR_LINE);
      terminal.write(formatDevice(device, terminal));
    },
    onProgress: (tried, total) => showProgress(`\r${tried} of ${total} addresses`),
  });
  showProgress(CLEAR_LINE);
  terminal.write(`${devices > 0 ? "\n" : ""}${conclude(ecus)}\n`);
  return ecus > 0 ? 0 : 1;
};

const formatDevice = ({ address, info, replies }: Device, terminal: Terminal): string => {
  const label = address.padEnd(ADDRESS_WIDTH);
  if (info === undefined) {
    const problem = replies
      ? "another kind of device"
      : "the port is open, but there is no reply: an ECU that does not respond, or another kind of device";
    return `${label}${styled("fair", problem, terminal)}\n`;
  }
  const words = [findEcuModel(info).padEnd(10), info.ecuId, printable(info.firmware)];
  return `${label}${styled("good", words.join(" "), terminal)}\n`;
};

const conclude = (ecus: number): string => {
  if (ecus === 0)
    return "No ECU was found. An ECU-R or ECU-B is connected by Wi-Fi only; search the network of that Wi-Fi.";
  return ecus === 1
    ? "One ECU was found. Have your router reserve its address."
    : `${ecus} ECUs were found. Have your router reserve their addresses.`;
};
