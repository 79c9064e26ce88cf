import { once } from "node:events";
import type { Server } from "node:net";
import { createServer } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startTestExporter } from "../support/exporter.ts";

/** An ECU that never replies. */
let ecu: Server;
beforeEach(async () => {
  ecu = createServer((socket) => socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
  await once(ecu, "listening");
});
afterEach(() => {
  ecu.close();
});

it("replies to a scrape in flight before it stops, although the machine is busy for two seconds", async () => {
  const { port } = ecu.address() as { port: number };
  await using exporter = await startTestExporter({ host: "127.0.0.1", port });
  const connected = once(ecu, "connection");
  const scrape = exporter.get();
  await connected;
  const stopped = exporter.stop();
  const end = performance.now() + 2_000;
  while (performance.now() < end); // nothing else runs
  expect(await scrape).toContain('\necu_up{ecu="roof"} 0\n');
  await stopped;
});
