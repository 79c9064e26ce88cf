/** The whole way: bytes of real ECUs over TCP → exporter → /metrics. Expected values are written by hand. */
import { describe, expect, it } from "vitest";
import { encodeReply, type Messages } from "../../src/protocol/replies.ts";
import { captures, capturesFile, readCapture } from "../support/captures.ts";
import { parseSamples, startTestExporter } from "../support/exporter.ts";
import { startReplyingEcu } from "../support/replay.ts";

/** Base information of an ECU of which only the inverter table was captured. */
const invented = (change: Partial<Extract<Messages["info"], { layout: "01" }>>): Buffer =>
  encodeReply("info", {
    ecuId: "216000000099",
    layout: "01",
    lifetimeEnergyJoules: 3_600_000_000,
    powerWatts: 279,
    todayEnergyJoules: 720_000,
    lastCloudContact: "d0d0d0d0d0d0d0",
    inverters: 7,
    invertersOnline: 7,
    zigbeeChannel: "10",
    firmware: "ECU_R_1.2.19",
    timezone: "Etc/GMT-8",
    ethernetMac: "80971b000000",
    wirelessMac: "000000000000",
    extension: "",
    ...change,
  });

/** What an independent program decoded from a capture. */
const wire = (id: string) => captures.find((capture) => capture.id === id)?.wire;
const listUids = (realtime: string): string[] =>
  (wire(realtime).inverters ?? []).map(({ uid }: { uid: string }) => uid);

/**
 * Replaces the ids in a text by invented ones, since no captured id is in the repository. A uid keeps six digits,
 * followed by its position in the captured table; an ECU id keeps six digits, followed by 000001.
 */
const inventIds = (text: string, realtime: string): string => {
  const uids = listUids(realtime);
  const ecuIds = captures.flatMap(({ wire }) => wire?.ecu_id ?? []);
  return text.replace(/(?<=["0-9])\d{12}(?=[",E])/g, (id) => {
    if (ecuIds.includes(id)) return `${id.slice(0, 6)}000001`;
    const position = uids.indexOf(id) + 1;
    return position === 0 ? id : id.slice(0, 6) + `${position}`.padStart(6, "0");
  });
};

interface Site {
  readonly title: string;
  readonly info: () => Buffer;
  readonly realtime: string;
  readonly signal?: string;
  readonly expected: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Metrics without any sample. */
  readonly absent: readonly string[];
}

const at = (iso: string): number => Date.parse(iso) / 1000;
const qt2 = (uid: string, [first, second, third]: readonly [number, number, number]) => ({
  [`${uid},L12`]: first,
  [`${uid},L23`]: second,
  [`${uid},L31`]: third,
});
const channels = (uid: string, watts: readonly number[]) =>
  Object.fromEntries(watts.map((value, i) => [`${uid},${i + 1}`, value]));
const each = (uids: readonly string[], value: number) =>
  Object.fromEntries(uids.map((uid) => [uid, value]));

const READINGS = [
  "inverter_channel_power_watts",
  "inverter_temperature_celsius",
  "inverter_frequency_hertz",
  "inverter_voltage_volts",
];
const site08 = ["802000000001", "802000000002", "802000000003", "802000000004", "802000000005"];
const site08Silent = ["806000000006", "806000000007", "806000000008", "806000000009"];

const sites: readonly Site[] = [
  {
    title: "site-01, six QT2 by day",
    info: () => readCapture("site-01-info-1"),
    realtime: "site-01-inv-1",
    signal: "site-01-sig-1",
    expected: {
      ecu_up: { "": 1 },
      ecu_info: { "216000000001,ECU-R,ECU_R_1.3.6C,Europe/Amsterdam": 1 },
      ecu_lifetime_energy_joules_total: { "": 15_689_160_000 },
      ecu_today_energy_joules: { "": 612_000 },
      ecu_power_watts: { "": 654 },
      ecu_inverters: { "": 6 },
      ecu_inverters_online: { "": 6 },
      ecu_last_report_timestamp_seconds: { "": at("2023-11-20T15:19:34+01:00") },
      inverter_info: {
        "901000000001,QT2,02": 1,
        "901000000002,QT2,02": 1,
        "901000000003,QT2,02": 1,
        "901000000004,QT2,02": 1,
        "901000000005,QT2,02": 1,
        "901000000006,QT2,02": 1,
      },
      inverter_channel_power_watts: {
        ...channels("901000000001", [26, 26, 27, 25]),
        ...channels("901000000002", [26, 27, 29, 29]),
        ...channels("901000000003", [28, 29, 30, 30]),
        ...channels("901000000004", [24, 29, 28, 28]),
        ...channels("901000000005", [27, 26, 30, 29]),
        ...channels("901000000006", [26, 26, 22, 27]),
      },
      inverter_temperature_celsius: {
        "901000000001": 23,
        "901000000002": 20,
        "901000000003": 21,
        "901000000004": 21,
        "901000000005": 18,
        "901000000006": 19,
      },
      inverter_voltage_volts: {
        ...qt2("901000000001", [390, 391, 383]),
        ...qt2("901000000002", [386, 390, 389]),
        ...qt2("901000000003", [384, 389, 391]),
        ...qt2("901000000004", [390, 387, 393]),
        ...qt2("901000000005", [391, 386, 387]),
        ...qt2("901000000006", [392, 390, 386]),
      },
      inverter_signal_ratio: each(
        [
          "901000000001",
          "901000000002",
          "901000000003",
          "901000000004",
          "901000000005",
          "901000000006",
        ],
        171 / 255,
      ),
    },
    absent: ["ecu_last_cloud_contact_timestamp_seconds"],
  },
  {
    title: "site-01, five of six QT2 offline with old values in their records",
    info: () => readCapture("site-01-info-3"),
    realtime: "site-01-inv-3",
    signal: "site-01-sig-3",
    expected: {
      ecu_up: { "": 1 },
      ecu_power_watts: { "": 63 },
      ecu_inverters_online: { "": 1 },
      ecu_lifetime_energy_joules_total: { "": 15_690_600_000 },
      ecu_today_energy_joules: { "": 0 },
      inverter_online: {
        "901000000001": 0,
        "901000000002": 1,
        "901000000003": 0,
        "901000000004": 0,
        "901000000005": 0,
        "901000000006": 0,
      },
      inverter_channel_power_watts: channels("901000000002", [15, 16, 16, 16]),
      inverter_temperature_celsius: { "901000000002": 16 },
      inverter_frequency_hertz: { "901000000002": 49.9 },
      inverter_voltage_volts: qt2("901000000002", [392, 395, 389]),
      inverter_signal_ratio: { "901000000002": 168 / 255 },
    },
    absent: [],
  },
  {
    title: "site-03, YC1000 with one inverter never contacted, and a truncated signal reply",
    info: () => readCapture("site-03-info-1"),
    realtime: "site-03-inv-1",
    signal: "site-03-sig-1",
    expected: {
      ecu_up: { "": 1 },
      ecu_info: { "216200000001,ECU-R-Pro,ECU_R_PRO_2.1.27,Europe/Stockholm": 1 },
      ecu_lifetime_energy_joules_total: { "": 141_136_920_000 },
      ecu_today_energy_joules: { "": 33_732_000 },
      ecu_power_watts: { "": 1224 },
      ecu_inverters: { "": 11 },
      ecu_inverters_online: { "": 10 },
      ecu_last_report_timestamp_seconds: { "": at("2025-10-31T13:15:00+01:00") },
      ecu_last_cloud_contact_timestamp_seconds: { "": at("2025-10-31T13:12:47+01:00") },
      inverter_online: {
        ...each(
          [
            "502000000001",
            "502000000002",
            "502000000003",
            "502000000004",
            "502000000005",
            "502000000006",
            "502000000007",
            "502000000008",
            "502000000009",
            "502000000011",
          ],
          1,
        ),
        "502000000010": 0,
      },
      inverter_channel_power_watts: {
        ...channels("502000000001", [2, 33, 31, 32]),
        ...channels("502000000002", [2, 57, 55, 27]),
        ...channels("502000000003", [2, 33, 32, 32]),
        ...channels("502000000004", [2, 57, 55, 56]),
        ...channels("502000000005", [2, 58, 56, 56]),
        ...channels("502000000006", [2, 33, 32, 32]),
        ...channels("502000000007", [2, 2, 32, 32]),
        ...channels("502000000008", [2, 2, 55, 53]),
        ...channels("502000000009", [2, 56, 56, 54]),
        ...channels("502000000011", [2, 32, 32, 31]),
      },
      apsystems_exporter_query_success: { info: 1, realtime: 1, signal: 0 },
    },
    absent: ["inverter_signal_ratio"],
  },
  {
    title: "site-06, seven YC600",
    info: () => invented({}),
    realtime: "site-06-inv-1",
    expected: {
      ecu_up: { "": 1 },
      ecu_last_report_timestamp_seconds: { "": at("2020-11-24T12:05:10+01:00") },
      inverter_channel_power_watts: {
        ...channels("408000000001", [20, 20]),
        ...channels("408000000002", [19, 20]),
        ...channels("408000000003", [20, 20]),
        ...channels("408000000004", [20, 19]),
        ...channels("408000000005", [21, 20]),
        ...channels("408000000006", [20, 20]),
        ...channels("408000000007", [20, 20]),
      },
      inverter_voltage_volts: {
        "408000000001,L1": 228,
        "408000000002,L1": 228,
        "408000000003,L1": 227,
        "408000000004,L1": 227,
        "408000000005,L1": 227,
        "408000000006,L1": 227,
        "408000000007,L1": 226,
      },
      inverter_info: {
        "408000000001,YC600,01": 1,
        "408000000002,YC600,01": 1,
        "408000000003,YC600,01": 1,
        "408000000004,YC600,01": 1,
        "408000000005,YC600,01": 1,
        "408000000006,YC600,01": 1,
        "408000000007,YC600,01": 1,
      },
    },
    absent: ["inverter_signal_ratio"],
  },
  {
    title: "site-08, QS1 by day, one without grid and four never contacted",
    info: () => invented({ ecuId: "215000000008", inverters: 9, invertersOnline: 5 }),
    realtime: "site-08-inv-2",
    expected: {
      ecu_up: { "": 1 },
      inverter_online: { ...each(site08, 1), ...each(site08Silent, 0) },
      inverter_channel_power_watts: {
        ...channels("802000000001", [142, 101, 284, 287]),
        ...channels("802000000002", [300, 301, 303, 302]),
        ...channels("802000000003", [0, 0, 4, 4]),
        ...channels("802000000004", [160, 162, 166, 141]),
        ...channels("802000000005", [159, 162, 165, 149]),
      },
      inverter_temperature_celsius: {
        "802000000001": 24,
        "802000000002": 26,
        "802000000003": 15,
        "802000000004": 17,
        "802000000005": 18,
      },
      inverter_frequency_hertz: {
        "802000000001": 50,
        "802000000002": 50,
        "802000000004": 50,
        "802000000005": 50,
      },
      inverter_voltage_volts: {
        "802000000001,L1": 241,
        "802000000002,L1": 241,
        "802000000004,L1": 242,
        "802000000005,L1": 242,
      },
      apsystems_exporter_rejected_values_total: {
        lifetime_energy: 0,
        today_energy: 0,
        power: 0,
        inverters_online: 0,
        channel_power: 0,
        temperature: 0,
        frequency: 1,
        voltage: 1,
      },
      apsystems_exporter_unknown_records: { "": 0 },
    },
    absent: [],
  },
  {
    title: "site-08, QS1 by night",
    info: () =>
      invented({ ecuId: "215000000008", powerWatts: 0, inverters: 9, invertersOnline: 0 }),
    realtime: "site-08-inv-1",
    expected: {
      ecu_up: { "": 1 },
      ecu_power_watts: { "": 0 },
      inverter_online: each([...site08, ...site08Silent], 0),
    },
    absent: READINGS,
  },
  {
    title: "site-17, DS3, one online and one offline",
    info: () => readCapture("site-17-info-1"),
    realtime: "site-17-inv-3",
    signal: "site-17-sig-1",
    expected: {
      ecu_info: { "216300000001,ECU-B,ECU_B_1.2.26E,Europe/Amsterdam": 1 },
      ecu_lifetime_energy_joules_total: { "": 414_000_000 },
      ecu_today_energy_joules: { "": 12_348_000 },
      ecu_last_report_timestamp_seconds: { "": at("2023-08-06T16:00:51+02:00") },
      inverter_online: { "707000000001": 1, "702000000002": 0 },
      inverter_info: { "707000000001,DS3,01": 1, "702000000002,DS3-S,01": 1 },
      inverter_channel_power_watts: channels("707000000001", [42, 41]),
      inverter_temperature_celsius: { "707000000001": 24 },
      inverter_frequency_hertz: { "707000000001": 49.9 },
      inverter_voltage_volts: { "707000000001,L1": 235 },
      inverter_signal_ratio: { "707000000001": 211 / 255 },
    },
    absent: [],
  },
  {
    title: "site-27, an ECU-R-Pro without a captured table: one with an empty list is in its place",
    info: () => readCapture("site-27-info-1"),
    realtime: "site-28-inv-1",
    expected: {
      ecu_up: { "": 1 },
      ecu_info: { "216200000001,ECU-R-Pro,ECU_R_PRO_2.1.29A,Europe/Amsterdam": 1 },
      ecu_lifetime_energy_joules_total: { "": 54_521_640_000 },
      ecu_today_energy_joules: { "": 5_004_000 },
      ecu_power_watts: { "": 1349 },
      ecu_inverters: { "": 6 },
      ecu_inverters_online: { "": 6 },
      ecu_last_cloud_contact_timestamp_seconds: { "": at("2026-04-23T10:11:35+02:00") },
    },
    absent: ["inverter_online", ...READINGS],
  },
  {
    title: "site-28, an empty list of a plant of three DS3 that produces",
    info: () =>
      invented({
        ecuId: "215000000028",
        powerWatts: 1500,
        inverters: 3,
        invertersOnline: 3,
        timezone: "Europe/Amsterdam",
      }),
    realtime: "site-28-inv-1",
    expected: {
      ecu_up: { "": 1 },
      ecu_power_watts: { "": 1500 },
      ecu_inverters: { "": 3 },
      ecu_inverters_online: { "": 3 },
      ecu_last_report_timestamp_seconds: { "": at("2026-04-26T15:20:00+02:00") },
      apsystems_exporter_unknown_records: { "": 0 },
    },
    absent: ["inverter_online", ...READINGS],
  },
  {
    title: "site-05, an ECU that has no data yet",
    info: () => invented({ powerWatts: 0, invertersOnline: 0 }),
    realtime: "site-05-inv-1",
    expected: {
      ecu_up: { "": 1 },
      ecu_inverters: { "": 7 },
      apsystems_exporter_query_success: { info: 1, realtime: 1, signal: 0 },
    },
    absent: ["ecu_last_report_timestamp_seconds", "inverter_online", ...READINGS],
  },
];

/** Height of the sun over the plane of the equator, in degrees: near enough by the day of the year alone. */
const declination = (at: Date): number => {
  const day = (at.getTime() - Date.UTC(at.getUTCFullYear(), 0, 1)) / 86_400_000;
  return -23.44 * Math.cos((2 * Math.PI * (day + 10)) / 365.25);
};

describe.skipIf(capturesFile === undefined)("captured replies, over TCP to /metrics", () => {
  it.each(sites)("$title", async ({ info, realtime, signal, expected, absent }) => {
    await using ecu = await startReplyingEcu({
      info: info(),
      realtime: readCapture(realtime),
      ...(signal !== undefined && { signal: readCapture(signal) }),
    });
    await using exporter = await startTestExporter(ecu);
    const text = await exporter.get();
    const renamed = inventIds(text, realtime);
    const shown = Object.fromEntries(
      [...Object.keys(expected), ...absent].map((name) => [name, parseSamples(renamed, name)]),
    );
    expect(shown).toEqual({ ...expected, ...Object.fromEntries(absent.map((name) => [name, {}])) });
    expect(text).not.toMatch(/ (NaN|[+-]?Inf|-100)$/im);
  });

  const others = [
    { info: "site-01-info-2", realtime: "site-01-inv-2", signal: "site-01-sig-2" },
    { info: "site-02-info-1", realtime: "site-02-inv-1", signal: "site-02-sig-1" },
    { info: "site-18-info-2", realtime: "site-18-inv-2", signal: "site-18-sig-1" },
  ];
  it.each(others)(
    "$info, $realtime, $signal: every reading of an online inverter, as an independent program read it",
    async (ids) => {
      await using ecu = await startReplyingEcu({
        info: readCapture(ids.info),
        realtime: readCapture(ids.realtime),
        signal: readCapture(ids.signal),
      });
      await using exporter = await startTestExporter(ecu);
      const text = await exporter.get();
      expect(parseSamples(text, "ecu_power_watts")).toEqual({ "": wire(ids.info).current_power_w });
      for (const { uid, power_w, temperature_c, frequency_hz } of wire(ids.realtime).inverters) {
        expect(parseSamples(text, "inverter_channel_power_watts")).toMatchObject(
          channels(uid, power_w),
        );
        expect(parseSamples(text, "inverter_temperature_celsius")).toMatchObject({
          [uid]: temperature_c,
        });
        expect(parseSamples(text, "inverter_frequency_hertz")).toMatchObject({
          [uid]: frequency_hz,
        });
      }
      for (const { uid, level } of wire(ids.signal).signal) {
        expect(parseSamples(text, "inverter_signal_ratio")).toMatchObject({ [uid]: level / 255 });
      }
    },
  );

  it("exports the elevation of the sun and the named panels if they are configured, otherwise neither", async () => {
    await using ecu = await startReplyingEcu({
      info: invented({}),
      realtime: readCapture("site-06-inv-1"),
    });
    const pole = { latitude: 90, longitude: 0 }; // the sun stands as high there all day
    const uid = listUids("site-06-inv-1")[0] ?? "";
    const panel = { uid, channel: 2, panel: "A2", array: "south", row: "", column: "" };
    await using exporter = await startTestExporter(ecu, { site: pole, panels: [panel] });
    const elevation = (await exporter.samples("ecu_sun_elevation_degrees"))[""] ?? Number.NaN;
    expect(Math.abs(elevation - declination(new Date()))).toBeLessThan(1);
    expect(await exporter.samples("inverter_channel_info")).toEqual({ [`${uid},2,A2,south,,`]: 1 });
    await using bare = await startTestExporter(ecu);
    expect(await bare.samples("ecu_sun_elevation_degrees")).toEqual({});
    expect(await bare.samples("inverter_channel_info")).toEqual({});
  });

  it("sends one query after another, with the id that the ECU reported", async () => {
    await using ecu = await startReplyingEcu({
      info: readCapture("site-01-info-1"),
      realtime: readCapture("site-01-inv-1"),
      signal: readCapture("site-01-sig-1"),
    });
    await using exporter = await startTestExporter(ecu);
    await exporter.get();
    expect(ecu.requestTexts.map((text) => inventIds(text, "site-01-inv-1"))).toEqual([
      "APS1100160001END\n",
      "APS1100280002216000000001END\n",
      "APS1100280030216000000001END\n",
    ]);
  });
});
