import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { AddressRange } from "../../src/exporter/allow-list.ts";
import { createTargetFinder, TargetError } from "../../src/exporter/probe.ts";
import type { ScrapeTarget } from "../../src/exporter/target.ts";
import { createTargets } from "../../src/exporter/targets.ts";

const createTestTargets = () =>
  createTargets({
    ecus: [
      { name: "house", host: "192.168.1.50", port: 8899 },
      { name: "barn", host: "barn.lan", port: 8900 },
      { name: "six", host: "fd00::50", port: 8899 },
      { name: "link", host: "fe80::50%eth0", port: 8899 },
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
  const addresses = hosts[host] ?? (isAddress(host) ? [host] : undefined);
  return addresses === undefined
    ? Promise.reject(new Error("ENOTFOUND"))
    : Promise.resolve(addresses);
};

const refusal = async (allow: readonly AddressRange[], ...given: string[]) => {
  try {
    await createTargetFinder({ targets: createTestTargets(), allow, resolve })(given);
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
    ["fe80::50%eth0", "link"],
    ["[fe80::50%eth0]:8899", "link"],
    // Encoded twice: by the user in the configuration, and by Prometheus.
    ["192.168.1.50%3A8899", "house"],
    ["fd00%3A%3A50", "six"],
    ["%5Bfd00%3a%3a50%5D%3A8899", "six"],
    ["fe80::50%25eth0", "link"],
    ["fe80%3A%3A50%25eth0", "link"],
  ])("is found by %s, and has its configured name", async (text, name) => {
    const targets = createTestTargets();
    const probed = await createTargetFinder({ targets, allow: [], resolve })([text]);
    expect(probed.name).toBe(name);
    expect(probed.target).toBe(targets.find(name)[0]);
  });
});

const usage =
  "/probe needs one target, the name or address of an ECU, such as /probe?target=192.168.1.50;";

describe("an invalid target gets 400 and one sentence", () => {
  it.each<readonly [string, readonly string[], string]>([
    ["none", [], `${usage} this request has none.`],
    ["an empty one", [""], `${usage} this request has none.`],
    ["two", ["house", "house"], `${usage} this request has 2.`],
    ["5,000 characters", ["a".repeat(5_000)], `${usage} this one has 5000 characters.`],
    ["a scheme", ["http://192.168.1.50"], `${usage} this one is neither.`],
    ["a path", ["192.168.1.50/metrics"], `${usage} this one is neither.`],
    ["a user", ["user@192.168.1.50"], `${usage} this one is neither.`],
    ["a space", ["192.168.1.50 "], `${usage} this one is neither.`],
    ["a line feed", ["192.168.1.50\nHost: x"], `${usage} this one is neither.`],
    ["a NUL", ["house\0"], `${usage} this one is neither.`],
    ["a NUL, encoded twice", ["house%00"], `${usage} this one is neither.`],
    ["an encoding of no text", ["house%E4"], `${usage} this one is neither.`],
    ["an unclosed bracket", ["[fd00::50"], `${usage} this one is neither.`],
    [
      "another port",
      ["192.168.1.60:22"],
      "An ECU that is not configured is read at port 8899 only; leave the port out.",
    ],
  ])("%s", async (_what, given, sentence) => {
    expect(await refusal(home, ...given)).toEqual([400, sentence]);
  });
});

it("an address with several ECUs, none of them at the ECUs' port, gets 400 and their names", async () => {
  const targets = createTestTargets();
  const forwarded = [
    { name: "south", host: "router.lan", port: 9001 },
    { name: "north", host: "Router.lan", port: 9002 },
  ];
  targets.replace(forwarded);
  const probe = createTargetFinder({ targets, allow: home, resolve });
  await expect(probe(["router.lan"])).rejects.toMatchObject({
    status: 400,
    message:
      "2 ECUs are configured at this address: south (port 9001), north (port 9002); name one of them, or add its port.",
  });
  expect((await probe(["router.lan:9002"])).name).toBe("north");
  expect((await probe(["south"])).name).toBe("south");
  targets.replace([...forwarded, { name: "roof", host: "router.lan", port: 8899 }]);
  expect((await probe(["router.lan"])).name).toBe("roof");
});

describe("an ECU that is not configured", () => {
  const no = [
    403,
    "This ECU is not configured, and its address is not in a range of --probe.allow.",
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
  ])("is refused as %s if only the home network is allowed", async (text) => {
    expect(await refusal(home, text)).toEqual(no);
  });

  it.each(["127.0.0.1", "2130706433", "inside.example", "mapped.example", "both.example"])(
    "is refused as %s even if every address is allowed",
    async (text) => {
      expect(await refusal([{ network: "0.0.0.0", prefix: 0 }], text)).toEqual(no);
    },
  );

  it("is read at the checked address, with the requested name", async () => {
    const targets = createTestTargets();
    const probe = createTargetFinder({ targets, allow: home, resolve });
    const probed = await probe(["new.lan"]);
    expect(probed.name).toBe("new.lan");
    expect(probed.target.ecu).toEqual({ name: "new.lan", host: "192.168.1.60", port: 8899 });
  });

  it.each([
    ["fd00::60", "fd00::60", "fd00::60"],
    ["[fd00::60]", "fd00::60", "[fd00::60]"],
    ["fd00%3A%3A60", "fd00::60", "fd00::60"],
    ["fe80::60%eth1", "fe80::60%eth1", "fe80::60%eth1"],
    ["[fe80::60%eth1]:8899", "fe80::60%eth1", "[fe80::60%eth1]:8899"],
    ["fe80::60%25eth1", "fe80::60%eth1", "fe80::60%eth1"],
    ["fe80::60%12", "fe80::60%12", "fe80::60%12"],
    ["192.168.1.60%3A8899", "192.168.1.60", "192.168.1.60:8899"],
  ])("as %s is read at %s", async (text, host, name) => {
    const allow = [...home, { network: "fd00::", prefix: 16 }, { network: "fe80::", prefix: 10 }];
    const probe = createTargetFinder({ targets: createTestTargets(), allow, resolve });
    const probed = await probe([text]);
    expect(probed.target.ecu).toEqual({ name, host, port: 8899 });
    expect(probed.name).toBe(name);
  });

  it("has one target for each interface with its link-local address", async () => {
    const allow = [{ network: "fe80::", prefix: 10 }];
    const probe = createTargetFinder({ targets: createTestTargets(), allow, resolve });
    const [one, other] = [await probe(["fe80::60%eth1"]), await probe(["fe80::60%eth2"])];
    expect(other.target).not.toBe(one.target);
    expect((await probe(["FE80:0::60%eth1"])).target).toBe(one.target);
  });

  it("is one target in any notation, so that it is not read twice", async () => {
    const probe = createTargetFinder({ targets: createTestTargets(), allow: home, resolve });
    const [one, other] = [await probe(["new.lan"]), await probe(["192.168.1.60:8899"])];
    expect(other.target).toBe(one.target);
    expect(other.name).toBe("192.168.1.60:8899");
  });

  it("is the configured one if it has the same address", async () => {
    const targets = createTestTargets();
    const alias = () => Promise.resolve(["192.168.1.50"]);
    const probed = await createTargetFinder({ targets, allow: home, resolve: alias })([
      "alias.lan",
    ]);
    expect(probed.target).toBe(targets.find("house")[0]);
  });

  it("is refused if its name has no address", async () => {
    expect(await refusal(home, "gone.lan")).toEqual(no);
  });

  it("is the configured one if the host name of that one has the same address", async () => {
    const targets = createTestTargets();
    const names = (host: string) =>
      Promise.resolve(host === "barn.lan" || host === "other.lan" ? ["192.168.1.70"] : [host]);
    const barn = [{ name: "barn", host: "barn.lan", port: 8899 }];
    targets.replace(barn);
    const probe = createTargetFinder({ targets, allow: home, resolve: names });
    expect((await probe(["192.168.1.70"])).target).toBe(targets.find("barn")[0]);
    expect((await probe(["other.lan"])).target).toBe(targets.find("barn")[0]);
  });

  it("is looked up for two seconds at most, and at most eight lookups wait", async () => {
    const never = () => new Promise<readonly string[]>(() => {});
    const probe = createTargetFinder({ targets: createTestTargets(), allow: home, resolve: never });
    const probes = Array.from({ length: 9 }, (_, i) =>
      probe([`slow-${i}.lan`]).catch((error) => error),
    );
    expect(await probes[8]).toMatchObject({
      status: 429,
      message: "Too many ECUs that are not configured are being read; try again in a second.",
    });
    expect(await probes[0]).toMatchObject({ status: 403 });
  });
});

describe("targets", () => {
  const targets = createTestTargets();
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
    expect(targets.find(text).map(({ ecu }) => ecu.name)).toEqual(name === undefined ? [] : [name]);
  });

  it("that stay continue with their new settings", () => {
    const updated = createTestTargets();
    const [house] = updated.find("house");
    const pole = { latitude: 90, longitude: 0 };
    updated.replace([{ name: "house", host: "192.168.1.50", port: 8899, site: pole }]);
    expect(updated.find("house")).toEqual([house]);
    expect(Math.abs(house?.location().sunElevationDegrees ?? 99)).toBeLessThan(24);
    expect(updated.find("barn")).toEqual([]);
  });

  it("have their own panels, and the default ones of other channels", () => {
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
