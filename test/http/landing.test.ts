/** The landing page, from an observation to HTML. Expected values are written by hand. */
import { describe, expect, it } from "vitest";
import { errorReasons, QueryError, type Reason, reasons } from "../../src/ecu/errors.ts";
import type { Observation } from "../../src/ecu/observe.ts";
import type { InverterReading, Reading } from "../../src/ecu/reading.ts";
import { describeEcu } from "../../src/exporter/status.ts";
import { renderLandingPage } from "../../src/http/landing.ts";
import type { LandingEcu, LandingInverter } from "../../src/http/landing-data.ts";
import type { LandingRoof } from "../../src/http/roof.ts";
import { observation } from "../support/observation.ts";

const NOW = 1_700_490_014;
const listing = (...inverters: readonly LandingInverter[]) => ({
  inverterCount: inverters.length,
  inverters: () => inverters,
});
const unreadEcu: LandingEcu = { name: "roof", state: "not read yet", ...listing() };
/** The ECU with its inverters as a list, to compare it. */
const withListedInverters = (ecu: LandingEcu) => ({ ...ecu, inverters: ecu.inverters() });

const renderPage = (ecus: readonly LandingEcu[], only?: LandingEcu): string =>
  renderLandingPage({
    version: "1.2.3",
    telemetryPath: "/metrics",
    ecus,
    now: NOW,
    reloads: true,
    only,
  });

/** The text of HTML, with cells separated by bars. */
const toText = (html: string): string =>
  html
    .replace(/<style>.*<\/style>/s, "")
    .replace(/<\/t[hd]>(?!<\/tr>)/g, " | ")
    .replace(/<small>|<li>|<\/dt>|<dt[^>]*>|<dd>/g, " ")
    .replace(/<[^>]*>/g, "")
    .replace(/ +/g, " ");
const extractRows = (html: string): string[] =>
  [...html.matchAll(/<tr .*?<\/tr>/gs)].slice(1).map(([row]) => toText(row).trim());

const failedQuery = (reason: Reason, message = "it failed") => ({
  success: false,
  durationSeconds: 1,
  error: new QueryError(message, { reason }),
});
const describeRoof = (change: Partial<Observation>): LandingEcu =>
  describeEcu("roof", observation(change), NOW, []);

describe("the description of an ECU", () => {
  it("has the measured values of the last read, and the names of panels", () => {
    const panel = { array: "south", row: "1", column: "2" };
    const panels = [
      { uid: "901000000001", channel: 2, panel: "A2", ...panel },
      { uid: "801000000002", channel: 1, panel: "B1", ...panel },
    ];
    expect(withListedInverters(describeEcu("roof", observation(), NOW, panels))).toEqual({
      name: "roof",
      state: "up",
      model: "ECU-R",
      firmware: "ECU_R_1.3.6C",
      powerWatts: 78,
      todayKilowattHours: 0.17,
      isLastDay: false,
      lifetimeKilowattHours: 4358.1,
      registered: 2,
      invertersOnline: 1,
      inverterCount: 2,
      roof: expect.any(Function),
      reportAgeSeconds: 40,
      readAgeSeconds: 13.5,
      notes: [],
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

  it("has only the name before the first read", () => {
    expect(withListedInverters(describeEcu("roof", undefined, NOW, []))).toEqual(
      withListedInverters(unreadEcu),
    );
  });

  const { reading, queries } = observation();
  const { lastReportAt: _, lastReportLocal: __, ...waitingReading } = reading;
  const emptyReading = { inverters: [], notes: [] };
  it.each<[LandingEcu["state"], string, Partial<Observation>, Reason | undefined]>([
    ["up", "every query succeeded", {}, undefined],
    [
      "partial",
      "the signal query failed",
      { queries: { ...queries, signal: failedQuery("closed") } },
      "closed",
    ],
    ["waiting for data", "no round is complete", { reading: waitingReading }, undefined],
    [
      "waiting for data",
      "no round is complete, and the ECU has no signals yet",
      { reading: waitingReading, queries: { ...queries, signal: failedQuery("status") } },
      undefined,
    ],
    [
      "down",
      "the realtime query failed",
      {
        up: false,
        reading: waitingReading,
        queries: { ...queries, realtime: failedQuery("malformed") },
      },
      "malformed",
    ],
    [
      "down",
      "no query reached the ECU",
      {
        up: false,
        reading: emptyReading,
        queries: {
          info: failedQuery("refused"),
          realtime: { success: false },
          signal: { success: false },
        },
      },
      "refused",
    ],
  ])("has the state %s if %s", (state, _condition, change, reason) => {
    const ecu = describeRoof(change);
    expect(ecu.state).toBe(state);
    expect(ecu.problem?.reason).toBe(reason);
  });

  it.each(reasons)("says what to do for the reason %s", (reason) => {
    const down = describeRoof({
      up: false,
      queries: { ...queries, info: failedQuery(reason, "the message") },
    });
    expect(down.problem).toEqual({
      message: "the message",
      reason,
      remedy: errorReasons[reason].remedy,
    });
    expect(toText(renderPage([down]))).toContain(
      `Last error the message ${reason} What to do ${errorReasons[reason].remedy}`,
    );
  });

  it("reports a timeout if no query failed but not all were sent", () => {
    const unsent = { success: false };
    const queries = { info: unsent, realtime: unsent, signal: unsent };
    expect(describeRoof({ up: false, reading: emptyReading, queries }).problem).toEqual({
      message: "the read timed out before all queries were sent",
      remedy: "allow more time for a scrape; if it persists, see the log of the exporter",
    });
  });

  const asleep = reading.inverters.map((inverter) => ({
    ...inverter,
    online: false,
    channelWatts: [],
  }));
  const night = { ...reading, inverters: asleep, powerWatts: 0, invertersOnline: 0 };
  const SIX_HOURS = 6 * 3600;
  it.each<[LandingEcu["stale"], string, Partial<Observation>]>([
    [undefined, "the read is 45 minutes old", { readAt: NOW - 2700 }],
    ["read", "the read is older", { readAt: NOW - 2701 }],
    [
      undefined,
      "the report is 45 minutes old",
      { reading: { ...reading, lastReportAt: NOW - 2700 } },
    ],
    ["report", "the report is older", { reading: { ...reading, lastReportAt: NOW - 2701 } }],
    [undefined, "the clock is ahead", { reading: { ...reading, lastReportAt: NOW + SIX_HOURS } }],
    [
      undefined,
      "an old report is that of a night",
      { reading: { ...night, lastReportAt: NOW - SIX_HOURS } },
    ],
    [
      "report",
      "an old report has power",
      { reading: { ...night, powerWatts: 40, lastReportAt: NOW - SIX_HOURS } },
    ],
  ])("is stale by %s if %s", (stale, _condition, change) => {
    expect(describeRoof(change).stale).toBe(stale);
  });

  // NOW is 2023-11-20 15:20:14 in Amsterdam.
  it.each<[boolean, string, Partial<Reading>]>([
    [
      false,
      "inverters are online in the morning",
      { ...reading, lastReportLocal: "20231120081000" },
    ],
    [true, "all are offline before noon", { ...night, lastReportLocal: "20231120030000" }],
    [false, "all are offline after noon", { ...night, lastReportLocal: "20231120151900" }],
    [true, "the last report is of the day before", { ...night, lastReportLocal: "20231119210000" }],
    [
      false,
      "the energy is 0",
      { ...night, todayEnergyJoules: 0, lastReportLocal: "20231120030000" },
    ],
  ])("has %s for the energy of the last day if %s", (isLastDay, _condition, change) => {
    expect(describeRoof({ reading: { ...reading, ...change } }).isLastDay).toBe(isLastDay);
  });

  it("has no power of an inverter if a channel is unknown", () => {
    const [first] = reading.inverters;
    const inverters = [{ ...(first as NonNullable<typeof first>), channelWatts: [26, undefined] }];
    expect(describeRoof({ reading: { ...reading, inverters } }).inverters()[0]).toMatchObject({
      watts: undefined,
      channels: [{ watts: 26 }, { watts: undefined }],
    });
  });
});

describe("the table", () => {
  it("has this HTML for an ECU with an inverter and an error", () => {
    const page = renderPage([
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
        probePath: "./probe?target=roof",
        problem: {
          message: "10.0.0.9 closed the connection",
          reason: "closed",
          remedy: "wait a minute",
        },
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
<small><a href="./probe?target=roof" aria-label="Probe: roof">Probe</a> · <a href="./probe?target=roof&amp;debug=true" aria-label="Probe in detail: roof">Probe in detail</a></small></th>
<td role="cell" class="number" data-label="State"><span class="state fair">partial</span>
<small>1 of 2 online</small></td>
<td role="cell" class="number" data-label="Power">78 W
<small>0.17 kWh today</small></td>
<td role="cell" class="number" data-label="Age of data">40 s
<small>read 14 s ago</small></td>
<td role="cell" colspan="3"></td>
</tr>
<tr role="row" class="detail">
<td role="cell" colspan="7"><dl>
<dt class="bad">Last error</dt>
<dd><bdi>10.0.0.9 closed the connection</bdi> <span>closed</span></dd>
<dt>What to do</dt>
<dd>wait a minute</dd></dl></td>
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

  const grey = ['<span class="state">online</span>', '<span class="state">offline</span>'];
  it.each([
    [undefined, ['<span class="state good">online</span>', '<span class="state">offline</span>']],
    ["read", grey],
    ["report", grey],
  ] as const)(
    "shows the state of inverters without a colour if the values are old (%s)",
    (stale, expected) => {
      const page = renderPage([{ ...describeRoof({}), stale }]);
      const states = [...page.matchAll(/class="inverter">.*?data-label="State">(.*?)<\/td>/g)];
      expect(states.map(([, text]) => text)).toEqual(expected);
    },
  );

  it("shows up to five notes of the last read, and how many more the log has", () => {
    const notes = (count: number) => Array.from({ length: count }, (_, i) => `note ${i + 1}`);
    const describe = (count: number) =>
      extractRows(
        renderPage([describeRoof({ reading: { ...observation().reading, notes: notes(count) } })]),
      )[1];
    expect(describe(0)).toContain("901000000001 QT2");
    expect(describe(1)).toBe("Unexpected note 1");
    expect(describe(5)).toBe("Unexpected note 1 note 2 note 3 note 4 note 5");
    expect(describe(7)).toBe("Unexpected note 1 note 2 note 3 note 4 note 5 2 more: see the log");
  });

  it("shows a dash for values that were not measured, and zero for zero", () => {
    const inverter = { uid: "801000000002", model: "QS1" };
    const channels = [{ name: "1", watts: 0 }];
    const zeros = { watts: 0, temperatureCelsius: 0, signalRatio: 0, channels };
    const page = renderPage([
      { ...unreadEcu, state: "down" },
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
          { ...inverter, state: "offline", channels: [] },
          { ...inverter, state: "unknown", channels: [] },
          { ...inverter, state: "online", ...zeros },
        ),
      },
      { ...unreadEcu, state: "up", registered: 2, todayKilowattHours: 1.005 },
    ]);
    expect(extractRows(page)).toEqual([
      "roof | down | – | – |",
      "barn | up 0 of 0 online | 0 W 0.00 kWh today | 0 s read 0 s ago |",
      "801000000002 QS1 | offline | – | – | – | – | –",
      "801000000002 QS1 | unknown | – | – | – | – | –",
      "801000000002 QS1 | online | 0 W | 0 s | 0 °C | 0 % | 1 0 W",
      "roof | up – of 2 online | – 1.00 kWh today | – |",
    ]);
  });

  it("has the time until which an ECU is not read again, and says why", () => {
    const roof: LandingEcu = {
      ...unreadEcu,
      state: "up",
      registered: 2,
      invertersOnline: 0,
      powerWatts: 0,
      reportAgeSeconds: 240,
      readAgeSeconds: 180,
      quietUntil: NOW + 120, // 14:22:14 UTC
    };
    const barn: LandingEcu = { ...unreadEcu, name: "barn" };
    const page = renderPage([roof, barn]);
    expect(page).toContain(
      '<small>read 3 min ago<br>next after <time datetime="2023-11-20T14:22:14.000Z">14:22:14 UTC</time></small>',
    );
    const note =
      "<p>An ECU is read less often while all its inverters are offline. Until the time in the table, scrapes get the last read.</p>";
    expect(page).toContain(note);
    expect(renderPage([roof, barn], roof)).toContain(note);
    expect(renderPage([roof, barn], barn)).not.toContain("less often");
    expect(renderPage([barn])).not.toContain("less often");
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
  ])("shows an age of %d s as %s", (reportAgeSeconds, text) => {
    const [row] = extractRows(renderPage([{ ...unreadEcu, reportAgeSeconds }]));
    expect(row).toBe(`roof | not read yet | – | ${text} |`);
  });

  it("says that no ECU is configured", () => {
    expect(extractRows(renderPage([]))).toEqual(["No ECU is configured."]);
  });

  it("lists up to 100 inverters; with more, it links to a page per ECU", () => {
    const withInverters = (name: string, count: number): LandingEcu => ({
      ...unreadEcu,
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
    expect(
      extractRows(renderPage([withInverters("roof", 60), withInverters("barn", 40)])),
    ).toHaveLength(102);
    const large = withInverters("east & west", 60);
    const many = [large, withInverters("barn", 40), withInverters("hut", 1)];
    const collapsed = renderPage(many);
    expect(extractRows(collapsed)).toEqual([
      "east &amp; west | not read yet | – | – |",
      "60 inverters",
      "barn | not read yet | – | – |",
      "40 inverters",
      "hut | not read yet | – | – |",
      "1 inverter",
    ]);
    expect(collapsed).toContain(
      '<a href="./?ecu=east+%26+west" aria-label="60 inverters of east &amp; west">',
    );
    expect(extractRows(renderPage(many, large))).toHaveLength(61);
  });

  it("is small even for hundreds of ECUs with hundreds of inverters", () => {
    const channels = [{ name: "1", watts: 100 }];
    const inverters = Array.from({ length: 300 }, (_, i) => ({
      uid: String(901_000_000_000 + i),
      model: "QT2",
      state: "online" as const,
      channels,
    }));
    const ecus = Array.from({ length: 500 }, (_, i) => ({
      ...unreadEcu,
      name: `roof${i}`,
      ...listing(...inverters),
    }));
    expect(renderPage(ecus).length).toBeLessThan(500_000);
    expect(renderPage(ecus, ecus[7]).length).toBeLessThan(300_000);
  });
});

describe("the roofs", () => {
  /** An ECU with 100 panels at 50 inverters, or more. */
  const describeLarge = (name: string, inverterCount = 50): LandingEcu => {
    const [first] = observation().reading.inverters as [InverterReading, InverterReading];
    const inverters = Array.from({ length: inverterCount }, (_, i) => ({
      ...first,
      uid: String(901_000_000_000 + i),
      channelWatts: [300, 301],
    }));
    const panels = inverters.flatMap(({ uid }, i) =>
      [1, 2].map((channel) => ({
        uid,
        channel,
        panel: `P${i}`,
        array: `array ${i % 7}`,
        row: String(channel),
        column: String(i),
      })),
    );
    const { reading } = observation();
    return describeEcu(name, observation({ reading: { ...reading, inverters } }), NOW, panels);
  };
  const countTiles = (page: string) => page.split('role="img"').length - 1;

  it("are those of up to three ECUs with up to 100 inverters in total, and of the only ECU of a page", () => {
    const [house, barn, shed, hut] = ["house", "barn", "shed", "hut"].map((name) =>
      describeLarge(name, 25),
    ) as [LandingEcu, LandingEcu, LandingEcu, LandingEcu];
    expect(countTiles(renderPage([house]))).toBe(50);
    expect(countTiles(renderPage([house, barn, shed]))).toBe(150);
    expect(countTiles(renderPage([house, barn, shed, hut]))).toBe(0);
    expect(countTiles(renderPage([house, barn, shed, hut], hut))).toBe(50);
    expect(countTiles(renderPage([describeLarge("house", 51), describeLarge("barn")]))).toBe(0);
  });

  it("add little to the page: 300 ECUs with 200 panels, and the page of one of them", () => {
    const fleet = Array.from({ length: 300 }, (_, i) => describeLarge(`roof${i}`, 100));
    expect(renderPage(fleet).length).toBeLessThan(350_000);
    const page = renderPage(fleet, fleet[7]);
    expect(countTiles(page)).toBe(200);
    expect(page.length).toBeLessThan(250_000);
  });
});

describe("hostile text", () => {
  const createRoof = (text: string): LandingRoof => {
    const tile = { name: text, detail: text, state: "online" as const, watts: 1, share: 1 };
    const grid = { noun: "panel" as const, rows: 1, columns: 1 };
    return {
      groups: [{ ...grid, title: text, placed: [{ ...tile, row: 0, column: 0 }], loose: [tile] }],
      isAsleep: false,
      missing: 0,
    };
  };
  const hostile = `"><script>alert('1')</script>&amp;\n\u202e\u2066\u0000`;
  const escaped =
    "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;\\u000a\\u202e\\u2066\\u0000";
  const ecu: LandingEcu = {
    name: hostile,
    state: "down",
    model: hostile,
    firmware: hostile,
    probePath: `./probe?target=${hostile}`,
    problem: { message: hostile, reason: hostile, remedy: hostile },
    ...listing({ uid: hostile, model: hostile, state: "online", channels: [{ name: hostile }] }),
    roof: () => createRoof(hostile),
  };
  const extractTags = (page: string): string[] =>
    [...page.matchAll(/<\/?[a-z]+/g)].map(([tag]) => tag);

  it("is escaped everywhere", () => {
    const harmlessEcu: LandingEcu = {
      name: "harmless",
      state: "down",
      model: "harmless",
      firmware: "harmless",
      probePath: "./probe?target=harmless",
      problem: { message: "harmless", reason: "harmless", remedy: "harmless" },
      ...listing({
        uid: "harmless",
        model: "harmless",
        state: "online",
        channels: [{ name: "harmless" }],
      }),
      roof: () => createRoof("harmless"),
    };
    for (const isAlone of [false, true]) {
      const page = (shown: LandingEcu) =>
        renderLandingPage({
          version: shown.name,
          telemetryPath: `/${shown.name}`,
          ecus: [shown],
          now: NOW,
          reloads: false,
          only: isAlone ? shown : undefined,
        });
      expect(extractTags(page(ecu))).toEqual(extractTags(page(harmlessEcu)));
      expect(page(ecu).split(escaped).length).toBe(
        page(harmlessEcu).split(/\bharmless\b/).length - (isAlone ? 1 : 0),
      );
      expect(page(ecu)).not.toMatch(/[\p{Bidi_Control}\0]/u);
      expect(page(ecu).split("\n")).toHaveLength(page(harmlessEcu).split("\n").length);
    }
  });
});
