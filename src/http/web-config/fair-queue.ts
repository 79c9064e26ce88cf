/** A queue that runs one task at a time and gives every network its turn. */
import { isIPv6, type Socket } from "node:net";

/** The connection of a client that waits. */
export type Connection = Pick<Socket, "remoteAddress" | "destroyed">;

export interface FairQueueLimits {
  /** The maximum number of tasks that wait. */
  readonly maxWaiting: number;
  /** The maximum time that a task waits, in milliseconds. */
  readonly maxWaitMs: number;
}

interface Waiting {
  readonly connection: Connection;
  readonly endWait: (hasTurn: boolean) => void;
}

/**
 * Creates a queue. Networks take turns, so that a flood from one delays another by one task at most. A task is dropped
 * if its connection already has one in the queue, if it waits too long, and if its client disconnects. In a full queue,
 * the newest task of the network with the most tasks is dropped.
 * @returns a function that runs a task; its result is `undefined` if the task was dropped
 */
export const createFairQueue = ({ maxWaiting, maxWaitMs }: FairQueueLimits) => {
  const networks = new Map<string, readonly Waiting[]>(); // in the order of their turns
  const connections = new Set<Connection>(); // with a task that waits or runs
  let isRunning = false;

  const setWaiting = (network: string, tasks: readonly Waiting[]): void => {
    if (tasks.length === 0) networks.delete(network);
    else networks.set(network, tasks);
  };
  const moveToEnd = (network: string, tasks: readonly Waiting[]): void => {
    networks.delete(network);
    setWaiting(network, tasks);
  };
  const startNext = (): void => {
    for (const [network, [next, ...others]] of networks) {
      if (isRunning) return;
      moveToEnd(network, others);
      isRunning = next?.connection.destroyed === false;
      next?.endWait(isRunning);
    }
  };
  const dropSurplus = (): void => {
    const lists = [...networks.values()];
    const tasks = lists.flat();
    if (tasks.length <= maxWaiting) return;
    const longest = lists.reduce((a, b) => (b.length >= a.length ? b : a));
    const dropped = tasks.find(({ connection }) => connection.destroyed) ?? longest.at(-1);
    dropped?.endWait(false);
  };
  const waitForTurn = (network: string, connection: Connection): Promise<boolean> =>
    new Promise((resolve) => {
      const task: Waiting = {
        connection,
        endWait: (hasTurn) => {
          clearTimeout(timer);
          setWaiting(
            network,
            listWaiting(network).filter((other) => other !== task),
          );
          resolve(hasTurn);
        },
      };
      const timer = setTimeout(task.endWait, maxWaitMs, false);
      setWaiting(network, [...listWaiting(network), task]);
      startNext();
      dropSurplus();
    });
  const listWaiting = (network: string): readonly Waiting[] => networks.get(network) ?? [];

  return async <T>(connection: Connection, task: () => Promise<T>): Promise<T | undefined> => {
    if (connections.has(connection)) return undefined;
    connections.add(connection);
    const network = findNetwork(connection.remoteAddress ?? "");
    const hasTurn = await waitForTurn(network, connection);
    try {
      return hasTurn ? await task() : undefined;
    } finally {
      connections.delete(connection);
      if (hasTurn) {
        isRunning = false;
        moveToEnd(network, listWaiting(network)); // behind those that came in the meantime
        startNext();
      }
    }
  };
};

/** The network of an address. A client with IPv6 can use any address of its /64. */
const findNetwork = (address: string): string => {
  if (!isIPv6(address) || address.includes(".")) return address; // ::ffff:192.0.2.1 is IPv4
  const [before = [], after = []] = address.split("::").map((part) => part.split(":"));
  const zeros = Array<string>(8 - before.length - after.length).fill("0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
};
