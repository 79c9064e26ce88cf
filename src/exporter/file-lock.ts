/**
 * A lock on a file: a socket beside it, on which the holder listens. When a process ends, even by SIGKILL, the kernel stops
 * listening, so a socket that was left behind is recognized at once. A process id in a file would prove nothing: in a container it is
 * always 1. The lock also works between containers that share a volume, but not between machines. Node.js has no `flock`.
 *
 * Each process listens on a socket with a name of its own before it looks for others, so of two processes at least one notices
 * the other, and a socket can be removed without the risk that another process has just replaced it.
 */
import { once } from "node:events";
import { readdir, unlink } from "node:fs/promises";
import { createConnection, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { createSiblingName } from "../files.ts";

/** A lock that this process holds. It does not keep the process alive. */
export interface FileLock {
  release(): Promise<void>;
}

/** Longest path of a socket on all systems, in bytes. Node.js cuts longer ones. */
const MAX_PATH_BYTES = 103;
/** Two processes that start at the same moment can notice each other: both then try again after a random time. */
const MAX_ATTEMPTS = 5;
const FIRST_DELAY_MS = 40;

/**
 * Locks a file by a socket beside it. The file itself need not exist.
 * @returns `undefined` if another process holds the lock
 * @throws Error of the system if a socket cannot be created
 */
export const lockFile = async (path: string): Promise<FileLock | undefined> => {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { name, isSibling } = createSiblingName(path, "lock");
    const server = await listen(join(dirname(path), name));
    let isHeld = true;
    try {
      isHeld = await isHeldByOther(dirname(path), name, isSibling);
      if (!isHeld) return { release: () => close(server) };
    } finally {
      if (isHeld) await close(server);
    }
    const delayMs = Math.random() * FIRST_DELAY_MS * 2 ** attempt;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
  return undefined;
};

const listen = async (path: string): Promise<Server> => {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new Error("its path is too long");
  const server = createServer((socket) => socket.on("error", () => {}).destroy());
  server.unref();
  // Any user may connect: the exporter of another user must also find out whether the lock is held.
  server.listen({ path, readableAll: true, writableAll: true });
  await once(server, "listening");
  return server;
};

const close = async (server: Server): Promise<void> => {
  server.close(); // removes the socket
  await once(server, "close");
};

/** Whether another process listens on a lock of the same file, or removed the own socket. Removes the sockets on which no process listens. */
const isHeldByOther = async (
  folder: string,
  ownName: string,
  isSibling: (name: string) => boolean,
): Promise<boolean> => {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isSocket() || entry.name === ownName || !isSibling(entry.name)) continue;
    const path = join(folder, entry.name);
    const code = await connect(path);
    if (code === "ECONNREFUSED") await unlink(path).catch(() => {});
    else if (code !== "ENOENT") return true;
  }
  // Between its two steps of creating a socket, a process does not listen yet, and another one may have removed the socket.
  return !(await readdir(folder)).includes(ownName);
};

/** @returns the code of the error; `undefined` if a process listens */
const connect = async (path: string): Promise<string | undefined> => {
  const socket = createConnection(path);
  try {
    await once(socket, "connect");
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    socket.destroy();
  }
};
