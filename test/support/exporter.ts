import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { type Exporter, type ExporterOptions, startExporter } from "../../src/exporter/exporter.ts";

/** The address of a simulated or replayed ECU. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface TestExporter extends AsyncDisposable {
  readonly url: string;
  /** The text at a path; default `/metrics`. */
  get(path?: string, headers?: Record<string, string>): Promise<string>;
  /** The samples of one metric: values by labels except `ecu`, joined by commas. */
  samples(name: string): Promise<Record<string, number>>;
  read: Exporter["read"];
  stop: Exporter["stop"];
}

/** Starts the whole exporter on a free port, without pauses and retries. */
export const startTestExporter = async (
  ecus: Endpoint | readonly Endpoint[],
  options: Partial<ExporterOptions> = {},
): Promise<TestExporter> => {
  const list = "port" in ecus ? [ecus] : ecus;
  const exporter = await startExporter({
    ecus: list.map(({ host, port }, i) => ({
      name: i === 0 ? "roof" : `roof${i + 1}`,
      host,
      port,
    })),
    timezone: "Europe/Amsterdam",
    minInterval: 0,
    nightInterval: 0,
    timeout: 60_000,
    commandPause: 0,
    retries: 0,
    listenAt: [{ host: "127.0.0.1", port: 0 }],
    telemetryPath: "/metrics",
    maxRequests: 40,
    log: pino({ level: "silent" }),
    ...options,
  });
  const url = `http://127.0.0.1:${(exporter.addresses[0] as AddressInfo).port}`;
  const get = async (path = "/metrics", headers: Record<string, string> = {}): Promise<string> =>
    (await fetch(`${url}${path}`, { headers })).text();
  return {
    url,
    get,
    samples: async (name) => parseSamples(await get(), name),
    read: exporter.read,
    stop: exporter.stop,
    [Symbol.asyncDispose]: () => exporter.stop(),
  };
};

/** The samples of one metric in an exposition: values by labels except `ecu`, joined by commas. */
export const parseSamples = (text: string, name: string): Record<string, number> => {
  const samples: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const [, found, labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found !== name) continue;
    const values = [...labels.matchAll(/(\w+)="([^"]*)"/g)].filter(([, label]) => label !== "ecu");
    samples[values.map(([, , text]) => text).join(",")] = Number(value);
  }
  return samples;
};
