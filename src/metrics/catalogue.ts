/** Every metric: name, type, help, labels, and the source of its samples. The public interface of the exporter. */
import type { Observation } from "../ecu/observe.ts";
import type { Panel } from "../ecu/panel.ts";
import type { InverterReading } from "../ecu/reading.ts";

/** The input of one exposition. */
export interface ScrapeData {
  readonly observations: readonly Observation[];
  readonly build: {
    readonly version: string;
    readonly revision: string;
    readonly nodeVersion: string;
  };
  /** Wall time of this response until it is rendered. */
  readonly durationSeconds: number;
  /** The location of each ECU by its name; an ECU without a configured location may be missing. */
  readonly locations: ReadonlyMap<string, EcuLocation>;
  /** Log lines dropped since the start; absent in a probe. */
  readonly droppedLogLines?: number | undefined;
  /** The result of a probe of one target; absent in a scrape of all ECUs. */
  readonly probe?: { readonly success: boolean; readonly durationSeconds: number };
}

/** The configured location of an ECU and of its panels. */
export interface EcuLocation {
  /** Elevation of the sun above the horizon now, negative at night; absent without configured coordinates. */
  readonly sunElevationDegrees?: number | undefined;
  /** Whether snow can lie on the panels; absent unless configured. */
  readonly snowPossible?: boolean | undefined;
  readonly panels: readonly Panel[];
}

/** Label values and value of one sample. */
export type MetricSample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** One row of the catalogue. */
export interface Metric {
  readonly type: "gauge" | "counter";
  /** One full sentence. */
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: (scrape: ScrapeData) => readonly MetricSample[];
}

type GetValue<T> = (source: T) => number | undefined;

/** One sample per ECU, if it has a value. */
const perEcu =
  (value: GetValue<Observation>) =>
  ({ observations }: ScrapeData): MetricSample[] =>
    observations.flatMap((observation) =>
      createSample({ ecu: observation.ecu }, value(observation)),
    );

/** Any number of samples per ECU. */
const withinEcu =
  (samples: (observation: Observation) => readonly MetricSample[]) =>
  ({ observations }: ScrapeData): MetricSample[] =>
    observations.flatMap((observation) =>
      samples(observation).map(
        ([labels, value]) => [{ ecu: observation.ecu, ...labels }, value] as const,
      ),
    );

/** One sample per ECU, if its configured location has a value. */
const perLocation =
  (value: GetValue<EcuLocation>) =>
  ({ observations, locations }: ScrapeData): MetricSample[] =>
    observations.flatMap(({ ecu }) => {
      const location = locations.get(ecu);
      return createSample({ ecu }, location && value(location));
    });

/** Any number of samples per inverter. Each starts with the labels of the inverter. */
const withinInverter =
  (samples: (inverter: InverterReading, labels: InverterLabels) => readonly MetricSample[]) =>
  ({ observations }: ScrapeData): MetricSample[] =>
    observations.flatMap(({ ecu, reading }) =>
      reading.inverters.flatMap((inverter) => samples(inverter, labelInverter(ecu, inverter))),
    );

/** The labels of each inverter of a reading; the metrics of a scrape share them. */
const inverterLabels = new WeakMap<InverterReading, InverterLabels>();

const labelInverter = (ecu: string, inverter: InverterReading): InverterLabels => {
  const known = inverterLabels.get(inverter);
  if (known?.ecu === ecu) return known;
  const labels = { ecu, uid: inverter.uid };
  inverterLabels.set(inverter, labels);
  return labels;
};

type InverterLabels = { readonly ecu: string; readonly uid: string };

/** One sample per inverter, if it has a value. */
const perInverter = (value: GetValue<InverterReading>) =>
  withinInverter((inverter, labels) => createSample(labels, value(inverter)));

/** A value that was not measured has no sample. NaN and infinity are never exposed. */
const createSample = (labels: MetricSample[0], value: number | undefined): MetricSample[] =>
  value === undefined || !Number.isFinite(value) ? [] : [[labels, value]];

const createSamples = <T>(
  record: Readonly<Record<string, T>>,
  label: string,
  value: GetValue<T>,
): MetricSample[] =>
  Object.entries(record).flatMap(([key, entry]) => createSample({ [label]: key }, value(entry)));

export const catalogue = {
  ecu_up: {
    type: "gauge",
    help: "Whether this read got the base information and the inverter data of the ECU (1) or not (0).",
    labels: ["ecu"],
    samples: perEcu(({ up }) => Number(up)),
  },
  ecu_info: {
    type: "gauge",
    help: "Identity of the ECU: its id, product name, firmware, and the time zone its local times are read in.",
    labels: ["ecu", "ecu_id", "model", "firmware", "timezone"],
    samples: withinEcu(({ reading: { identity } }) => {
      if (identity === undefined) return [];
      const { ecuId, model, firmware, timezone } = identity;
      return [[{ ecu_id: ecuId, model, firmware, timezone }, 1]];
    }),
  },
  ecu_lifetime_energy_joules_total: {
    type: "counter",
    help: "Lifetime energy of the plant, in steps of 0.1 kWh; wrong values are left out.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.lifetimeEnergyJoules),
  },
  ecu_today_energy_joules: {
    type: "gauge",
    help: "Energy produced since the start of the ECU's day, in steps of 0.01 kWh; wrong values are left out.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.todayEnergyJoules),
  },
  ecu_power_watts: {
    type: "gauge",
    help: "Power of the whole plant in the ECU's last completed round.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.powerWatts),
  },
  ecu_inverters: {
    type: "gauge",
    help: "Inverters registered at the ECU.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.registered),
  },
  ecu_inverters_online: {
    type: "gauge",
    help: "Inverters that replied in the ECU's last completed round, as counted by the ECU.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.invertersOnline),
  },
  ecu_last_report_timestamp_seconds: {
    type: "gauge",
    help: "Unix time at which the ECU started its last completed round, by its own clock.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.lastReportAt),
  },
  ecu_last_cloud_contact_timestamp_seconds: {
    type: "gauge",
    help: "Unix time of the ECU's last contact with the manufacturer's cloud, if the ECU reports it.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.lastCloudContactAt),
  },
  ecu_sun_elevation_degrees: {
    type: "gauge",
    help: "Elevation of the sun above the horizon at the configured coordinates, negative at night; computed, not reported by the ECU.",
    labels: ["ecu"],
    samples: perLocation(({ sunElevationDegrees }) => sunElevationDegrees),
  },
  ecu_snow_possible: {
    type: "gauge",
    help: "Whether snow can lie on the panels (1) or never does (0), as configured; the alert rules use it.",
    labels: ["ecu"],
    samples: perLocation(({ snowPossible }) =>
      snowPossible === undefined ? undefined : Number(snowPossible),
    ),
  },
  inverter_online: {
    type: "gauge",
    help: "Whether the inverter replied to the ECU in its last round (1) or not (0).",
    labels: ["ecu", "uid"],
    samples: perInverter(({ online }) => (online === undefined ? undefined : Number(online))),
  },
  inverter_info: {
    type: "gauge",
    help: "Model of the inverter by the first digits of its serial number, and the type code of its record.",
    labels: ["ecu", "uid", "model", "type_code"],
    samples: withinInverter(({ model, typeCode }, { ecu, uid }) =>
      typeCode === undefined ? [] : [[{ ecu, uid, model, type_code: typeCode }, 1]],
    ),
  },
  inverter_channel_power_watts: {
    type: "gauge",
    help: "Power of one channel (panel input) of the inverter; absent while it is offline.",
    labels: ["ecu", "uid", "channel"],
    samples: withinInverter(({ channelWatts }, { ecu, uid }) =>
      channelWatts.flatMap((watts, i) => createSample({ ecu, uid, channel: String(i + 1) }, watts)),
    ),
  },
  inverter_channel_info: {
    type: "gauge",
    help: "Configured position of the panel at this channel; absent for a panel that is not configured.",
    labels: ["ecu", "uid", "channel", "panel", "array", "row", "column"],
    samples: ({ observations, locations }) =>
      observations.flatMap(({ ecu, reading: { inverters } }) =>
        (locations.get(ecu)?.panels ?? [])
          .filter(({ uid }) => inverters.some((inverter) => inverter.uid === uid))
          .map(
            ({ uid, channel, ...position }) =>
              [{ ecu, uid, channel: String(channel), ...position }, 1] as const,
          ),
      ),
  },
  inverter_temperature_celsius: {
    type: "gauge",
    help: "Temperature inside the inverter; absent while it is offline.",
    labels: ["ecu", "uid"],
    samples: perInverter(({ temperatureCelsius }) => temperatureCelsius),
  },
  inverter_frequency_hertz: {
    type: "gauge",
    help: "Grid frequency measured by the inverter; absent while it is offline.",
    labels: ["ecu", "uid"],
    samples: perInverter(({ frequencyHertz }) => frequencyHertz),
  },
  inverter_voltage_volts: {
    type: "gauge",
    help: "Grid voltage measured by the inverter, of a phase to neutral (L1) or between phases (L12); absent while it is offline.",
    labels: ["ecu", "uid", "phase"],
    samples: withinInverter(({ gridVolts }, { ecu, uid }) =>
      gridVolts.flatMap(({ phase, volts }) => createSample({ ecu, uid, phase }, volts)),
    ),
  },
  inverter_signal_ratio: {
    type: "gauge",
    help: "Strength of the inverter's radio signal at the ECU, from 0 to 1 on the ECU's uncalibrated scale.",
    labels: ["ecu", "uid"],
    samples: perInverter(({ signalRatio }) => signalRatio),
  },
  apsystems_exporter_build_info: {
    type: "gauge",
    help: "Version of the exporter, the source revision it was built from, and the version of Node.js it runs on.",
    labels: ["version", "revision", "node_version"],
    samples: ({ build: { version, revision, nodeVersion } }) => [
      [{ version, revision, node_version: nodeVersion }, 1],
    ],
  },
  apsystems_exporter_query_duration_seconds: {
    type: "gauge",
    help: "Duration of a query in the last read, retries included.",
    labels: ["ecu", "command"],
    samples: withinEcu(({ queries }) =>
      createSamples(queries, "command", (query) => query.durationSeconds),
    ),
  },
  apsystems_exporter_query_success: {
    type: "gauge",
    help: "Whether a query in the last read got a valid reply (1), or failed or was not sent (0).",
    labels: ["ecu", "command"],
    samples: withinEcu(({ queries }) =>
      createSamples(queries, "command", ({ success }) => Number(success)),
    ),
  },
  apsystems_exporter_queries_total: {
    type: "counter",
    help: "Queries sent to the ECU, retries included.",
    labels: ["ecu", "command"],
    samples: withinEcu(({ counters }) =>
      createSamples(counters.attempts, "command", (count) => count),
    ),
  },
  apsystems_exporter_query_errors_total: {
    type: "counter",
    help: "Queries that failed, by reason.",
    labels: ["ecu", "command", "reason"],
    samples: withinEcu(({ counters }) =>
      Object.entries(counters.errors).flatMap(([command, byReason]) =>
        createSamples(byReason, "reason", (count) => count).map(
          ([labels, count]) => [{ command, ...labels }, count] as const,
        ),
      ),
    ),
  },
  apsystems_exporter_shared_reads_total: {
    type: "counter",
    help: "Scrapes answered from a read that was already in flight or younger than the minimum or night interval.",
    labels: ["ecu"],
    samples: perEcu(({ counters }) => counters.sharedReads),
  },
  apsystems_exporter_last_read_timestamp_seconds: {
    type: "gauge",
    help: "Unix time at which the data in this response were read.",
    labels: ["ecu"],
    samples: perEcu(({ readAt }) => readAt),
  },
  apsystems_exporter_rejected_values_total: {
    type: "counter",
    help: "Impossible values and wrong counter values that were left out, by field.",
    labels: ["ecu", "field"],
    samples: withinEcu(({ counters }) =>
      createSamples(counters.rejected, "field", (count) => count),
    ),
  },
  apsystems_exporter_unknown_records: {
    type: "gauge",
    help: "Registered inverters whose record has an unknown layout or could not be found in the last reply.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.unknownRecords),
  },
  apsystems_exporter_log_lines_dropped_total: {
    type: "counter",
    help: "Log lines dropped because their reader was too slow or because writing failed; not on /probe.",
    labels: [],
    samples: ({ droppedLogLines }) => createSample({}, droppedLogLines),
  },
  apsystems_exporter_scrape_duration_seconds: {
    type: "gauge",
    help: "Wall time that this response took.",
    labels: [],
    samples: ({ durationSeconds }) => [[{}, durationSeconds]],
  },
  probe_success: {
    type: "gauge",
    help: "Whether the probe got the base information and the inverter data of the ECU (1) or not (0); on /probe only.",
    labels: [],
    samples: ({ probe }) => (probe === undefined ? [] : [[{}, Number(probe.success)]]),
  },
  probe_duration_seconds: {
    type: "gauge",
    help: "Wall time that the probe took; on /probe only.",
    labels: [],
    samples: ({ probe }) => (probe === undefined ? [] : createSample({}, probe.durationSeconds)),
  },
} satisfies Record<`${"ecu" | "inverter" | "apsystems_exporter" | "probe"}_${string}`, Metric>;

/** The names that dashboards, rules and tests may use. */
export type MetricName = keyof typeof catalogue;
