/** The roof of the status page as data. Expected values are written by hand. */
import { describe, expect, it } from "vitest";
import type { Panel } from "../../src/ecu/panel.ts";
import type { InverterReading, Reading } from "../../src/ecu/reading.ts";
import { describeRoof } from "../../src/exporter/roof.ts";

const FIRST = "703000000001";
const SECOND = "703000000002";

const inverter = (
  uid: string,
  online: boolean | undefined,
  ...channelWatts: (number | undefined)[]
): InverterReading => ({
  uid,
  model: "DS3",
  ...(online !== undefined && { online }),
  channelWatts,
  gridVolts: [],
});

const read = (inverters: readonly InverterReading[], change: Partial<Reading> = {}) => ({
  up: true,
  reading: {
    inverters,
    registered: inverters.length,
    listed: inverters.length,
    invertersOnline: inverters.filter(({ online }) => online).length,
    unknownRecords: 0,
    powerWatts: inverters
      .flatMap(({ channelWatts }) => channelWatts)
      .reduce<number>((sum, watts) => sum + (watts ?? 0), 0),
    notes: [],
    ...change,
  },
});
const both = read([inverter(FIRST, true, 200, 100), inverter(SECOND, true, 50, 40)]);

/** A panel from `703000000001/1=A1/south/1/2`; parts may be empty. */
const panel = (text: string): Panel => {
  const [uid = "", channel, name = "", array = "", row = "", column = ""] = text.split(/[/=]/);
  return { uid, channel: Number(channel), panel: name, array, row, column };
};

const describeTiles = (observation: ReturnType<typeof read>, panels: string[], isStale = false) =>
  describeRoof(observation, { panels: panels.map(panel), isStale }).groups.map(
    ({ title, rows, columns, placed, loose }) => ({
      title: `${title} ${rows}x${columns}`,
      placed: placed.map(
        ({ name, state, watts, share, row, column }) =>
          `${row},${column} ${name} ${state} ${watts} ${share}`,
      ),
      loose: loose.map(({ name, state, watts, share }) => `${name} ${state} ${watts} ${share}`),
    }),
  );

describe("the places of panels", () => {
  it("are those of the configuration, in the order of its arrays, with the share of the best panel of the array", () => {
    const panels = [
      `${SECOND}/1=B1/west/1/1`,
      `${FIRST}/1=A1/south/1/1`,
      `${FIRST}/2=A2/south/2/3`,
      `${SECOND}/2=B2/west/1/2`,
    ];
    expect(describeTiles(both, panels)).toEqual([
      {
        title: "west 1x2",
        placed: ["0,0 B1 online 50 1", "0,1 B2 online 40 0.8"],
        loose: [],
      },
      {
        title: "south 2x3",
        placed: ["0,0 A1 online 200 1", "1,2 A2 online 100 0.5"],
        loose: [],
      },
    ]);
  });

  it.each([
    ["start at the lowest number", ["3", "5"], [0, 2]],
    ["are numbers, not texts", ["9", "10"], [0, 1]],
    ["are sorted if they are words", ["left", "centre"], [1, 0]],
    ["are sorted if one is a word", ["2", "10", "a"], [0, 1, 2]],
    ["have no gap if the numbers are far apart", ["1", "1000000"], [0, 1]],
    ["keep a gap of up to 24 columns", ["1", "24"], [0, 23]],
    ["have no gap beyond it", ["1", "25"], [0, 1]],
  ])("%s", (_title, texts, columns) => {
    const panels = texts.map((text, i) => `${i < 2 ? FIRST : SECOND}/${(i % 2) + 1}=P/a/1/${text}`);
    const [group] = describeRoof(both, { panels: panels.map(panel), isStale: false }).groups;
    expect(group?.placed.map(({ column }) => column)).toEqual(columns);
    expect(group?.columns).toBe(Math.max(...columns) + 1);
  });

  it("are outside the grid without a row and column, in a taken place, and beyond 24 columns", () => {
    expect(
      describeTiles(both, [
        `${FIRST}/1=A1/south/1/1`,
        `${FIRST}/2=A2/south/1/1`,
        `${SECOND}/1=A3/south`,
      ]),
    ).toEqual([
      {
        title: "south 1x1",
        placed: ["0,0 A1 online 200 1"],
        loose: ["A2 online 100 0.5", "A3 online 50 0.25"],
      },
      { title: "Other panels 0x0", placed: [], loose: ["…000002/2 online 40 1"] },
    ]);
    const wide = Array.from({ length: 30 }, (_, i) => panel(`${FIRST}/1=P${i}/south/1/word${i}`));
    const [group] = describeRoof(both, { panels: wide, isStale: false }).groups;
    expect([group?.columns, group?.placed.length, group?.loose.length]).toEqual([24, 24, 6]);
  });

  it("are in a group of their own without an array", () => {
    expect(describeTiles(read([inverter(FIRST, true, 5)]), [`${FIRST}/1=A1`])).toEqual([
      { title: "Panels 0x0", placed: [], loose: ["A1 online 5 1"] },
    ]);
  });

  it("are unknown for inverters without any panel, which have a tile of their own", () => {
    const observation = read([inverter(FIRST, true, 5), inverter(SECOND, false)]);
    expect(describeTiles(observation, [`${FIRST}/1=A1`])[1]).toEqual({
      title: "Other panels 0x0",
      placed: [],
      loose: [`${SECOND} offline undefined undefined`],
    });
  });
});

describe("the state of a tile", () => {
  const panels = [`${FIRST}/1=A1`, `${SECOND}/1=B1`];
  const states = (observation: ReturnType<typeof read>, isStale = false) =>
    describeTiles(observation, panels, isStale)[0]?.loose;

  it("is online without a share while the best panel gives no power", () => {
    const dawn = read([inverter(FIRST, true, 0), inverter(SECOND, true, 0)]);
    expect(states(dawn)).toEqual(["A1 online 0 undefined", "B1 online 0 undefined"]);
  });

  it("has no power if it was not measured", () => {
    const observation = read([inverter(FIRST, true, undefined), inverter(SECOND, true)]);
    expect(states(observation)).toEqual([
      "A1 online undefined undefined",
      "B1 online undefined undefined",
    ]);
  });

  it("is asleep if all inverters are offline", () => {
    const night = read([inverter(FIRST, false), inverter(SECOND, false)]);
    expect(states(night)).toEqual([
      "A1 asleep undefined undefined",
      "B1 asleep undefined undefined",
    ]);
    expect(describeRoof(night, { panels: [], isStale: false })).toMatchObject({
      isAsleep: true,
      missing: 0,
    });
  });

  it("is missing if the panels of the others give 30 W on average", () => {
    const observation = read([inverter(FIRST, true, 20, 40), inverter(SECOND, false)]);
    expect(states(observation)).toEqual(["A1 online 20 1", "B1 missing undefined undefined"]);
    expect(describeRoof(observation, { panels: [], isStale: false }).missing).toBe(1);
  });

  it("is offline if they give less, as at dusk", () => {
    const observation = read([inverter(FIRST, true, 20, 39), inverter(SECOND, false)]);
    expect(states(observation)).toEqual(["A1 online 20 1", "B1 offline undefined undefined"]);
  });

  it("is offline if the ECU counts all inverters online, as during a round", () => {
    const observation = read([inverter(FIRST, true, 300), inverter(SECOND, false)], {
      invertersOnline: 2,
    });
    expect(states(observation)?.[1]).toBe("B1 offline undefined undefined");
  });

  it("is offline if all are offline and the last round had power", () => {
    const observation = read([inverter(FIRST, false), inverter(SECOND, false)], { powerWatts: 9 });
    expect(states(observation)?.[1]).toBe("B1 offline undefined undefined");
  });

  it("is unlisted if the ECU lists all others, and unknown if its list is incomplete", () => {
    const one = [inverter(FIRST, true, 300)];
    const second = (change: Partial<Reading>) => states(read(one, change))?.[1]?.split(" ")[1];
    expect(second({})).toBe("unlisted");
    expect(second({ listed: 2 })).toBe("unknown");
    expect(second({ unknownRecords: 1 })).toBe("unknown");
  });

  it("is unknown without a reply", () => {
    const { reading } = read([]);
    const { listed: _, registered: __, powerWatts: ___, ...nothing } = reading;
    expect(states({ up: false, reading: nothing as typeof reading })).toEqual([
      "A1 unknown undefined undefined",
      "B1 unknown undefined undefined",
    ]);
  });

  it("is unknown, without a power, if the values are stale", () => {
    expect(states(both, true)).toEqual([
      "A1 unknown undefined undefined",
      "B1 unknown undefined undefined",
    ]);
    expect(describeTiles(both, [], true)).toEqual([
      {
        title: "Inverters 0x0",
        placed: [],
        loose: [`${FIRST} unknown undefined undefined`, `${SECOND} unknown undefined undefined`],
      },
    ]);
    const night = read([inverter(FIRST, false)]);
    expect(describeRoof(night, { panels: [], isStale: true }).isAsleep).toBe(false);
  });
});

describe("without panels", () => {
  it("the tiles are inverters, with their share per channel", () => {
    const observation = read([
      inverter(FIRST, true, 100, 100, 100, 100),
      inverter(SECOND, true, 80),
    ]);
    expect(describeTiles(observation, [])[0]?.loose).toEqual([
      `${FIRST} online 400 1`,
      `${SECOND} online 80 0.8`,
    ]);
  });

  it("an inverter has no power if a channel is unknown", () => {
    expect(describeTiles(read([inverter(FIRST, true, 100, undefined)]), [])[0]?.loose).toEqual([
      `${FIRST} online undefined undefined`,
    ]);
  });

  it("the same holds for more than 400 panels, and there is no roof for more than 400 inverters", () => {
    const many = Array.from({ length: 401 }, (_, i) => panel(`${FIRST}/1=P${i}`));
    const titles = (panels: Panel[], inverters = [inverter(FIRST, true, 1)]) =>
      describeRoof(read(inverters), { panels, isStale: false }).groups.map(({ title }) => title);
    expect(titles(many)).toEqual(["Inverters"]);
    expect(titles(many.slice(1))).toEqual(["Panels"]);
    const crowd = Array.from({ length: 401 }, (_, i) => inverter(String(7e11 + i), true, 1));
    expect(titles([], crowd)).toEqual([]);
    expect(titles([], crowd.slice(1))).toEqual(["Inverters"]);
    expect(titles([], [])).toEqual([]);
  });
});
