import { describe, expect, it } from "vitest";
import { catalogue, type Metric, type MetricName } from "../../src/metrics/catalogue.ts";
import { createScrape, inverter, observation, rooftop } from "../support/observation.ts";

const rows = Object.entries(catalogue) as [MetricName, Metric][];
/** Endings that are a unit or a kind, and the gauges without one: counts and yes-or-no values. */
const ENDINGS =
  /_(joules|joules_total|watts|celsius|hertz|volts|degrees|seconds|ratio|info|total)$|_(up|online|inverters|inverters_online|success|unknown_records|snow_possible)$/;

describe("every metric of the catalogue", () => {
  it.each(rows)("%s: ends in its unit, and in _total if it is a counter", (name, { type }) => {
    expect(name, "a new unit, count or yes-or-no value must be in ENDINGS").toMatch(ENDINGS);
    expect(name.endsWith("_total")).toBe(type === "counter");
  });

  it.each(rows)("%s: has one sentence of help", (_name, { help }) => {
    expect(help).toMatch(/^[A-Z]([^.]|\.(?=\S))*\.$/);
  });

  it.each(rows)(
    "%s: has a sample for a full reading, with exactly its declared labels",
    (_name, metric) => {
      const probe = { success: true, durationSeconds: 0.06 };
      const samples = metric.samples({ ...createScrape(observation()), probe });
      expect(samples.length, "the value must be in test/support/observation.ts").toBeGreaterThan(0);
      for (const [labels] of samples) {
        expect(Object.keys(labels).sort()).toEqual([...metric.labels].sort());
      }
    },
  );
});

/** The public interface, written by hand: names, types and labels. */
const promised: Record<MetricName, string> = {
  ecu_up: "gauge ecu",
  ecu_info: "gauge ecu,ecu_id,model,firmware,timezone",
  ecu_lifetime_energy_joules_total: "counter ecu",
  ecu_today_energy_joules: "gauge ecu",
  ecu_power_watts: "gauge ecu",
  ecu_inverters: "gauge ecu",
  ecu_inverters_online: "gauge ecu",
  ecu_last_report_timestamp_seconds: "gauge ecu",
  ecu_last_cloud_contact_timestamp_seconds: "gauge ecu",
  ecu_sun_elevation_degrees: "gauge ecu",
  ecu_snow_possible: "gauge ecu",
  inverter_online: "gauge ecu,uid",
  inverter_info: "gauge ecu,uid,model,type_code",
  inverter_channel_power_watts: "gauge ecu,uid,channel",
  inverter_channel_info: "gauge ecu,uid,channel,panel,array,row,column",
  inverter_temperature_celsius: "gauge ecu,uid",
  inverter_frequency_hertz: "gauge ecu,uid",
  inverter_voltage_volts: "gauge ecu,uid,phase",
  inverter_signal_ratio: "gauge ecu,uid",
  apsystems_exporter_build_info: "gauge version,revision,node_version",
  apsystems_exporter_query_duration_seconds: "gauge ecu,command",
  apsystems_exporter_query_success: "gauge ecu,command",
  apsystems_exporter_queries_total: "counter ecu,command",
  apsystems_exporter_query_errors_total: "counter ecu,command,reason",
  apsystems_exporter_shared_reads_total: "counter ecu",
  apsystems_exporter_last_read_timestamp_seconds: "gauge ecu",
  apsystems_exporter_rejected_values_total: "counter ecu,field",
  apsystems_exporter_unknown_records: "gauge ecu",
  apsystems_exporter_log_lines_dropped_total: "counter ",
  apsystems_exporter_scrape_duration_seconds: "gauge ",
  probe_success: "gauge ",
  probe_duration_seconds: "gauge ",
};

describe("the catalogue", () => {
  it("has the promised names, types and labels", () => {
    const found = Object.fromEntries(
      rows.map(([name, { type, labels }]) => [name, `${type} ${labels}`]),
    );
    expect(found).toEqual(promised);
  });

  it("has ecu_up and the counters of an ECU that did not reply, and no value that was not measured", () => {
    const down = observation({
      up: false,
      reading: { inverters: [], notes: [] },
      queries: {
        info: { success: false, durationSeconds: 5 },
        realtime: { success: false },
        signal: { success: false },
      },
    });
    const exported = rows.filter(([, { samples }]) => samples(createScrape(down)).length > 0);
    expect(exported.map(([name]) => name)).toEqual([
      "ecu_up",
      "ecu_sun_elevation_degrees",
      "ecu_snow_possible",
      "apsystems_exporter_build_info",
      "apsystems_exporter_query_duration_seconds",
      "apsystems_exporter_query_success",
      "apsystems_exporter_queries_total",
      "apsystems_exporter_query_errors_total",
      "apsystems_exporter_shared_reads_total",
      "apsystems_exporter_last_read_timestamp_seconds",
      "apsystems_exporter_rejected_values_total",
      "apsystems_exporter_log_lines_dropped_total",
      "apsystems_exporter_scrape_duration_seconds",
    ]);
  });

  it("numbers channels from 1, and exports a measured 0", () => {
    const { samples } = catalogue.inverter_channel_power_watts;
    expect(
      samples(createScrape(observation())).map(([{ channel }, watts]) => [channel, watts]),
    ).toEqual([
      ["1", 26],
      ["2", 0],
      ["3", 27],
      ["4", 25],
    ]);
  });

  it("has the position of a panel only for the ECU that has its inverter", () => {
    const barn = observation({ ecu: "barn", reading: { inverters: [], notes: [] } });
    const locations = new Map([
      ["roof", rooftop],
      ["barn", rooftop],
    ]);
    const both = { ...createScrape(observation(), barn), locations };
    expect(catalogue.inverter_channel_info.samples(both)).toEqual([
      [
        {
          ecu: "roof",
          uid: "901000000001",
          channel: "2",
          panel: "A2",
          array: "south",
          row: "1",
          column: "2",
        },
        1,
      ],
    ]);
  });

  it("has no elevation of the sun and no panels without a configured location", () => {
    const bare = { ...createScrape(observation()), locations: new Map() };
    expect(catalogue.ecu_sun_elevation_degrees.samples(bare)).toEqual([]);
    expect(catalogue.ecu_snow_possible.samples(bare)).toEqual([]);
    expect(catalogue.inverter_channel_info.samples(bare)).toEqual([]);
  });

  it.each([
    [true, 1],
    [false, 0],
  ])("says whether snow is possible: %j", (snowPossible, value) => {
    const locations = new Map([["roof", { snowPossible, panels: [] }]]);
    const scrape = { ...createScrape(observation()), locations };
    expect(catalogue.ecu_snow_possible.samples(scrape)).toEqual([[{ ecu: "roof" }, value]]);
  });

  it("has the result of a probe, but not in a scrape of all ECUs", () => {
    const all = createScrape(observation());
    const one = { ...all, probe: { success: false, durationSeconds: 0.5 } };
    expect(catalogue.probe_success.samples(all)).toEqual([]);
    expect(catalogue.probe_duration_seconds.samples(all)).toEqual([]);
    expect(catalogue.probe_success.samples(one)).toEqual([[{}, 0]]);
    expect(catalogue.probe_duration_seconds.samples(one)).toEqual([[{}, 0.5]]);
  });

  it("keeps the other values of an inverter if one was left out", () => {
    const odd = inverter({ channelWatts: [1, undefined, 3], frequencyHertz: undefined });
    const one = createScrape(observation({ reading: { inverters: [odd], notes: [] } }));
    expect(catalogue.inverter_frequency_hertz.samples(one)).toEqual([]);
    expect(catalogue.inverter_channel_power_watts.samples(one)).toEqual([
      [{ ecu: "roof", uid: "901000000001", channel: "1" }, 1],
      [{ ecu: "roof", uid: "901000000001", channel: "3" }, 3],
    ]);
  });

  it("never exports NaN or infinity", () => {
    const odd = inverter({
      temperatureCelsius: Number.NaN,
      frequencyHertz: Number.POSITIVE_INFINITY,
    });
    const one = createScrape(observation({ reading: { inverters: [odd], notes: [] } }));
    expect(catalogue.inverter_temperature_celsius.samples(one)).toEqual([]);
    expect(catalogue.inverter_frequency_hertz.samples(one)).toEqual([]);
  });
});
