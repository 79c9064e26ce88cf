/** Many simultaneous scrapes, unfinished requests, and an ECU that does not reply. All connections use the loopback interface. */
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { simulateEcu } from "../../src/simulator/ecu.ts";
import { parseSamples, startTestExporter } from "../support/exporter.ts";
import { startServer } from "../support/listening.ts";
import { poll } from "../support/programs.ts";

/** How much later than its time limit a scrape may end: the machine may be busy. */
const GRACE_MS = 10_000;

const startRoof = (options: { replyDelayMs?: number; inverters?: [["QS1", number]] } = {}) =>
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

describe("simultaneous scrapes of one ECU", () => {
  it("share one read and return the same values, for 1,000 scrapes", async () => {
    await using ecu = await startRoof({ replyDelayMs: 500 });
    await using exporter = await startTestExporter(ecu, {
      maxRequests: 1_000,
      minInterval: 60_000,
      commandPause: 1_000, // an ECU notices a closed connection later, much later on a busy machine
    });
    const scrapes = Array.from({ length: 1_000 }, () => fetch(`${exporter.url}/metrics`));
    const responses = await Promise.all(scrapes);
    const texts = await Promise.all(responses.map((response) => response.text()));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(ecu.requests.map(({ code }) => code)).toEqual(["0001", "0002", "0030"]);
    expect(ecu.connections.peak).toBe(1);
    // Metrics of the exporter itself may differ between the responses; those of the ECU must not.
    const ecuSamples = texts.map((text) => text.match(/^(ecu|inverter)_.*$/gm)?.join("\n"));
    expect(new Set(ecuSamples).size).toBe(1);
    expect(parseSamples(texts[0] ?? "", "ecu_up")).toEqual({ "": 1 });
  });

  it("are limited to 40 by default; further ones get status 503", async () => {
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

const fetchStatus = async (url: string): Promise<number> => {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
};

describe("forty scrapes that do not end", () => {
  it("do not affect the health of the exporter", async () => {
    await using ecu = await startServer((socket) => void socket.resume()); // never replies
    await using exporter = await startTestExporter(ecu);
    const scrapes = Array.from({ length: 41 }, () => fetchStatus(`${exporter.url}/metrics`));
    expect(await Promise.race(scrapes)).toBe(503); // the other forty wait for the ECU
    for (const path of ["/-/healthy", "/-/ready"])
      expect(await fetchStatus(`${exporter.url}${path}`)).toBe(200);
    await exporter.stop();
    await Promise.allSettled(scrapes);
  });

  it("make place for others after ten seconds if their clients do not read", async () => {
    await using ecu = await startRoof({ inverters: [["QS1", 100]] });
    const sameEcu = Array.from({ length: 5 }, () => ecu);
    await using exporter = await startTestExporter(sameEcu, { minInterval: 60_000 });
    const port = Number(new URL(exporter.url).port);
    // A connection with one waiting response is not read any more, so two of them may not be enough for forty.
    const clients = Array.from({ length: 10 }, () =>
      connect(port, "127.0.0.1")
        .pause()
        .on("error", () => {}),
    );
    const scrapesBecome = (status: number, times: number) =>
      poll(
        60,
        async () => {
          for (let i = 0; i < times; i++) {
            if ((await fetchStatus(`${exporter.url}/metrics`)) !== status) return undefined;
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
          return true;
        },
        () => `no ${status}`,
      );
    // The buffers of the operating system take the first responses; those of later requests have to wait.
    const sending = setInterval(() => {
      for (const client of clients)
        client.write("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(30));
    }, 300);
    await scrapesBecome(503, 10);
    clearInterval(sending);
    await scrapesBecome(200, 1);
    for (const client of clients) client.destroy();
  });
});

describe("an unfinished request", () => {
  it.each(["", "GET /metrics HTTP/1.1\r\nHost: a\r\n"])(
    "of %j has its connection closed",
    async (text) => {
      await using ecu = await startRoof();
      await using exporter = await startTestExporter(ecu);
      const socket = connect(Number(new URL(exporter.url).port), "127.0.0.1");
      socket.on("error", () => {});
      socket.resume().write(text);
      await once(socket, "close");
      expect(ecu.requests).toEqual([]);
    },
  );
});

describe("an ECU that accepts connections and does not reply", () => {
  const startSilentEcu = () => startServer((socket) => void socket.resume());

  it.each([
    { seconds: 1, concurrency: 25 },
    { seconds: 3, concurrency: 50 },
    { seconds: 10, concurrency: 200 },
  ])(
    "is reported as down after a scrape timeout of $seconds s, in 200 of 200 scrapes",
    async ({ seconds, concurrency }) => {
      await using ecu = await startSilentEcu();
      await using exporter = await startTestExporter(ecu, { maxRequests: 200, timeout: 20_000 });
      const headers = { "X-Prometheus-Scrape-Timeout-Seconds": String(seconds) };
      const scrape = async () => {
        const startedAt = performance.now();
        const text = await exporter.get("/metrics", headers);
        return (
          parseSamples(text, "ecu_up")[""] === 0 &&
          performance.now() - startedAt < seconds * 1_000 + GRACE_MS
        );
      };
      const results: boolean[] = [];
      for (let tries = 0; tries < 200; tries += concurrency) {
        results.push(...(await Promise.all(Array.from({ length: concurrency }, scrape))));
      }
      expect(results).toEqual(Array(200).fill(true));
    },
  );

  it("does not affect four other ECUs in the same scrape", async () => {
    await using silent = await startSilentEcu();
    await using a = await startRoof();
    await using b = await startRoof();
    await using c = await startRoof();
    await using d = await startRoof();
    await using exporter = await startTestExporter([a, b, silent, c, d], { timeout: 3_000 });
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
