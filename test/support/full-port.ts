import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";

/** A port that neither accepts nor refuses: its connection queue is full, and its thread is blocked. */
export const openFullPort = async () => {
  const code = `
    const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      require("node:worker_threads").parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const worker = new Worker(code, { eval: true });
  const [port] = (await once(worker, "message")) as [number];
  const endpoint = { host: "127.0.0.1", port };
  const queue = Array.from({ length: 3 }, () => connect(endpoint).on("error", () => {}));
  await once(queue[1] as Socket, "connect");
  return {
    ...endpoint,
    [Symbol.asyncDispose]: async () => {
      for (const socket of queue) socket.destroy();
      await worker.terminate();
    },
  };
};
