/** Many at once, and those who never finish: what a server must bear. All on loopback, bounded in count and time. */
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { simulateEcu } from "../../src/simulator/ecu.ts";
import { parseSamples, startTestExporter } from "../support/exporter.ts";
import { startServer } from "../support/listening.ts";

const startRoof = (options: { replyDelayMs?: number } = {}) =>
  simulateEcu({
    inverters: [["QS1", 5]],
    family: "L",
    site: { latitude: 28, longitude: 0 },
    zone: "Etc/GMT",
    seed: 1,
    start: Date.parse("2026-06-21T12:00:00Z"),
    timeScale: 1,
    elapsed: () => performance.now(),
    ...options,
  });

describe("a thousand scrapes of one ECU at one time", () => {
  it("make one read, and are all answered with the same text", async () => {
    await using ecu = await startRoof({ replyDelayMs: 500 });
    await using exporter = await startTestExporter(ecu, {
      maxRequests: 1_000,
      minInterval: 60_000,
      commandPause: 50, // an ECU hears of a closed connection a moment later
    });
    const scrapes = Array.from({ length: 1_000 }, () => fetch(`${exporter.url}/metrics`));
    const responses = await Promise.all(scrapes);
    const texts = await Promise.all(responses.map((response) => response.text()));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(ecu.requests.map(({ code }) => code)).toEqual(["0001", "0002", "0030"]);
    expect(ecu.connections.peak).toBe(1);
    // What the exporter tells of itself may be of a moment later; what it tells of the ECU may not.
    const ofTheEcu = texts.map((text) => text.match(/^(ecu|inverter)_.*$/gm)?.join("\n"));
    expect(new Set(ofTheEcu).size).toBe(1);
    expect(parseSamples(texts[0] ?? "", "ecu_up")).toEqual({ "": 1 });
  });

  it("are answered 40 at a time and 503 beyond, by default", async () => {
    await using ecu = await startRoof({ replyDelayMs: 500 });
    await using exporter = await startTestExporter(ecu);
    const scrapes = Array.from({ length: 60 }, async () => {
      const response = await fetch(`${exporter.url}/metrics`);
      await response.arrayBuffer();
      return response.status;
    });
    const statuses = await Promise.all(scrapes);
    expect(statuses.filter((status) => status === 200)).toHaveLength(40);
    expect(statuses.filter((status) => status === 503)).toHaveLength(20);
  });
});

describe("a client that does not finish its request", () => {
  it.each(["", "GET /metrics HTTP/1.1\r\nHost: a\r\n"])(
    "and sent only %j is hung up on",
    { timeout: 15_000 },
    async (sent) => {
      await using ecu = await startRoof();
      await using exporter = await startTestExporter(ecu);
      const socket = connect(Number(new URL(exporter.url).port), "127.0.0.1");
      socket.on("error", () => {});
      socket.resume().write(sent);
      await once(socket, "close");
      expect(ecu.requests).toEqual([]);
    },
  );
});

describe("a mute ECU", () => {
  /** It takes connections and says nothing. */
  const startMute = () => startServer((socket) => void socket.resume());

  it.each([
    { seconds: 1, atOnce: 25 },
    { seconds: 3, atOnce: 50 },
    { seconds: 10, atOnce: 200 },
  ])(
    "is told of before the $seconds s that Prometheus waits, in 200 of 200 tries",
    { timeout: 60_000 },
    async ({ seconds, atOnce }) => {
      await using ecu = await startMute();
      await using exporter = await startTestExporter(ecu, { maxRequests: 200, timeout: 20_000 });
      const headers = { "X-Prometheus-Scrape-Timeout-Seconds": String(seconds) };
      const scrape = async () => {
        const begun = performance.now();
        const text = await exporter.get("/metrics", headers);
        return parseSamples(text, "ecu_up")[""] === 0 && performance.now() - begun < seconds * 1000;
      };
      const good: boolean[] = [];
      for (let tries = 0; tries < 200; tries += atOnce) {
        good.push(...(await Promise.all(Array.from({ length: atOnce }, scrape))));
      }
      expect(good).toEqual(Array(200).fill(true));
    },
  );

  it("takes nothing from four others in the same answer", async () => {
    await using mute = await startMute();
    await using a = await startRoof();
    await using b = await startRoof();
    await using c = await startRoof();
    await using d = await startRoof();
    await using exporter = await startTestExporter([a, b, mute, c, d], { timeout: 1_000 });
    const text = await exporter.get();
    const ups = [...text.matchAll(/^ecu_up\{ecu="(\w+)"\} (\d)$/gm)].map(
      ([, ecu, up]) => `${ecu} ${up}`,
    );
    expect(ups).toEqual(["roof 1", "roof2 1", "roof3 0", "roof4 1", "roof5 1"]);
    const powers = [...text.matchAll(/^inverter_channel_power_watts\{ecu="(\w+)"/gm)].map(
      ([, ecu]) => ecu,
    );
    expect(powers).toHaveLength(4 * 20);
  });
});
