/** The top of the landing page. Expected values are written by hand. */
import { describe, expect, it } from "vitest";
import type { LandingEcu } from "../../src/http/landing-data.ts";
import { renderOverview } from "../../src/http/overview.ts";
import type { LandingRoof } from "../../src/http/roof.ts";

const plain: LandingRoof = { groups: [], isAsleep: false, missing: 0 };
const house: LandingEcu = {
  name: "house",
  state: "up",
  powerWatts: 4354,
  todayKilowattHours: 8.2,
  lifetimeKilowattHours: 4358.1,
  registered: 7,
  invertersOnline: 7,
  reportAgeSeconds: 130,
  readAgeSeconds: 12,
  inverterCount: 7,
  inverters: () => [],
  roof: () => plain,
};
const unread: LandingEcu = {
  name: "barn",
  state: "not read yet",
  inverterCount: 0,
  inverters: () => [],
};

const render = (ecus: readonly LandingEcu[], hasRoofs = true) =>
  renderOverview(ecus, { hasRoofs }).markup;
/** Figures as `name: value note`. */
const extractFigures = (markup: string) =>
  [...markup.matchAll(/<dt>(.*?)<\/dt><dd.*?>(.*?)<\/dd>/g)].map(
    ([, name, value = ""]) => `${name}: ${value.replace(/<[^>]*>/g, "")}`,
  );
const extractSentence = (ecu: Partial<LandingEcu>) => {
  const [, level, text] =
    /<p class="state ?(.*?)">(.*)<\/p>/.exec(render([{ ...house, ...ecu }])) ?? [];
  return [level, text];
};

describe("the figures of one ECU", () => {
  it("are its power, its energy and its inverters", () => {
    expect(extractFigures(render([house]))).toEqual([
      "Power now: 4354 W",
      "Energy today: 8.20 kWh",
      "Energy in total: 4358 kWh",
      "Inverters online: 7 of 7",
    ]);
  });

  it("are zero if zero was measured", () => {
    const zero = { powerWatts: 0, todayKilowattHours: 0, lifetimeKilowattHours: 0 };
    expect(extractFigures(render([{ ...house, ...zero, invertersOnline: 0 }]))).toEqual([
      "Power now: 0 W",
      "Energy today: 0.00 kWh",
      "Energy in total: 0.0 kWh",
      "Inverters online: 0 of 7",
    ]);
  });

  const allUnknown = [
    "Power now: unknown",
    "Energy today: unknown",
    "Energy in total: unknown",
    "Inverters online: unknown",
  ];
  it("are unknown if they were not measured, or are not those of now", () => {
    expect(extractFigures(render([unread]))).toEqual(allUnknown);
    expect(extractFigures(render([{ ...house, stale: "read" }]))).toEqual(allUnknown);
    expect(extractFigures(render([{ ...house, stale: "report" }]))).toEqual(allUnknown);
  });

  it("name the last day if the energy may be of that day", () => {
    expect(extractFigures(render([{ ...house, isLastDay: true }]))[1]).toBe(
      "Energy of the last day: 8.20 kWh",
    );
  });

  it.each([
    [9_999, 99.994, "9999 W", "99.99 kWh"],
    [10_000, 100, "10.0 kW", "100 kWh"],
    [123_456, 10_000, "123.5 kW", "10.0 MWh"],
  ])("of %d W and %d kWh are %s and %s", (powerWatts, todayKilowattHours, power, energy) => {
    expect(
      extractFigures(render([{ ...house, powerWatts, todayKilowattHours }])).slice(0, 2),
    ).toEqual([`Power now: ${power}`, `Energy today: ${energy}`]);
  });
});

describe("the sentence about an ECU", () => {
  it.each<[Partial<LandingEcu>, string, string]>([
    [{}, "good", "Reported by the ECU 2 min ago."],
    [{ reportAgeSeconds: -7200 }, "fair", "The clock of the ECU is 2 h ahead."],
    [{ roof: () => ({ ...plain, isAsleep: true }) }, "", "All inverters are offline, as at night."],
    [
      { roof: () => ({ ...plain, missing: 2 }) },
      "bad",
      "2 inverters of 7 missing: no reply to the ECU while others give power.",
    ],
    [{ inverterCount: 0 }, "fair", "The ECU lists no inverters."],
    [
      { state: "partial" },
      "fair",
      "A part of the last read failed; the table below says what to do.",
    ],
    [
      { state: "down" },
      "bad",
      "The last read of the ECU failed. What was not read is unknown; the table below says what to do.",
    ],
    [
      { state: "waiting for data" },
      "fair",
      "The ECU has no data yet. After a start, it needs up to 10 minutes.",
    ],
    [
      { state: "not read yet" },
      "",
      "Not read yet. The exporter reads the ECU when Prometheus scrapes it, or when you open Metrics.",
    ],
    [
      { state: "down", stale: "read", readAgeSeconds: 32_400 },
      "bad",
      "The last read was 9 h ago, so the values of now are unknown. Check whether Prometheus scrapes the exporter, or open Metrics.",
    ],
    [
      { stale: "report", reportAgeSeconds: 32_400 },
      "bad",
      "By its own clock, the last report of the ECU is 9 h old, so the values of now are unknown. If the ECU hangs, unplug it for a minute; if only the time is wrong, set its time zone.",
    ],
  ])("for %o is %s: %s", (change, level, text) => {
    expect(extractSentence(change)).toEqual([level, text]);
  });
});

describe("several ECUs", () => {
  const barn = { ...house, name: "barn", powerWatts: 646, todayKilowattHours: 1.3 };

  it("have the sums of their values before the parts of each", () => {
    const markup = render([house, barn]);
    expect(extractFigures(markup).slice(0, 4)).toEqual([
      "Power now: 5000 W",
      "Energy today: 9.50 kWh",
      "Energy in total: 8716 kWh",
      "Power now: 4354 W",
    ]);
    expect([...markup.matchAll(/<h2><bdi>(.*?)<\/bdi>/g)].map(([, name]) => name)).toEqual([
      "house",
      "barn",
    ]);
  });

  it("have sums of what is known, which say of how many ECUs", () => {
    const night = { ...barn, isLastDay: true };
    expect(extractFigures(render([house, night, unread], false))).toEqual([
      "Power now: 5000 W from 2 of 3 ECUs",
      "Energy today: 8.20 kWh from 1 of 3 ECUs",
      "Energy in total: 8716 kWh from 2 of 3 ECUs",
    ]);
    expect(extractFigures(render([unread, { ...house, stale: "read" }], false))).toEqual([
      "Power now: unknown",
      "Energy today: unknown",
      "Energy in total: unknown",
    ]);
  });

  it("have no roofs if the page is a fleet's, and their roofs are not computed", () => {
    const roof = () => {
      throw new Error("computed");
    };
    expect(render([{ ...house, roof }, barn], false)).not.toContain("<h2>");
  });

  it("are nothing if there are none", () => {
    expect(render([])).toBe("");
  });
});
