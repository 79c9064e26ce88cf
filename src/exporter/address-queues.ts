/** The request queues: one for each ECU, by whatever names and addresses it is configured. */
import type { Logger } from "pino";
import type { EcuConfig } from "../config/ecu-settings.ts";
import type { EcuAddress } from "../config/values.ts";
import { canonicalHost } from "../ecu/address.ts";
import { exchange, type RawReply, type ResolvedAddress } from "../ecu/client.ts";
import { createRequestQueue, type RequestQueue } from "../ecu/queue.ts";
import type { Clock } from "../time/clock.ts";
import { createResolver } from "./resolve.ts";

export interface QueuedExchange {
  readonly ecu: EcuConfig;
  readonly request: Uint8Array;
  readonly signal: AbortSignal;
  /** Time between two requests to the ECU, in milliseconds. */
  readonly pauseMs: number;
  /** Whether the ECU is configured; otherwise it is probed. */
  readonly isConfigured: boolean;
}

export interface AddressQueues {
  /** Looks up the ECU, waits for its turn, and exchanges a request and its reply. @throws QueryError */
  readonly exchange: (options: QueuedExchange) => Promise<RawReply>;
  /** Forgets an ECU that is not configured any more. */
  readonly forget: (ecu: EcuConfig) => void;
  /** Forgets the queue of an address without targets. */
  readonly release: (address: EcuAddress) => void;
}

/** One key for each address and port, whatever its notation. */
export const createAddressKey = ({ host, port }: Omit<EcuAddress, "name">): string =>
  `${canonicalHost(host)} ${port}`;

/** The queue of an address, with its current pause, and the names of its configured ECUs. */
interface AddressQueue {
  pauseMs: number;
  readonly enqueue: RequestQueue;
  readonly ecus: Set<string>;
}

/** @see AddressQueues */
export const createAddressQueues = ({
  clock,
  log,
}: {
  readonly clock: Clock;
  readonly log: Logger;
}): AddressQueues => {
  const resolve = createResolver(clock);
  const queues = new Map<string, AddressQueue>();

  const findQueue = (ecu: EcuConfig, addresses: readonly ResolvedAddress[]): AddressQueue => {
    const keys = addresses.map(({ address }) =>
      createAddressKey({ host: address, port: ecu.port }),
    );
    const queue =
      keys.map((key) => queues.get(key)).find((candidate) => candidate !== undefined) ??
      createAddressQueue(clock);
    for (const key of keys) if (!queues.has(key)) queues.set(key, queue);
    return queue;
  };
  const forget = ({ name }: EcuConfig): void => {
    for (const { ecus } of queues.values()) ecus.delete(name);
  };
  const addEcu = ({ ecus }: AddressQueue, ecu: EcuConfig, address: string): void => {
    if (ecus.has(ecu.name)) return;
    forget(ecu); // at its last address
    ecus.add(ecu.name);
    if (ecus.size > 1)
      log.warn(
        { ecus: [...ecus], address },
        "one ECU is configured more than once; its reads wait for each other: remove all entries but one",
      );
  };
  return {
    exchange: async ({ ecu, request, signal, pauseMs, isConfigured }) => {
      const addresses = await resolve(ecu, signal);
      const queue = findQueue(ecu, addresses);
      if (isConfigured) addEcu(queue, ecu, addresses[0]?.address ?? ecu.host);
      queue.pauseMs = pauseMs;
      return await queue.enqueue(() => exchange({ ...ecu, addresses }, request, signal), signal);
    },
    forget,
    release: (address) => {
      const key = createAddressKey(address);
      if (queues.get(key)?.ecus.size === 0) queues.delete(key);
    },
  };
};

const createAddressQueue = (clock: Clock): AddressQueue => {
  const queue: AddressQueue = {
    pauseMs: 0,
    enqueue: createRequestQueue(() => queue.pauseMs, clock),
    ecus: new Set(),
  };
  return queue;
};
