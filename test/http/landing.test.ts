/** The page as text: from what was observed to what is shown. Expected values are written by hand. */
import { describe, expect, it } from "vitest";
import { errorReasons, QueryError, type Reason, reasons } from "../../src/ecu/errors.ts";
import type { Observation } from "../../src/ecu/observe.ts";
import { describeEcu } from "../../src/exporter/status.ts";
import {
  type LandingEcu,
  type LandingInverter,
  renderLandingPage,
} from "../../src/http/landing.ts";
import { observation } from "../support/observation.ts";

const NOW = 1_700_490_014;
const listing = (...inverters: readonly LandingInverter[]) => ({
  inverterCount: inverters.length,
  inverters: () => inverters,
});
const bare: LandingEcu = { name: "roof", state: "not read yet", ...listing() };
/** With its inverters, which it gives when asked. */
const whole = (ecu: LandingEcu) => ({ ...ecu, inverters: ecu.inverters() });

const pageOf = (ecus: readonly LandingEcu[], only?: LandingEcu): string =>
  renderLandingPage({
    version: "1.2.3",
    telemetryPath: "/metrics",
    ecus,
    now: NOW,
    reloads: true,
    only,
  });

/** What is read of a piece of HTML, each row on a line, its cells parted by bars. */
const textOf = (html: string): string =>
  html
    .replace(/<style>.*<\/style>/s, "")
    .replace(/<\/t[hd]>(?!<\/tr>)/g, " | ")
    .replace(/<small>|<li>|<\/dt>|<dt>/g, " ")
    .replace(/<[^>]*>/g, "")
    .replace(/ +/g, " ");
const rowsOf = (html: string): string[] =>
  [...html.matchAll(/<tr .*?<\/tr>/gs)].slice(1).map(([row]) => textOf(row).trim());

const failing = (reason: Reason, message = "it failed") => ({
  success: false,
  durationSeconds: 1,
  error: new QueryError(message, { reason }),
});
const describe1 = (change: Partial<Observation>): LandingEcu =>
  describeEcu("roof", observation(change), NOW, []);

describe("what is told of an ECU", () => {
  it("is what was measured in its last read, and a panel's name where it has one", () => {
    const panel = { array: "south", row: "1", column: "2" };
    const panels = [
      { uid: "901000000001", channel: 2, panel: "A2", ...panel },
      { uid: "801000000002", channel: 1, panel: "B1", ...panel },
    ];
    expect(whole(describeEcu("roof", observation(), NOW, panels))).toEqual({
      name: "roof",
      state: "up",
      model: "ECU-R",
      firmware: "ECU_R_1.3.6C",
      powerWatts: 78,
      todayKilowattHours: 0.17,
      registered: 2,
      invertersOnline: 1,
      inverterCount: 2,
      reportAgeSeconds: 40,
      readAgeSeconds: 13.5,
      inverters: [
        {
          uid: "901000000001",
          model: "QT2",
          state: "online",
          watts: 78,
          temperatureCelsius: -3,
          signalRatio: 0.6,
          channels: [
            { name: "1", watts: 26 },
            { name: "A2", watts: 0 },
            { name: "3", watts: 27 },
            { name: "4", watts: 25 },
          ],
        },
        { uid: "801000000002", model: "QS1", state: "offline", channels: [] },
      ],
    });
  });

  it("is nothing but its name before the first read", () => {
    expect(whole(describeEcu("roof", undefined, NOW, []))).toEqual(whole(bare));
  });

  const { reading, queries } = observation();
  const { lastReportAt: _, lastReportLocal: __, ...newborn } = reading;
  const nothing = { inverters: [], notes: [] };
  it.each<[LandingEcu["state"], string, Partial<Observation>, Reason | undefined]>([
    ["up", "every query succeeded", {}, undefined],
    [
      "partial",
      "the signals failed",
      { queries: { ...queries, signal: failing("closed") } },
      "closed",
    ],
    ["waiting for data", "no round is over", { reading: newborn }, undefined],
    [
      "waiting for data",
      "no round is over, and there are no signals to tell of",
      { reading: newborn, queries: { ...queries, signal: failing("status") } },
      undefined,
    ],
    [
      "down",
      "the table failed",
      { up: false, reading: newborn, queries: { ...queries, realtime: failing("malformed") } },
      "malformed",
    ],
    [
      "down",
      "nothing was reached",
      {
        up: false,
        reading: nothing,
        queries: {
          info: failing("refused"),
          realtime: { success: false },
          signal: { success: false },
        },
      },
      "refused",
    ],
  ])("is %s where %s", (state, _why, change, reason) => {
    const told = describe1(change);
    expect(told.state).toBe(state);
    expect(told.problem?.reason).toBe(reason);
  });

  it.each(reasons)("says what to do about %s", (reason) => {
    const down = describe1({
      up: false,
      queries: { ...queries, info: failing(reason, "so it is") },
    });
    expect(down.problem).toEqual({
      message: "so it is",
      reason,
      remedy: errorReasons[reason].remedy,
    });
    expect(textOf(pageOf([down]))).toContain(
      `Last error so it is ${reason} What to do ${errorReasons[reason].remedy}`,
    );
  });

  it("says so where the time was over before anything failed", () => {
    const unasked = { success: false };
    const cut = { info: unasked, realtime: unasked, signal: unasked };
    expect(describe1({ up: false, reading: nothing, queries: cut }).problem).toEqual({
      message: "the read timed out before all queries were sent",
      remedy: "allow more time for a scrape; if it persists, see the log of the exporter",
    });
  });

  it("has no sum of channels of which one is not known", () => {
    const [first] = reading.inverters;
    const inverters = [{ ...(first as NonNullable<typeof first>), channelWatts: [26, undefined] }];
    expect(describe1({ reading: { ...reading, inverters } }).inverters()[0]).toMatchObject({
      watts: undefined,
      channels: [{ watts: 26 }, { watts: undefined }],
    });
  });
});

describe("the table", () => {
  it("is this, of an ECU with an inverter and an error", () => {
    const page = pageOf([
      {
        name: "roof",
        state: "partial",
        model: "ECU-R",
        firmware: "ECU_R_1.3.6C",
        powerWatts: 78,
        todayKilowattHours: 0.17,
        registered: 2,
        invertersOnline: 1,
        reportAgeSeconds: 40,
        readAgeSeconds: 13.5,
        probePath: "/probe?target=roof",
        problem: { message: "10.0.0.9 hung up", reason: "closed", remedy: "this passes" },
        ...listing({
          uid: "901000000001",
          model: "QT2",
          state: "online",
          watts: 53,
          temperatureCelsius: -3,
          channels: [{ name: "A1", watts: 53 }, { name: "2" }],
        }),
      },
    ]);
    const [, body] = /(<tbody.*<\/tbody>)/s.exec(page) ?? [];
    expect(body?.replace(/(<(?:th|td|\/tr|dt|dd|ul|small))/g, "\n$1")).toBe(`<tbody role="rowgroup">
<tr role="row" class="ecu">
<th role="rowheader" scope="rowgroup"><b><bdi>roof</bdi></b>
<small>ECU-R · ECU_R_1.3.6C</small>
<small><a href="/probe?target=roof" aria-label="Probe: roof">Probe</a> · <a href="/probe?target=roof&amp;debug=true" aria-label="Probe in detail: roof">Probe in detail</a></small></th>
<td role="cell" class="number" data-label="State"><span class="state fair">partial</span>
<small>1 of 2 online</small></td>
<td role="cell" class="number" data-label="Power">78 W
<small>0.17 kWh today</small></td>
<td role="cell" class="number" data-label="Age of data">40 s
<small>read 14 s ago</small></td>
<td role="cell" colspan="3"></td>
</tr>
<tr role="row" class="problem">
<td role="cell" colspan="7"><dl>
<dt>Last error</dt>
<dd><bdi>10.0.0.9 hung up</bdi> <span>closed</span></dd>
<dt>What to do</dt>
<dd>this passes</dd></dl></td>
</tr>
<tr role="row" class="inverter">
<th role="rowheader" scope="row">901000000001
<small>QT2</small></th>
<td role="cell" class="number" data-label="State"><span class="state good">online</span></td>
<td role="cell" class="number" data-label="Power">53 W</td>
<td role="cell" class="number" data-label="Age of data">40 s</td>
<td role="cell" class="number" data-label="Temperature">-3 °C</td>
<td role="cell" class="number" data-label="Signal">–</td>
<td role="cell" class="wide" data-label="Channels">
<ul><li><span>A1</span> 53 W</li><li><span>2</span> –</li></ul></td>
</tr>
</tbody>`);
  });

  it("has a dash for what was not measured, and a zero for a zero", () => {
    const dark = { uid: "801000000002", model: "QS1" };
    const channels = [{ name: "1", watts: 0 }];
    const zeros = { watts: 0, temperatureCelsius: 0, signalRatio: 0, channels };
    const page = pageOf([
      { ...bare, state: "down" },
      {
        name: "barn",
        state: "up",
        powerWatts: 0,
        todayKilowattHours: 0,
        registered: 0,
        invertersOnline: 0,
        reportAgeSeconds: 0,
        readAgeSeconds: 0,
        ...listing(
          { ...dark, state: "offline", channels: [] },
          { ...dark, state: "unknown", channels: [] },
          { ...dark, state: "online", ...zeros },
        ),
      },
      { ...bare, state: "up", registered: 2, todayKilowattHours: 1.005 },
    ]);
    expect(rowsOf(page)).toEqual([
      "roof | down | – | – |",
      "barn | up 0 of 0 online | 0 W 0.00 kWh today | 0 s read 0 s ago |",
      "801000000002 QS1 | offline | – | – | – | – | –",
      "801000000002 QS1 | unknown | – | – | – | – | –",
      "801000000002 QS1 | online | 0 W | 0 s | 0 °C | 0 % | 1 0 W",
      "roof | up – of 2 online | – 1.00 kWh today | – |",
    ]);
  });

  it.each([
    [-4_000, "67 min ahead"],
    [-60, "60 s ahead"],
    [-59, "0 s"],
    [119.4, "119 s"],
    [120, "2 min"],
    [7_199, "120 min"],
    [7_200, "2 h"],
    [172_800, "2 days"],
  ])("tells an age of %d s as %s", (reportAgeSeconds, words) => {
    const [row] = rowsOf(pageOf([{ ...bare, reportAgeSeconds }]));
    expect(row).toBe(`roof | not read yet | – | ${words} |`);
  });

  it("says so where no ECU is configured", () => {
    expect(rowsOf(pageOf([]))).toEqual(["No ECU is configured."]);
  });

  it("gives a few inverters at once, and of many a link to the page of each ECU", () => {
    const withInverters = (name: string, count: number): LandingEcu => ({
      ...bare,
      name,
      ...listing(
        ...Array.from({ length: count }, (_, i) => ({
          uid: String(901_000_000_000 + i),
          model: "QT2",
          state: "unknown" as const,
          channels: [],
        })),
      ),
    });
    expect(rowsOf(pageOf([withInverters("roof", 60), withInverters("barn", 40)]))).toHaveLength(
      102,
    );
    const large = withInverters("east & west", 60);
    const many = [large, withInverters("barn", 40), withInverters("hut", 1)];
    const folded = pageOf(many);
    expect(rowsOf(folded)).toEqual([
      "east &amp; west | not read yet | – | – |",
      "60 inverters",
      "barn | not read yet | – | – |",
      "40 inverters",
      "hut | not read yet | – | – |",
      "1 inverter",
    ]);
    expect(folded).toContain(
      '<a href="/?ecu=east+%26+west" aria-label="60 inverters of east &amp; west">',
    );
    expect(rowsOf(pageOf(many, large))).toHaveLength(61);
  });

  it("stays small with hundreds of ECUs of hundreds of inverters", () => {
    const channels = [{ name: "1", watts: 100 }];
    const inverters = Array.from({ length: 300 }, (_, i) => ({
      uid: String(901_000_000_000 + i),
      model: "QT2",
      state: "online" as const,
      channels,
    }));
    const ecus = Array.from({ length: 500 }, (_, i) => ({
      ...bare,
      name: `roof${i}`,
      ...listing(...inverters),
    }));
    expect(pageOf(ecus).length).toBeLessThan(500_000);
    expect(pageOf(ecus, ecus[7]).length).toBeLessThan(300_000);
  });
});

describe("hostile text", () => {
  const vile = `"><script>alert('1')</script>&amp;\n\u202e\u2066\u0000`;
  const tame =
    "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;\\u000a\\u202e\\u2066\\u0000";
  const ecu: LandingEcu = {
    name: vile,
    state: "down",
    model: vile,
    firmware: vile,
    probePath: `/probe?target=${vile}`,
    problem: { message: vile, reason: vile, remedy: vile },
    ...listing({ uid: vile, model: vile, state: "online", channels: [{ name: vile }] }),
  };
  const markup = (page: string): string[] => [...page.matchAll(/<\/?[a-z]+/g)].map(([tag]) => tag);

  it("is text and no markup, wherever it stands", () => {
    const calm: LandingEcu = {
      name: "x",
      state: "down",
      model: "x",
      firmware: "x",
      probePath: "/probe?target=x",
      problem: { message: "x", reason: "x", remedy: "x" },
      ...listing({ uid: "x", model: "x", state: "online", channels: [{ name: "x" }] }),
    };
    for (const isAlone of [false, true]) {
      const page = (one: LandingEcu) =>
        renderLandingPage({
          version: one.name,
          telemetryPath: `/${one.name}`,
          ecus: [one],
          now: NOW,
          reloads: false,
          only: isAlone ? one : undefined,
        });
      expect(markup(page(ecu))).toEqual(markup(page(calm)));
      expect(page(ecu).split(tame).length).toBe(
        page(calm).split(/\bx\b/).length - (isAlone ? 1 : 0),
      );
      expect(page(ecu)).not.toMatch(/[\p{Bidi_Control}\0]/u);
      expect(page(ecu).split("\n")).toHaveLength(page(calm).split("\n").length);
    }
  });
});
