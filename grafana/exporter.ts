/** The exporter itself: how it asks, what goes wrong, and what it needs. */
import { board } from "./board.ts";
import {
  barsPanel,
  now,
  over,
  reachable,
  seriesPanel,
  states,
  statesPanel,
  statPanel,
} from "./parts.ts";
import { age, chosen, fastest, grown, highest, mostAmiss, perMinute, scraped } from "./promql.ts";

const up = statPanel(
  {
    title: "Scrape",
    description: "Whether Prometheus reached the exporter in its last scrape.",
    unit: "none",
    noValue: "Not scraped",
    mappings: reachable,
    queries: [now(`min(${scraped("up")})`, "Scrape")],
  },
  "background",
);

const version = statPanel(
  {
    title: "Version",
    description: "Version of the exporter that is running.",
    unit: "none",
    noValue: "Not known",
    queries: [now(`max by (version) (${scraped("apsystems_exporter_build_info")})`, "{{version}}")],
  },
  "name",
);

const scrapeNow = statPanel({
  title: "Last scrape took",
  description: "Time that the last answer took, of several exporters the longest.",
  unit: "s",
  noValue: "–",
  queries: [now(`max(${scraped("apsystems_exporter_scrape_duration_seconds")})`, "Scrape")],
});

const dataAge = statPanel({
  title: "Age of the data",
  description: "Time since the ECU was last read, of several ECUs the longest.",
  unit: "s",
  decimals: 0,
  noValue: "–",
  queries: [now(`max(${age("apsystems_exporter_last_read_timestamp_seconds")})`, "Age")],
});

const failures = statPanel({
  title: "Failed queries",
  description: "Queries that failed within the time range, retries included.",
  unit: "none",
  decimals: 0,
  noValue: "–",
  queries: [
    now(`sum(${grown("apsystems_exporter_query_errors_total", "ecu, command, reason")})`, "Failed"),
  ],
});

const unknown = statPanel({
  title: "Unknown records",
  description:
    "Registered inverters whose record is of unknown layout or could not be found. More than 0 is worth a report to the project.",
  unit: "none",
  noValue: "–",
  queries: [now(`sum(max by (ecu) (${chosen("apsystems_exporter_unknown_records")}))`, "Unknown")],
});

const scrapes = seriesPanel({
  title: "Duration of scrapes",
  description: "Time that each answer to Prometheus took.",
  unit: "s",
  min: 0,
  queries: [over(scraped("apsystems_exporter_scrape_duration_seconds"), "{{instance}}")],
});

const queries = seriesPanel({
  title: "Duration of queries",
  description:
    "Time that each question to the ECU took until its verdict, retries included. Of many, the 20 that took longest.",
  unit: "s",
  min: 0,
  queries: [
    over(
      highest("apsystems_exporter_query_duration_seconds", "ecu, command"),
      "{{ecu}} {{command}}",
    ),
  ],
});

const success = statesPanel({
  title: "Queries",
  description:
    "Whether each question gave a valid reply in the last read, or failed or was not asked. Of many, the 20 that failed most.",
  unit: "none",
  mappings: states("Failed", "Valid", "dark-red"),
  queries: [
    over(
      mostAmiss("apsystems_exporter_query_success", "ecu, command", "min"),
      "{{ecu}} {{command}}",
    ),
  ],
});

const errors = seriesPanel(
  {
    title: "Failed queries by reason",
    description:
      "Queries that failed a minute, by the reason; the page on faults tells what each means.",
    unit: "cpm",
    min: 0,
    noValue: "None",
    interval: "5m",
    queries: [
      over(
        `sum by (ecu, reason) (${perMinute("apsystems_exporter_query_errors_total", "ecu, command, reason")}) > 0`,
        "{{ecu}} {{reason}}",
      ),
    ],
  },
  "stack",
);

const reasons = barsPanel({
  title: "Failed queries in the time range",
  description: "How often each reason came up within the time range, the most frequent first.",
  unit: "none",
  decimals: 0,
  min: 0,
  color: "semi-dark-blue",
  noValue: "None",
  queries: [
    now(
      `sort_desc(sum by (reason) (${grown("apsystems_exporter_query_errors_total", "ecu, command, reason")}) > 0)`,
      "{{reason}}",
    ),
  ],
});

const asked = seriesPanel({
  title: "Queries sent",
  description:
    "Queries sent to each ECU a minute, retries included. Of many, the 20 to which most were sent.",
  unit: "cpm",
  min: 0,
  queries: [over(fastest("apsystems_exporter_queries_total", "ecu"), "{{ecu}}")],
});

const shared = seriesPanel({
  title: "Shared reads",
  description:
    "Scrapes a minute that were answered by a read in flight or younger than the minimum interval, so that the ECU was not asked again. Of many ECUs, the 20 with most.",
  unit: "cpm",
  min: 0,
  queries: [over(fastest("apsystems_exporter_shared_reads_total", "ecu"), "{{ecu}}")],
});

const rejected = seriesPanel(
  {
    title: "Rejected values",
    description:
      "Values a minute that the rules for glitches and implausible measurements withheld, by their field.",
    unit: "cpm",
    min: 0,
    noValue: "None",
    interval: "5m",
    queries: [
      over(
        `${perMinute("apsystems_exporter_rejected_values_total", "ecu, field")} > 0`,
        "{{ecu}} {{field}}",
      ),
    ],
  },
  "stack",
);

const memory = seriesPanel({
  title: "Memory",
  description: "Memory of the exporter's process, and the part of it that its objects take.",
  unit: "bytes",
  min: 0,
  queries: [
    over(scraped("process_resident_memory_bytes"), "{{instance}} process"),
    over(scraped("nodejs_heap_size_used_bytes"), "{{instance}} objects"),
  ],
});

const processor = seriesPanel({
  title: "Processor",
  description: "Share of one processor core that the exporter used.",
  unit: "percentunit",
  min: 0,
  queries: [
    over(`rate(${scraped("process_cpu_seconds_total")}[$__rate_interval])`, "{{instance}}"),
  ],
});

const lag = seriesPanel({
  title: "Event loop lag",
  description:
    "Time by which the exporter was late to take up its work, in 99 of 100 cases no more than this.",
  unit: "s",
  min: 0,
  queries: [over(scraped("nodejs_eventloop_lag_p99_seconds"), "{{instance}}")],
});

/** The dashboard of the exporter itself. */
export const exporter = board({
  uid: "apsystems-exporter",
  description: "How the exporter reads the ECUs: durations, failures, rejected values, memory.",
  tags: ["exporter"],
  from: "now-6h",
  showsTargets: true,
  lines: [
    [up, version, scrapeNow, dataAge, failures, unknown].map((panel) => [4, 4, panel] as const),
    [
      [12, 8, scrapes],
      [12, 8, queries],
    ],
    [
      [12, 8, success],
      [12, 8, errors],
    ],
    [
      [12, 8, reasons],
      [12, 8, rejected],
    ],
    [
      [12, 7, asked],
      [12, 7, shared],
    ],
    [
      [8, 7, memory],
      [8, 7, processor],
      [8, 7, lag],
    ],
  ],
});
