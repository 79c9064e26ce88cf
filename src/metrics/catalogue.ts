/** Every metric: name, type, help, labels, and where its samples come from. The public interface of the exporter. */
import type { Observation } from "../ecu/observe.ts";
import type { Panel } from "../ecu/panel.ts";
import type { InverterReading } from "../ecu/reading.ts";

/** What one exposition is made from. */
export interface ScrapeData {
  readonly observations: readonly Observation[];
  readonly build: {
    readonly version: string;
    readonly revision: string;
    readonly nodeVersion: string;
  };
  /** Wall time of this answer up to its rendering. */
  readonly durationSeconds: number;
  /** What is configured of where each ECU stands, by its name; an ECU of which nothing is configured may be missing. */
  readonly locations: ReadonlyMap<string, EcuLocation>;
  /** How the read of the one target of a probe went; absent in an answer about all ECUs. */
  readonly probe?: { readonly success: boolean; readonly durationSeconds: number };
}

/** Where an ECU and its panels are. */
export interface EcuLocation {
  /** Of the sun above the horizon now, negative at night; absent where no coordinates are configured. */
  readonly sunElevationDegrees?: number | undefined;
  readonly panels: readonly Panel[];
}

/** Label values and value of one series. */
export type MetricSample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** One row of the catalogue. */
export interface Metric {
  readonly type: "gauge" | "counter";
  /** One full sentence. */
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: (scrape: ScrapeData) => readonly MetricSample[];
}

type Fill<T> = (source: T) => number | undefined;

/** A series per ECU; none where there is no value. */
const perEcu =
  (value: Fill<Observation>) =>
  ({ observations }: ScrapeData): MetricSample[] =>
    observations.flatMap((observation) => measured({ ecu: observation.ecu }, value(observation)));

/** Any number of series per ECU. */
const withinEcu =
  (samples: (observation: Observation) => readonly MetricSample[]) =>
  ({ observations }: ScrapeData): MetricSample[] =>
    observations.flatMap((observation) =>
      samples(observation).map(
        ([labels, value]) => [{ ecu: observation.ecu, ...labels }, value] as const,
      ),
    );

/** Any number of series per inverter. */
const withinInverter = (samples: (inverter: InverterReading) => readonly MetricSample[]) =>
  withinEcu(({ reading }) =>
    reading.inverters.flatMap((inverter) =>
      samples(inverter).map(
        ([labels, value]) => [{ uid: inverter.uid, ...labels }, value] as const,
      ),
    ),
  );

/** A series per inverter; none where there is no value. */
const perInverter = (value: Fill<InverterReading>) =>
  withinInverter((inverter) => measured({}, value(inverter)));

/** What was not measured has no sample; a number that is none is never exposed. */
const measured = (labels: MetricSample[0], value: number | undefined): MetricSample[] =>
  value === undefined || !Number.isFinite(value) ? [] : [[labels, value]];

const each = <T>(
  record: Readonly<Record<string, T>>,
  label: string,
  value: Fill<T>,
): MetricSample[] =>
  Object.entries(record).flatMap(([key, entry]) => measured({ [label]: key }, value(entry)));

export const catalogue = {
  ecu_up: {
    type: "gauge",
    help: "Whether the ECU gave its base information and its inverter data in this read (1) or not (0).",
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
    help: "Energy that the plant has produced in its lifetime, in steps of 0.1 kWh; glitches are withheld.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.lifetimeEnergyJoules),
  },
  ecu_today_energy_joules: {
    type: "gauge",
    help: "Energy produced since the ECU's own day began, in steps of 0.01 kWh; glitches are withheld.",
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
    help: "Inverters that answered in the ECU's last completed round, as the ECU counts them.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.invertersOnline),
  },
  ecu_last_report_timestamp_seconds: {
    type: "gauge",
    help: "Unix time at which the ECU began its last completed round, by its own clock.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.lastReportAt),
  },
  ecu_last_cloud_contact_timestamp_seconds: {
    type: "gauge",
    help: "Unix time of the ECU's last contact with the maker's cloud, where the ECU tells it.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.lastCloudContactAt),
  },
  ecu_sun_elevation_degrees: {
    type: "gauge",
    help: "Sun above the horizon at the configured site, negative at night; computed, and not from the ECU.",
    labels: ["ecu"],
    samples: ({ observations, locations }) =>
      observations.flatMap(({ ecu }) => measured({ ecu }, locations.get(ecu)?.sunElevationDegrees)),
  },
  inverter_online: {
    type: "gauge",
    help: "Whether the inverter answered the ECU in its last round (1) or not (0).",
    labels: ["ecu", "uid"],
    samples: perInverter(({ online }) => (online === undefined ? undefined : Number(online))),
  },
  inverter_info: {
    type: "gauge",
    help: "Model of the inverter by the first digits of its serial number, and the type code of its record.",
    labels: ["ecu", "uid", "model", "type_code"],
    samples: withinInverter(({ model, typeCode }) =>
      typeCode === undefined ? [] : [[{ model, type_code: typeCode }, 1]],
    ),
  },
  inverter_channel_power_watts: {
    type: "gauge",
    help: "Power of one channel (panel input) of the inverter; absent while it is offline.",
    labels: ["ecu", "uid", "channel"],
    samples: withinInverter(({ channelWatts }) =>
      channelWatts.flatMap((watts, i) => measured({ channel: String(i + 1) }, watts)),
    ),
  },
  inverter_channel_info: {
    type: "gauge",
    help: "Where the panel of this channel is, of the panels that are configured.",
    labels: ["ecu", "uid", "channel", "panel", "array", "row", "column"],
    samples: ({ observations, locations }) =>
      observations.flatMap(({ ecu, reading: { inverters } }) =>
        (locations.get(ecu)?.panels ?? [])
          .filter(({ uid }) => inverters.some((inverter) => inverter.uid === uid))
          .map(
            ({ uid, channel, ...where }) =>
              [{ ecu, uid, channel: String(channel), ...where }, 1] as const,
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
    help: "Grid frequency that the inverter sees; absent while it is offline.",
    labels: ["ecu", "uid"],
    samples: perInverter(({ frequencyHertz }) => frequencyHertz),
  },
  inverter_voltage_volts: {
    type: "gauge",
    help: "Grid voltage that the inverter sees, of a phase against neutral (L1) or between phases (L12); absent while it is offline.",
    labels: ["ecu", "uid", "phase"],
    samples: withinInverter(({ gridVolts }) =>
      gridVolts.flatMap(({ phase, volts }) => measured({ phase }, volts)),
    ),
  },
  inverter_signal_ratio: {
    type: "gauge",
    help: "Strength of the inverter's radio signal at the ECU, from 0 to 1 of the ECU's own uncalibrated scale.",
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
    help: "Time that a query of the last read took until its verdict, retries included.",
    labels: ["ecu", "command"],
    samples: withinEcu(({ queries }) => each(queries, "command", (query) => query.durationSeconds)),
  },
  apsystems_exporter_query_success: {
    type: "gauge",
    help: "Whether a query of the last read gave a valid reply (1) or failed or was not asked (0).",
    labels: ["ecu", "command"],
    samples: withinEcu(({ queries }) => each(queries, "command", ({ success }) => Number(success))),
  },
  apsystems_exporter_queries_total: {
    type: "counter",
    help: "Queries sent to the ECU, retries included.",
    labels: ["ecu", "command"],
    samples: withinEcu(({ counters }) => each(counters.attempts, "command", (count) => count)),
  },
  apsystems_exporter_query_errors_total: {
    type: "counter",
    help: "Queries that failed, by the reason.",
    labels: ["ecu", "command", "reason"],
    samples: withinEcu(({ counters }) =>
      Object.entries(counters.errors).flatMap(([command, byReason]) =>
        each(byReason, "reason", (count) => count).map(
          ([labels, count]) => [{ command, ...labels }, count] as const,
        ),
      ),
    ),
  },
  apsystems_exporter_shared_reads_total: {
    type: "counter",
    help: "Scrapes answered by a read that was already in flight or younger than the minimum interval.",
    labels: ["ecu"],
    samples: perEcu(({ counters }) => counters.sharedReads),
  },
  apsystems_exporter_last_read_timestamp_seconds: {
    type: "gauge",
    help: "Unix time at which the data of this answer were read.",
    labels: ["ecu"],
    samples: perEcu(({ readAt }) => readAt),
  },
  apsystems_exporter_rejected_values_total: {
    type: "counter",
    help: "Values that the rules for glitches and implausible measurements withheld, by their field.",
    labels: ["ecu", "field"],
    samples: withinEcu(({ counters }) => each(counters.rejected, "field", (count) => count)),
  },
  apsystems_exporter_unknown_records: {
    type: "gauge",
    help: "Registered inverters whose record is of unknown layout or could not be found in the last reply.",
    labels: ["ecu"],
    samples: perEcu(({ reading }) => reading.unknownRecords),
  },
  apsystems_exporter_scrape_duration_seconds: {
    type: "gauge",
    help: "Wall time that this answer took.",
    labels: [],
    samples: ({ durationSeconds }) => [[{}, durationSeconds]],
  },
  probe_success: {
    type: "gauge",
    help: "Whether the probed ECU gave its base information and its inverter data (1) or not (0); on /probe only.",
    labels: [],
    samples: ({ probe }) => (probe === undefined ? [] : [[{}, Number(probe.success)]]),
  },
  probe_duration_seconds: {
    type: "gauge",
    help: "Wall time that the probe took; on /probe only.",
    labels: [],
    samples: ({ probe }) => (probe === undefined ? [] : measured({}, probe.durationSeconds)),
  },
} satisfies Record<`${"ecu" | "inverter" | "apsystems_exporter" | "probe"}_${string}`, Metric>;

/** Names that dashboards, rules and tests may use. */
export type MetricName = keyof typeof catalogue;
