/** The landing page in a browser: content, accessibility, security policy and reloading. */
import axe, { type AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describePanels } from "../../src/commands/demo.ts";
import type { Panel } from "../../src/ecu/panel.ts";
import { css } from "../../src/http/page.css.ts";
import { renderRoof } from "../../src/http/roof.ts";
import { type SimulationOptions, simulateEcu } from "../../src/simulator/ecu.ts";
import { createPlant } from "../../src/simulator/plant.ts";
import type { SimulatedEcu } from "../../src/simulator/server.ts";
import { startTestExporter, type TestExporter } from "../support/exporter.ts";
import { hasProgram } from "../support/programs.ts";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** 24 columns, the widest grid: more than any screen is wide. */
const LAST_COLUMN = "24";
const MARKUP = `<b id="markup">barn</b> ${"long".repeat(30)}`;

/** How far a grid scrolls, and of each tile the texts that are shown and whether they are inside of it. */
const READ_TILES = `(() => {
  const region = document.querySelector("[role=region]");
  const tiles = [...document.querySelectorAll("svg[role=img]")].map((tile) => {
    const texts = [...tile.querySelectorAll("text")].filter(
      (text) => getComputedStyle(text).display !== "none",
    );
    const { left, right } = tile.querySelector("rect").getBoundingClientRect();
    const isInside = texts.every((text) => {
      const box = text.getBoundingClientRect();
      return box.left >= left - 0.5 && box.right <= right + 0.5;
    });
    return { texts: texts.map(({ textContent }) => textContent), isInside };
  });
  return { hiddenPixels: region.scrollWidth - region.clientWidth, tiles };
})()`;

const TWELVE_HOURS = 12 * 3_600_000;
const inverters = [
  ["DS3", 2],
  ["QT2", 1],
] as const;
/** Where it is noon now: the page does not show the power of an old report. */
const site = { latitude: 0, longitude: 180 - (15 * (Date.now() % 86_400_000)) / 3_600_000 };
const SEED = 1;

const startPlant = (change: Partial<SimulationOptions>): Promise<SimulatedEcu> =>
  simulateEcu({
    inverters,
    family: "R",
    site,
    zone: "UTC",
    seed: SEED,
    start: Date.now(),
    timeScale: 1,
    elapsed: () => performance.now(),
    ...change,
  });

/** The panels of that plant: named A1 to B4, the last one in the last column, and one of no inverter with a hostile name. */
const panels: readonly Panel[] = [
  ...describePanels(createPlant(inverters, site, SEED)).map((panel) =>
    panel.panel === "B4" ? { ...panel, column: LAST_COLUMN } : panel,
  ),
  { uid: "703000000009", channel: 1, panel: MARKUP, array: MARKUP, row: "1", column: "1" },
];

/** One ECU that is up, one that is down, and one that is still in its first read. */
const startExporterWithEcus = async () => {
  const up = await startPlant({});
  const down = await startPlant({ faults: ["refuse"] });
  const slow = await startPlant({});
  const createTarget = (name: string, { host, port }: SimulatedEcu) => ({ name, host, port });
  const exporter: TestExporter = await startTestExporter(up, {
    ecus: [
      { ...createTarget("roof", up), panels },
      createTarget(MARKUP, down),
      { ...createTarget("shed", slow), commandPause: 600_000 },
    ],
    timeout: 900_000,
    timezone: "UTC",
  });
  await exporter.get("/metrics", { "X-Prometheus-Scrape-Timeout-Seconds": "2" });
  const stop = async (): Promise<void> => {
    await exporter.stop();
    await Promise.all([up, down, slow].map((ecu) => ecu.close()));
  };
  return { exporter, up, slow, stop };
};

describe.skipIf(!hasProgram("chromium", "--version"))("the landing page in Chromium", () => {
  let browser: Browser;
  let world: Awaited<ReturnType<typeof startExporterWithEcus>>;
  beforeAll(async () => {
    world = await startExporterWithEcus();
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGS });
  });
  afterAll(async () => {
    await browser?.close();
    await world?.stop();
  });

  /** Opens a page in its own browser context and closes the context after use. */
  const open = async (
    options: BrowserContextOptions,
    use: (page: Page) => Promise<void>,
  ): Promise<void> => {
    const context = await browser.newContext(options);
    try {
      const page = await context.newPage();
      await use(page);
    } finally {
      await context.close();
    }
  };
  const screens = [
    { colorScheme: "light", viewport: { width: 1280, height: 800 } },
    { colorScheme: "light", viewport: { width: 400, height: 800 } },
    { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
    { colorScheme: "dark", viewport: { width: 400, height: 800 } },
  ] as const;

  it.each(screens)(
    "is accessible: axe finds no violations ($colorScheme, $viewport.width px)",
    async (screen) => {
      // The policy would block the script of axe.
      await open({ ...screen, bypassCSP: true }, async (page) => {
        await page.goto(world.exporter.url);
        await page.addScriptTag({ content: axe.source });
        const { violations, passes } = await page.evaluate<AxeResults>("axe.run()");
        const found = violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
        expect(found).toEqual([]);
        expect(passes.map(({ id }) => id)).toContain("color-contrast");
      });
    },
  );

  it("is accessible for a single ECU too, and axe finds a violation that is introduced", async () => {
    await open({ bypassCSP: true }, async (page) => {
      await page.goto(`${world.exporter.url}/?ecu=roof&refresh=off`);
      await page.addScriptTag({ content: axe.source });
      const findViolations = async () =>
        (await page.evaluate<AxeResults>("axe.run()")).violations.map(({ id }) => id);
      expect(await findViolations()).toEqual([]);
      await page.addStyleTag({ content: "small { color: #ccc !important; }" });
      expect(await findViolations()).toEqual(["color-contrast"]);
    });
  });

  it("draws the roof: a picture for each panel, and a region that the keyboard scrolls", async () => {
    await open({ viewport: { width: 400, height: 800 } }, async (page) => {
      await page.goto(world.exporter.url);
      const titles = await page.locator("svg[role=img] > title").allTextContents();
      const online = titles.filter((title) => / \d+ W, \d+ % of the best \(/.test(title));
      expect(online.map((title) => title.split(":")[0])).toEqual(
        ["A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4"], // two DS3 and a QT2
      );
      expect(titles).toHaveLength(9);
      expect(titles[8]).toBe(`${MARKUP}: no entry (703000000009/1)`);
      const region = page.getByRole("region", { name: "Array west 430 W" });
      await region.focus();
      const isScrollable =
        "document.activeElement.scrollWidth > document.activeElement.clientWidth";
      expect(await page.evaluate(isScrollable)).toBe(true);
      const box = await region.getByRole("img", { name: "B1: " }).boundingBox();
      expect(box?.width).toBeGreaterThan(16); // room for two digits
    });
  });

  it.each([8, 12, 20])("draws an array of %i columns at 400 pixels so that it reads", async (n) => {
    const placed = Array.from({ length: n }, (_, column) => ({
      ...{ name: `Panel ${column}`, detail: "703000000001/1", row: 0, column },
      ...(column === 1 ? { state: "missing" as const } : { state: "online" as const, watts: 309 }),
      share: column === 1 ? undefined : column === 0 ? 1 : 0.98,
    }));
    const group = {
      title: "South",
      noun: "panel" as const,
      rows: 1,
      columns: n,
      placed,
      loose: [],
    };
    const { markup } = renderRoof({ groups: [group], isAsleep: false, missing: 1 });
    await open({ viewport: { width: 400, height: 800 } }, async (page) => {
      await page.setContent(`<!DOCTYPE html><html lang="en"><style>${css}</style>${markup}</html>`);
      const read = await page.evaluate<{ hiddenPixels: number; tiles: unknown[] }>(READ_TILES);
      expect(read.hiddenPixels).toBe(0);
      expect(read.tiles.slice(0, 3)).toEqual([
        { texts: ["100"], isInside: true },
        { texts: ["!"], isInside: true },
        { texts: ["98"], isInside: true },
      ]);
    });
  });

  it.each([screens[1], screens[3]])(
    "is accessible at night, without a power of the day ($colorScheme)",
    async (screen) => {
      await using night = await startPlant({ start: Date.now() - TWELVE_HOURS });
      await using exporter = await startTestExporter(night, { panels, timezone: "UTC" });
      await exporter.get();
      await open({ ...screen, bypassCSP: true }, async (page) => {
        await page.goto(exporter.url);
        const titles = await page.locator("svg[role=img] > title").allTextContents();
        expect(titles.filter((title) => /: asleep \(/.test(title))).toHaveLength(8);
        expect(await page.innerText("main")).not.toMatch(/^[1-9]\d* W$/m);
        await page.addScriptTag({ content: axe.source });
        const { violations } = await page.evaluate<AxeResults>("axe.run()");
        expect(violations.map(({ id }) => id)).toEqual([]);
      });
    },
  );

  it.each([screens[0], screens[3]])(
    "applies its styles without browser messages, and its policy blocks scripts ($colorScheme, $viewport.width px)",
    async (screen) => {
      await open(screen, async (page) => {
        const messages: string[] = [];
        page.on("console", (message) => messages.push(message.text()));
        page.on("pageerror", (error) => messages.push(error.message));
        page.on("requestfailed", (request) => messages.push(request.url()));
        await page.goto(world.exporter.url);
        const background = await page.evaluate(
          "getComputedStyle(document.documentElement).backgroundColor",
        );
        expect(background).toBe(
          screen.colorScheme === "light" ? "rgb(251, 251, 249)" : "rgb(21, 23, 26)",
        );
        expect(messages).toEqual([]);
        await page.evaluate("document.body.append(document.createElement('script'))");
        await page.evaluate("document.querySelector('script').textContent = 'document.title = 1'");
        expect(await page.title()).toBe("APsystems ECU exporter");
        expect(messages.join()).toContain("Content Security Policy");
      });
    },
  );

  it("does not scroll horizontally at any width", async () => {
    await open({}, async (page) => {
      await page.goto(world.exporter.url);
      for (const width of [1280, 900, 737, 735, 600, 400, 320]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
      }
    });
  });

  it("is a table for screen readers, also on a phone", async () => {
    const counts: unknown[] = [];
    for (const width of [1280, 400])
      await open({ viewport: { width, height: 800 } }, async (page) => {
        await page.goto(world.exporter.url);
        const session = await page.context().newCDPSession(page);
        const { nodes } = await session.send("Accessibility.getFullAXTree");
        const count = (role: string) => nodes.filter((node) => node.role?.value === role).length;
        counts.push(["table", "row", "columnheader", "rowheader"].map(count));
      });
    expect(counts).toEqual([
      [1, 8, 7, 6],
      [1, 8, 7, 6],
    ]);
  });

  it("has the same text without JavaScript, and escapes names", async () => {
    const texts: string[] = [];
    for (const javaScriptEnabled of [true, false])
      await open({ javaScriptEnabled }, async (page) => {
        await page.goto(world.exporter.url);
        texts.push((await page.innerText("body")).replace(/\d+/g, "0"));
        expect(await page.locator("#markup").count()).toBe(0);
        expect(await page.locator("script").count()).toBe(0);
      });
    const [first = "", second] = texts;
    expect(second).toBe(first);
    expect(first).toContain(MARKUP);
    for (const text of [
      "up",
      "down",
      "not read yet",
      "refused the connection (ECONNREFUSED)",
      "unplug the ECU for a minute",
    ])
      expect(first).toContain(text);
  });

  it("reloads itself until reloading is stopped", async () => {
    const response = await fetch(world.exporter.url);
    expect(response.headers.get("refresh")).toBe("30");
    await open({}, async (page) => {
      let loads = 0;
      await page.route("**/*", async (route) => {
        loads++;
        const response = await route.fetch();
        const headers = response.headers();
        if (headers["refresh"] !== undefined) headers["refresh"] = "1"; // instead of 30
        await route.fulfill({ response, headers });
      });
      await page.goto(world.exporter.url);
      await expect.poll(() => loads, { timeout: 20_000 }).toBeGreaterThan(2);
      await page.getByRole("link", { name: "Stop reloading" }).click();
      await page.getByText("This page does not reload.").waitFor();
      const before = loads;
      await page.waitForTimeout(2_500);
      expect(loads).toBe(before);
    });
  });

  it("sends no queries to the ECUs", async () => {
    const countConnections = () => [world.up.connections.total, world.slow.connections.total];
    const countRequests = () => [world.up.requests.length, world.slow.requests.length];
    const before = [countConnections(), countRequests()];
    await open({}, async (page) => {
      await page.goto(world.exporter.url);
      await page.reload();
      await page.goto(`${world.exporter.url}/?ecu=roof`);
      await page.waitForTimeout(500);
    });
    expect([countConnections(), countRequests()]).toEqual(before);
    expect(before[0]?.[0]).toBeGreaterThan(0);
  });

  it("has only working links", async () => {
    const headers = { "X-Prometheus-Scrape-Timeout-Seconds": "1" };
    await open({}, async (page) => {
      await page.goto(world.exporter.url);
      const links = await page.evaluate<string[]>("[...document.links].map(({ href }) => href)");
      expect(links).toHaveLength(10);
      for (const link of links)
        expect([link, (await fetch(link, { headers })).status]).toEqual([link, 200]);
    });
  });
});
