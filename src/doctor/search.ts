/** Looks for ECUs in a network that its owner names: one port, slowly, and one question to whoever is there. */
import { setMaxListeners } from "node:events";
import { isIPv4 } from "node:net";
import { decodeReply, type Info } from "../protocol/replies.ts";
import { encodeRequest } from "../protocol/requests.ts";
import type { Clock } from "../time/clock.ts";
import { type CallLimits, call } from "./call.ts";

export interface SearchOptions {
  readonly range: { readonly network: string; readonly prefix: number };
  readonly port: number;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  readonly signal: AbortSignal;
  /** Told of each address that lets us in. */
  readonly onFound: (found: Found) => void;
  /** Told after each address. */
  readonly onProgress: (tried: number, all: number) => void;
}

/** Who takes connections at the port. */
export interface Found {
  readonly address: string;
  /** Absent where it answers as no ECU does. */
  readonly info?: Info;
  /** It says something, so that it is no ECU that hangs. */
  readonly answers: boolean;
}

const AT_ONCE = 20;
/** At most 50 new connections a second: a network of 254 addresses takes 5 seconds. */
const BETWEEN_MS = 20;
const limits: CallLimits = { connectMs: 500, silenceMs: 5_000, replyMs: 10_000, closeMs: 0 };

/** Tries every address of the range, in order. @returns how many ECUs answered */
export const search = async (options: SearchOptions): Promise<number> => {
  const { clock, signal } = options;
  setMaxListeners(0, signal); // every address in flight listens
  const addresses = addressesOf(options.range);
  const left = addresses.values();
  let nextStart = clock.monotonic();
  let tried = 0;
  let ecus = 0;
  const work = async (): Promise<void> => {
    for (const address of left) {
      const wait = nextStart - clock.monotonic();
      nextStart = Math.max(nextStart, clock.monotonic()) + BETWEEN_MS;
      if (wait > 0) await clock.sleep(wait, signal);
      if (signal.aborted) return;
      const found = await ask(address, options);
      if (found?.info !== undefined) ecus++;
      if (found !== undefined) options.onFound(found);
      options.onProgress(++tried, addresses.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return ecus;
};

const ask = async (
  address: string,
  { port, signal }: SearchOptions,
): Promise<Found | undefined> => {
  const heard = await call({ host: address, port }, encodeRequest("info"), limits, signal);
  switch (heard.stage) {
    case "outside":
      return undefined;
    case "inside":
      return { address, answers: heard.received.length > 0 };
    case "answered":
      try {
        return { address, answers: true, info: decodeReply("info", heard.reply) };
      } catch {
        return { address, answers: true };
      }
  }
};

/** All addresses of an IPv4 network, but its own and the one of all (where it has them: RFC 3021). */
const addressesOf = ({ network, prefix }: SearchOptions["range"]): readonly string[] => {
  if (!isIPv4(network)) return [];
  const size = 2 ** (32 - prefix);
  const given = network.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const first = given - (given % size);
  const all = Array.from({ length: size }, (_, i) => dotted(first + i));
  return prefix < 31 ? all.slice(1, -1) : all;
};

const dotted = (address: number): string =>
  [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join(".");
