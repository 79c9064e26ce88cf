import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { AddressRange } from "../../src/exporter/allow-list.ts";
import { createTargetFinder, TargetError } from "../../src/exporter/probe.ts";
import { createTargets, type ScrapeTarget } from "../../src/exporter/targets.ts";

const targetsOf = () =>
  createTargets({
    ecus: [
      { name: "house", host: "192.168.1.50", port: 8899 },
      { name: "barn", host: "barn.lan", port: 8900 },
      { name: "six", host: "fd00::50", port: 8899 },
    ],
    defaults: { minInterval: 0, timeout: 1_000, commandPause: 0, retries: 0 },
    log: pino({ level: "silent" }),
  });
const home: AddressRange[] = [{ network: "192.168.1.0", prefix: 24 }];
/** What name servers say. */
const hosts: Readonly<Record<string, readonly string[]>> = {
  "new.lan": ["192.168.1.60"],
  "inside.example": ["127.0.0.1"],
  "both.example": ["192.168.1.60", "169.254.169.254"],
  "mapped.example": ["::ffff:127.0.0.1"],
  "2130706433": ["127.0.0.1"],
  "0x7f.1": ["127.0.0.1"],
};
const isAddress = (host: string) => /^[\d.]+$/.test(host) || host.includes(":");
const resolve = (host: string): Promise<readonly string[]> => {
  const known = hosts[host] ?? (isAddress(host) ? [host] : undefined);
  return known === undefined ? Promise.reject(new Error("ENOTFOUND")) : Promise.resolve(known);
};

const refusal = async (allow: readonly AddressRange[], ...given: string[]) => {
  try {
    await createTargetFinder({ targets: targetsOf(), allow, resolve })(given);
  } catch (error) {
    if (error instanceof TargetError) return [error.status, error.message];
    throw error;
  }
  return "none";
};

describe("a configured ECU", () => {
  it.each([
    ["house", "house"],
    ["192.168.1.50", "house"],
    ["192.168.1.50:8899", "house"],
    ["barn", "barn"],
    ["barn.lan", "barn"],
    ["barn.lan:8900", "barn"],
    ["six", "six"],
    ["fd00::50", "six"],
    ["[fd00::50]", "six"],
    ["[fd00::50]:8899", "six"],
  ])("is meant by %s, and goes by its name", async (text, name) => {
    const targets = targetsOf();
    const probed = await createTargetFinder({ targets, allow: [], resolve })([text]);
    expect(probed.name).toBe(name);
    expect(probed.target).toBe(targets.find(name));
  });
});

const wants =
  "/probe wants one target, the name or the address of an ECU, as in /probe?target=192.168.1.50;";

describe("a target that makes no sense gets 400 and one sentence", () => {
  it.each<readonly [string, readonly string[], string]>([
    ["none", [], `${wants} this request names none.`],
    ["an empty one", [""], `${wants} this request names none.`],
    ["two", ["house", "house"], `${wants} this request names 2.`],
    ["5,000 characters", ["a".repeat(5_000)], `${wants} this one has 5000 characters.`],
    ["a scheme", ["http://192.168.1.50"], `${wants} this one is neither.`],
    ["a path", ["192.168.1.50/metrics"], `${wants} this one is neither.`],
    ["a user", ["user@192.168.1.50"], `${wants} this one is neither.`],
    ["a space", ["192.168.1.50 "], `${wants} this one is neither.`],
    ["a line feed", ["192.168.1.50\nHost: x"], `${wants} this one is neither.`],
    ["a NUL", ["house\0"], `${wants} this one is neither.`],
    ["brackets that do not close", ["[fd00::50"], `${wants} this one is neither.`],
    [
      "another port",
      ["192.168.1.60:22"],
      "An ECU that is not configured is read at port 8899 only; leave the port out.",
    ],
  ])("%s", async (_what, given, sentence) => {
    expect(await refusal(home, ...given)).toEqual([400, sentence]);
  });
});

describe("an ECU that is not configured", () => {
  const no = [
    403,
    "This ECU is not configured, and it has no address in a range of --probe.allow.",
  ];

  it("is refused by default", async () => {
    expect(await refusal([], "192.168.1.60")).toEqual(no);
    expect(await refusal([], "new.lan")).toEqual(no);
  });

  it.each([
    "10.0.0.1",
    "127.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "169.254.169.254",
    "2130706433",
    "0x7f.1",
    "inside.example",
    "mapped.example",
    "both.example",
  ])("is refused as %s where only the home network is allowed", async (text) => {
    expect(await refusal(home, text)).toEqual(no);
  });

  it.each(["127.0.0.1", "2130706433", "inside.example", "mapped.example", "both.example"])(
    "is refused as %s even where every address is allowed",
    async (text) => {
      expect(await refusal([{ network: "0.0.0.0", prefix: 0 }], text)).toEqual(no);
    },
  );

  it("is read at the address that was checked, by the name that was given", async () => {
    const targets = targetsOf();
    const probe = createTargetFinder({ targets, allow: home, resolve });
    const probed = await probe(["new.lan"]);
    expect(probed.name).toBe("new.lan");
    expect(probed.target.ecu).toEqual({ name: "new.lan", host: "192.168.1.60", port: 8899 });
  });

  it("is one target however it is spelt, so that it is not asked twice", async () => {
    const probe = createTargetFinder({ targets: targetsOf(), allow: home, resolve });
    const [one, other] = [await probe(["new.lan"]), await probe(["192.168.1.60:8899"])];
    expect(other.target).toBe(one.target);
    expect(other.name).toBe("192.168.1.60:8899");
  });

  it("is the configured one where its address is that of one", async () => {
    const targets = targetsOf();
    const alias = () => Promise.resolve(["192.168.1.50"]);
    const probed = await createTargetFinder({ targets, allow: home, resolve: alias })([
      "alias.lan",
    ]);
    expect(probed.target).toBe(targets.find("house"));
  });

  it("whose name means nothing is refused like the others, and never resolved again when it is dialled", async () => {
    expect(await refusal(home, "gone.lan")).toEqual(no);
  });

  it("is the configured one where the name of that one's host means the same address", async () => {
    const targets = targetsOf();
    const names = (host: string) =>
      Promise.resolve(host === "barn.lan" || host === "other.lan" ? ["192.168.1.70"] : [host]);
    const barn = [{ name: "barn", host: "barn.lan", port: 8899 }];
    targets.replace(barn);
    const probe = createTargetFinder({ targets, allow: home, resolve: names });
    expect((await probe(["192.168.1.70"])).target).toBe(targets.find("barn"));
    expect((await probe(["other.lan"])).target).toBe(targets.find("barn"));
  });

  it("is not waited for longer than two seconds, and only eight names wait", async () => {
    const never = () => new Promise<readonly string[]>(() => {});
    const probe = createTargetFinder({ targets: targetsOf(), allow: home, resolve: never });
    const asked = Array.from({ length: 9 }, (_, i) =>
      probe([`slow-${i}.lan`]).catch((error) => error),
    );
    expect(await asked[8]).toMatchObject({
      status: 429,
      message: "Too many ECUs that are not configured are being read; ask again in a second.",
    });
    expect(await asked[0]).toMatchObject({ status: 403 });
  });
});

describe("targets", () => {
  const targets = targetsOf();
  it.each([
    ["BARN.lan", "barn"],
    ["barn.lan.", "barn"],
    ["192.168.0x1.50", "house"],
    ["::ffff:192.168.1.50", "house"],
    ["[::ffff:192.168.1.50]:8899", "house"],
    ["FD00:0::50", "six"],
    ["192.168.1.50:8900", undefined],
    ["garage", undefined],
  ])("are found by %s", (text, name) => {
    expect(targets.find(text)?.ecu.name).toBe(name);
  });

  it("that stay go on as they are, with what is set for them now", () => {
    const watched = targetsOf();
    const house = watched.find("house");
    const pole = { latitude: 90, longitude: 0 };
    watched.replace([{ name: "house", host: "192.168.1.50", port: 8899, site: pole }]);
    expect(watched.find("house")).toBe(house);
    expect(Math.abs(house?.location().sunElevationDegrees ?? 99)).toBeLessThan(24);
    expect(watched.find("barn")).toBeUndefined();
  });

  it("have the panels of their own, and of the others those at other channels", () => {
    const panel = (channel: number, name: string) => ({
      uid: "703000000001",
      channel,
      panel: name,
      array: "",
      row: "",
      column: "",
    });
    const { location } = createTargets({
      ecus: [{ name: "a", host: "10.0.0.1", port: 8899, panels: [panel(1, "file")] }],
      defaults: {
        minInterval: 0,
        timeout: 1_000,
        commandPause: 0,
        retries: 0,
        panels: [panel(1, "flag"), panel(2, "flag")],
      },
      log: pino({ level: "silent" }),
    }).all()[0] as ScrapeTarget;
    expect(location().panels.map(({ channel, panel: name }) => [channel, name])).toEqual([
      [1, "file"],
      [2, "flag"],
    ]);
  });
});
