/** Finds the ECUs of a network: tries one port at each address, slowly, and sends one request to what accepts. */
import { setMaxListeners } from "node:events";
import { isIPv4 } from "node:net";
import type { exchange } from "../ecu/client.ts";
import { decodeReply, type Info } from "../protocol/replies.ts";
import { encodeRequest } from "../protocol/requests.ts";
import type { Clock } from "../time/clock.ts";
import { contact } from "./contact.ts";

export interface DiscoverOptions {
  /** An IPv4 network; the caller bounds its size. */
  readonly range: { readonly network: string; readonly prefix: number };
  readonly port: number;
  /** The client. */
  readonly exchange: typeof exchange;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called with each address that accepts a connection. */
  readonly onFound: (device: Device) => void;
  /** Called after each address. */
  readonly onProgress: (tried: number, total: number) => void;
}

/** A device that accepts connections at the port. */
export interface Device {
  readonly address: string;
  /** The base information; absent if the device is not an ECU. */
  readonly info?: Info;
  /** Whether it sent any bytes. An ECU that hangs sends none. */
  readonly replies: boolean;
}

const CONCURRENCY = 20;
/** At most 50 new connections a second: a network of 254 addresses takes 5 seconds. */
const INTERVAL_MS = 20;
/** Short, because most addresses of a network are unused, and an ECU in the same network accepts within milliseconds. */
const CONNECT_MS = 500;

/** Tries every address of the range, in order. @returns the number of ECUs found */
export const discover = async (options: DiscoverOptions): Promise<number> => {
  const { clock, signal } = options;
  setMaxListeners(0, signal); // each connection adds one
  const addresses = listAddresses(options.range);
  const remaining = addresses.values();
  let nextStart = clock.monotonic();
  let tried = 0;
  let ecus = 0;
  const work = async (): Promise<void> => {
    for (const address of remaining) {
      const wait = nextStart - clock.monotonic();
      nextStart = Math.max(nextStart, clock.monotonic()) + INTERVAL_MS;
      if (wait > 0) await clock.sleep(wait, signal);
      if (signal.aborted) return;
      const device = await tryAddress(address, options);
      if (device?.info !== undefined) ecus++;
      if (device !== undefined) options.onFound(device);
      options.onProgress(++tried, addresses.length);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return ecus;
};

const tryAddress = async (
  address: string,
  { port, exchange, clock, signal }: DiscoverOptions,
): Promise<Device | undefined> => {
  const result = await contact({ host: address, port }, encodeRequest("info"), {
    exchange,
    clock,
    limits: { connectMs: CONNECT_MS },
    signal,
  });
  switch (result.stage) {
    case "not connected":
      return undefined;
    case "no reply":
      return { address, replies: result.received.length > 0 };
    case "replied":
      try {
        return { address, replies: true, info: decodeReply("info", result.reply) };
      } catch {
        return { address, replies: true };
      }
  }
};

/** The addresses of an IPv4 network without its network and broadcast address, where it has these (RFC 3021). */
const listAddresses = ({ network, prefix }: DiscoverOptions["range"]): readonly string[] => {
  if (!isIPv4(network)) return [];
  const size = 2 ** (32 - prefix);
  const address = network.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const first = address - (address % size);
  const all = Array.from({ length: size }, (_, i) => formatAddress(first + i));
  return prefix < 31 ? all.slice(1, -1) : all;
};

const formatAddress = (address: number): string =>
  [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join(".");
