/** The dashboard of the exporter itself: queries, failures, and resources. */
import { buildDashboard } from "./board.ts";
import {
  barsPanel,
  rangeQuery,
  reachable,
  seriesPanel,
  stateMappings,
  statesPanel,
} from "./parts.ts";
import {
  age,
  ecuSeries,
  fastest,
  highest,
  increase,
  perMinute,
  targetSeries,
  worst,
} from "./promql.ts";
import { tilesPanel } from "./tiles.ts";

/** The version as a label. */
const version = `max by (version) (${targetSeries("apsystems_exporter_build_info")})`;

const exporterState = tilesPanel({
  title: "Exporter",
  description:
    "Whether Prometheus reached the exporter in its last scrape, with the version of the exporter.",
  unit: "none",
  noValue: "Not scraped",
  mappings: reachable,
  fills: true,
  tiles: [
    {
      name: "{{version}}",
      query:
        `${version} * on () group_left () min(${targetSeries("up")})` +
        ` or on () label_replace(min(${targetSeries("up")}), "version", "Now", "", "")`,
    },
  ],
});

const now = tilesPanel({
  title: "Last read",
  description:
    "Duration of the last scrape, and time since the last read of the ECU. With several exporters or ECUs, the longest is shown.",
  unit: "s",
  noValue: "No data",
  tiles: [
    {
      name: "Scrape duration",
      query: `max(${targetSeries("apsystems_exporter_scrape_duration_seconds")})`,
    },
    {
      name: "Data age",
      query: `max(${age("apsystems_exporter_last_read_timestamp_seconds")})`,
      decimals: 0,
      color: [
        [0, "text"],
        [900, "orange"],
        [2700, "red"],
      ],
    },
  ],
});

const failures = tilesPanel({
  title: "Failures",
  description:
    "Queries that failed within the time range, including retries; and registered inverters with a record of unknown layout, or without a record. If there are unknown records, please send a capture to the project.",
  unit: "none",
  noValue: "No data",
  tiles: [
    {
      name: "Failed queries",
      query: `sum(${increase("apsystems_exporter_query_errors_total", "ecu, command, reason")})`,
      decimals: 0,
    },
    {
      name: "Unknown records",
      query: `sum(max by (ecu) (${ecuSeries("apsystems_exporter_unknown_records")}))`,
      color: [
        [0, "text"],
        [1, "orange"],
      ],
    },
  ],
});

const scrapes = seriesPanel({
  title: "Scrape duration",
  description: "Duration of each scrape.",
  unit: "s",
  min: 0,
  queries: [rangeQuery(targetSeries("apsystems_exporter_scrape_duration_seconds"), "{{instance}}")],
});

const queries = seriesPanel({
  title: "Query duration",
  description:
    "Duration of each query to the ECU, including retries. With more than 12 queries, the 12 slowest are shown.",
  unit: "s",
  min: 0,
  queries: [
    rangeQuery(
      highest("apsystems_exporter_query_duration_seconds", "ecu, command"),
      "{{ecu}} {{command}}",
    ),
  ],
});

const success = statesPanel({
  title: "Queries",
  description:
    "Whether each query got a valid reply in the last read. A query that was not sent counts as failed. With more than 12 queries, the 12 with the most failures are shown.",
  unit: "none",
  mappings: stateMappings(["Failed", "dark-red"], ["Valid", "dark-green"]),
  queries: [
    rangeQuery(
      worst("apsystems_exporter_query_success", "ecu, command", "min"),
      "{{ecu}} {{command}}",
    ),
  ],
});

const errors = seriesPanel(
  {
    title: "Failed queries per minute",
    description: "Failed queries per minute, by reason. The README explains each reason.",
    unit: "none",
    min: 0,
    noValue: "No failures known in this time range",
    interval: "5m",
    queries: [
      rangeQuery(
        `sum by (ecu, reason) (${perMinute("apsystems_exporter_query_errors_total", "ecu, command, reason")}) > 0`,
        "{{ecu}} {{reason}}",
      ),
    ],
  },
  "stack",
);

const reasons = barsPanel({
  title: "Failed queries in the time range",
  description: "Failed queries within the time range by reason, the most frequent first.",
  unit: "none",
  decimals: 0,
  color: "orange",
  noValue: "No failures known in this time range",
  expr: `sort_desc(sum by (reason) (${increase("apsystems_exporter_query_errors_total", "ecu, command, reason")}) > 0)`,
  label: "reason",
});

const queriesSent = seriesPanel({
  title: "Queries per minute",
  description:
    "Queries per minute to each ECU, including retries. With more than 12 ECUs, the 12 with the most queries are shown.",
  unit: "none",
  min: 0,
  queries: [rangeQuery(fastest("apsystems_exporter_queries_total", "ecu"), "{{ecu}}")],
});

const shared = seriesPanel({
  title: "Shared reads per minute",
  description:
    "Scrapes per minute that shared a read with another scrape, so that the ECU was not read again. With more than 12 ECUs, the 12 with the most shared reads are shown.",
  unit: "none",
  min: 0,
  queries: [rangeQuery(fastest("apsystems_exporter_shared_reads_total", "ecu"), "{{ecu}}")],
});

const rejected = seriesPanel(
  {
    title: "Rejected values per minute",
    description: "Impossible values and counter glitches that were dropped, per minute and field.",
    unit: "none",
    min: 0,
    noValue: "No rejected values known in this time range",
    interval: "5m",
    queries: [
      rangeQuery(
        `${perMinute("apsystems_exporter_rejected_values_total", "ecu, field")} > 0`,
        "{{ecu}} {{field}}",
      ),
    ],
  },
  "stack",
);

const memory = seriesPanel({
  title: "Memory",
  description: "Resident memory of the process, and the part of it that JavaScript objects use.",
  unit: "bytes",
  min: 0,
  queries: [
    rangeQuery(targetSeries("process_resident_memory_bytes"), "{{instance}} process"),
    rangeQuery(targetSeries("nodejs_heap_size_used_bytes"), "{{instance}} heap"),
  ],
});

const processor = seriesPanel({
  title: "CPU",
  description: "Share of one CPU core that the exporter uses.",
  unit: "percentunit",
  min: 0,
  queries: [
    rangeQuery(
      `rate(${targetSeries("process_cpu_seconds_total")}[$__rate_interval])`,
      "{{instance}}",
    ),
  ],
});

const lag = seriesPanel({
  title: "Event loop lag",
  description: "Delay of the event loop, 99th percentile.",
  unit: "s",
  min: 0,
  queries: [rangeQuery(targetSeries("nodejs_eventloop_lag_p99_seconds"), "{{instance}}")],
});

/** The dashboard of the exporter itself. */
export const exporter = buildDashboard({
  uid: "apsystems-exporter",
  description: "The exporter itself: durations, failures, rejected values, memory.",
  tags: ["exporter"],
  from: "now-6h",
  showsTargets: true,
  rows: [
    [
      [6, 3, exporterState],
      [9, 3, now],
      [9, 3, failures],
    ],
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
      [12, 7, queriesSent],
      [12, 7, shared],
    ],
    [
      [8, 7, memory],
      [8, 7, processor],
      [8, 7, lag],
    ],
  ],
});
