import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { pino } from "pino";
import { expect, it } from "vitest";
import { createAccessMiddleware } from "../../../src/http/web-config/middleware.ts";

it("drops a request if the client disconnects during the password check", async () => {
  const handled: string[] = [];
  let finish = (): void => {};
  const checked = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const listener = createAccessMiddleware((request) => handled.push(request.url ?? ""), {
    access: () => ({ users: new Map([["ada", "$2a$06$hash"]]), headers: [] }),
    compare: () => checked.then(() => true),
    log: pino({ level: "silent" }),
    now: () => 0,
  });
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const disconnected = new Promise((resolve) => {
    server.once("request", (_request, response) => response.once("close", resolve));
  });
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const basic = Buffer.from("ada:secret").toString("base64");
  socket.write(`GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${basic}\r\n\r\n`);
  await once(server, "request");
  socket.destroy();
  await disconnected;
  finish();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(handled).toEqual([]);
  server.close();
});
