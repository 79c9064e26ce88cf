import { connect, type Socket } from "node:net";
import { expect, it } from "vitest";
import { unrestricted } from "../../src/http/web-config/middleware.ts";
import { startServer } from "./start-server.ts";

/** More than the buffers of the operating system on both sides. */
const LARGE = Buffer.alloc(64_000_000, "ecu_up 1\n");
const WRITE_MS = 300;
const REQUEST = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";

const startLargeServer = () =>
  startServer(unrestricted, { writeTimeoutMs: WRITE_MS }, ({ url }, response) => {
    if (url === "/large") response.end(LARGE);
    else setTimeout(() => response.end("small"), url === "/late" ? 3 * WRITE_MS : 0);
  });

/** Sends requests and reads nothing. */
const sendOnly = (port: number, text: string): Socket => {
  const client = connect(port, "127.0.0.1").pause();
  client.on("error", () => {});
  client.write(text);
  return client;
};
const closed = (client: Socket): Promise<void> =>
  new Promise((resolve) => client.once("close", () => resolve()));
/** Reads what a connection still has to give. @returns the number of bytes until it was closed */
const drain = async (client: Socket): Promise<number> => {
  client.resume();
  await closed(client);
  return client.bytesRead;
};

it("a client that does not read is disconnected, with one line in the log", async () => {
  await using server = await startLargeServer();
  const clients = Array.from({ length: 5 }, () => sendOnly(server.port, REQUEST));
  await new Promise((resolve) => setTimeout(resolve, WRITE_MS + 200));
  for (const client of clients) expect(await drain(client)).toBeLessThan(LARGE.length);
  expect(server.logged).toEqual([
    {
      level: 40,
      from: "127.0.0.1",
      times: 1,
      msg: "a client did not read a response in time; its connection was closed",
    },
  ]);
});

it("a client that sends requests and reads a byte now and then is disconnected too", async () => {
  await using server = await startLargeServer();
  const client = sendOnly(server.port, REQUEST);
  const trickle = setInterval(() => {
    client.read(1);
    client.write(REQUEST);
  }, WRITE_MS / 10);
  await closed(client);
  clearInterval(trickle);
  expect(client.bytesRead).toBeLessThan(LARGE.length);
});

it("the time starts with the response, not with the request", async () => {
  await using server = await startLargeServer();
  expect(await server.get("/late")).toMatchObject({ status: 200, text: "small" });
});

it("a response that is ready waits for an earlier one on its connection without a limit", async () => {
  await using server = await startLargeServer();
  const client = connect(server.port, "127.0.0.1").setEncoding("utf8");
  let received = "";
  client.on("data", (text) => {
    received += text;
  });
  client.write("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
  client.write("GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  await closed(client);
  expect(received.match(/small/g)).toHaveLength(2);
});
