/**
 * Measures how long a real Prometheus takes for the queries of the dashboards, and prints the slowest panel of each.
 * Usage: npm run bench:dashboards [-- --ecus=2 --days=30 --newer]
 * Each ECU has 20 inverters with two panels. One value per minute is loaded, and of the energy counter one per hour for two years
 * before. The dashboard of a plant shows two ECUs.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { committed, type Target } from "../test/grafana/committed.ts";
import { dateVariables, withValues } from "../test/grafana/promql.ts";
import { newerProgram } from "../test/support/newer-programs.ts";
import { startPrometheus } from "../test/support/prometheus.ts";
import {
  counter,
  DAY,
  forEcu,
  forInverters,
  forPanels,
  INVERTERS,
  loadHistory,
  MINUTE,
  measured,
  names,
  type Series,
} from "./plant-history.ts";

/** The width of a panel that fills the page, in pixels: Grafana asks for at most one value per pixel. */
const PIXELS = 1600;
const ROUNDS = 3;
const YEARS = 2 * 365 * DAY;
/** The ECUs that a dashboard shows. Default: all. */
const selected: Readonly<Record<string, string>> = {
  "apsystems-plant": "plant0|plant1",
  "apsystems-inverter": "plant0",
};

/** Names and layout of the panels, and the rest of what dashboards show. */
const described = (ecu: string): Series[] => [
  ...forEcu(ecu, {
    ecu_inverters_online: INVERTERS,
    ecu_today_energy_joules: 1e8,
    ecu_sun_elevation_degrees: 30,
    apsystems_exporter_unknown_records: 0,
    apsystems_exporter_last_read_timestamp_seconds: 1.7e9,
    apsystems_exporter_shared_reads_total: 1000,
  }),
  ...["info", "inverters", "signal"].flatMap((command) =>
    forEcu(`${ecu},command="${command}"`, {
      apsystems_exporter_queries_total: 1e5,
      apsystems_exporter_query_success: 1,
      apsystems_exporter_query_duration_seconds: 0.2,
    }),
  ),
  [`ecu_info{${ecu},ecu_id="216200000001",model="ECU-R",firmware="1.3.5",timezone="Etc/UTC"}`, 1],
  ...forInverters(ecu, { 'inverter_info,model="DS3"': 1 }),
  ...forPanels(ecu, ["inverter_channel_info"], 1).map(([text, value], i): Series => {
    const place = `panel="P${i}",array="${i % 2 ? "South" : "East"}",row="${1 + Math.floor(i / 20)}",column="${1 + (i % 20)}"`;
    return [text.replace("}", `,${place}}`), value];
  }),
];

const { values } = parseArgs({
  options: {
    ecus: { type: "string", default: "2" },
    days: { type: "string", default: "30" },
    newer: { type: "boolean", default: false },
  },
});
const ecus = names(Number(values.ecus)).map(
  (ecu) => `job="apsystems",instance="exporter:10899",${ecu}`,
);
const range = Number(values.days) * DAY;
const step = Math.max(MINUTE, Math.ceil(range / PIXELS / MINUTE) * MINUTE);
const folder = mkdtempSync(join(tmpdir(), "dashboards-cost-"));
try {
  mkdirSync(join(folder, "data"));
  const end = Math.floor(Date.now() / DAY) * DAY - DAY / 2; // noon
  const from = end - range;
  const years = { series: counter, from: from - YEARS, step: 60 * MINUTE };
  await loadHistory(folder, ecus, [years], from);
  const shown = (ecu: string) => [...measured(ecu), ...described(ecu)];
  await loadHistory(folder, ecus, [{ series: shown, from, step: MINUTE }], end + 1);
  const config = join(folder, "prometheus.yml");
  writeFileSync(config, "{}");
  const program = values.newer ? newerProgram("prometheus") : "prometheus";
  await using prometheus = await startPrometheus({ program, config, data: join(folder, "data") });

  const run = async (target: Target, uid: string): Promise<number> => {
    const query = withValues(target.expr, {
      job: ".+",
      instance: ".+",
      ecu: selected[uid] ?? ".+",
      uid: uid === "apsystems-inverter" ? "703000000000" : ".+",
      array: "South",
      price: "0.3",
      __rate_interval: `${(step + MINUTE) / 1000}s`,
      __interval: `${step / 1000}s`,
      __range: `${range / 1000}s`,
      ...dateVariables(end / 1000),
    });
    const [path, period] = target.instant
      ? ["query", { time: String(end / 1000) }]
      : [
          "query_range",
          {
            start: String((end - range) / 1000),
            end: String(end / 1000),
            step: String(step / 1000),
          },
        ];
    const begun = performance.now();
    const response = await fetch(`${prometheus.url}/api/v1/${path}`, {
      method: "POST",
      body: new URLSearchParams({ query, ...period }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${target.expr}: ${text}`);
    return performance.now() - begun;
  };

  const inverters = ecus.length * INVERTERS;
  process.stdout.write(
    `${cpus().length} cores, ${ecus.length} ECUs, ${inverters} inverters, ${values.days} days, one value per ${step / MINUTE} min\n`,
  );
  for (const { uid, panels } of committed) {
    const times: (readonly [ms: number, title: string])[] = [];
    for (const { title, targets } of panels) {
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < ROUNDS && targets.length > 0; round++) {
        const begun = performance.now();
        await Promise.all(targets.map((target) => run(target, uid))); // as Grafana does
        best = Math.min(best, performance.now() - begun);
      }
      if (targets.length > 0) times.push([best, title]);
    }
    const slowest = times.toSorted(([a], [b]) => b - a).slice(0, 3);
    process.stdout.write(
      `${uid}: ${slowest.map(([ms, title]) => `${title} ${ms.toFixed(0)} ms`).join(", ")}\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
