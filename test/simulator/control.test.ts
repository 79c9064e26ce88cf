import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { startControl } from "../../src/simulator/control.ts";
import { faults } from "../../src/simulator/faults.ts";
import { ecuIds, queryEcu, startEcu } from "./client.ts";

const HERE = { host: "127.0.0.1", port: 0 };

/** A simulated ECU and its control port. */
const startBoth = async () => {
  const ecu = await startEcu();
  const control = await startControl(HERE, { faults: ecu.faults });
  const tell = async (method: string, path: string) => {
    const response = await fetch(`${control?.url.slice(0, -1)}${path}`, { method });
    const text = await response.text();
    return { status: response.status, text, on: response.ok ? JSON.parse(text).on : undefined };
  };
  const close = async () => {
    await control?.[Symbol.asyncDispose]();
    await ecu.close();
  };
  return { ecu, tell, [Symbol.asyncDispose]: close };
};

describe("the control port", () => {
  it("lists all faults and the active ones", async () => {
    await using both = await startBoth();
    both.ecu.faults.add({ name: "silent", query: "signal", limit: { times: 3 } });
    both.ecu.faults.add({ name: "drip", limit: { ms: 30_000 } });
    both.ecu.faults.add({ name: "noEnd", limit: { chance: 0.2 } });
    both.ecu.faults.add({ name: "noLf", limit: { times: 1 } });
    const { status, text } = await both.tell("GET", "/");
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      on: ["silent@signal:3times", "drip:30000ms", "noEnd:0.2", "noLf:once"],
      faults: Object.fromEntries(Object.entries(faults).map(([name, { about }]) => [name, about])),
    });
  });

  it("switches a fault on and off while the ECU runs, with immediate effect", async () => {
    await using both = await startBoth();
    const lifetime = async () => (await queryEcu(both.ecu, "info", ecuIds.L)).lifetimeEnergyJoules;
    expect((await both.tell("PUT", "/faults/zeroGlitch")).on).toEqual(["zeroGlitch"]);
    expect(await lifetime()).toBe(0);
    expect((await both.tell("DELETE", "/faults/zeroGlitch")).on).toEqual([]);
    expect(await lifetime()).toBeGreaterThan(0);
  });

  it("accepts the syntax of the command line and of its own list", async () => {
    await using both = await startBoth();
    for (const text of ["silent@info:2times", "refuse:500ms", "noLf:0.25", "drip:once", "split"])
      expect((await both.tell("PUT", `/faults/${text}`)).on).toContain(text);
    expect((await both.tell("DELETE", "/faults")).on).toEqual([]);
  });

  it("switches a fault off for one query, or for all", async () => {
    await using both = await startBoth();
    for (const text of ["silent@info", "silent@signal", "drip"])
      await both.tell("PUT", `/faults/${text}`);
    expect((await both.tell("DELETE", "/faults/silent@info")).on).toEqual([
      "silent@signal",
      "drip",
    ]);
    expect((await both.tell("DELETE", "/faults/silent")).on).toEqual(["drip"]);
    expect((await both.tell("DELETE", "/faults/silent")).status).toBe(200);
  });

  it.each([
    ["PUT", "/faults/gremlins", 400, /^"gremlins" is not one of refuse, /],
    ["PUT", "/faults/silent:now", 400, /^"silent:now" does not end in a limit such as once/],
    ["PUT", "/faults/%ff", 400, /^"%ff" URI malformed/],
    ["DELETE", "/faults/gremlins", 400, /^"gremlins" is not one of refuse, /],
    ["PUT", "/faults", 405, /^GET \/ lists/],
    ["PUT", "/", 405, /^GET \/ lists/],
    ["DELETE", "/", 405, /^GET \/ lists/],
    ["POST", "/faults/silent", 405, /^GET \/ lists/],
    ["GET", "/faults/silent", 405, /^GET \/ lists/],
    ["GET", "/metrics", 404, /^GET \/ lists/],
    ["PUT", "/silent", 404, /^GET \/ lists/],
    ["PUT", "/faults/silent/now", 404, /^GET \/ lists/],
    ["PUT", "/faults/silent?on=info", 404, /^GET \/ lists/],
  ])("replies to %s %s with %i, and changes nothing", async (method, path, status, text) => {
    await using both = await startBoth();
    expect(await both.tell(method, path)).toMatchObject({
      status,
      text: expect.stringMatching(text),
    });
    expect(both.ecu.faults.active).toEqual([]);
  });

  it("does not exist without an address", async () => {
    await using ecu = await startEcu();
    expect(await startControl(undefined, { faults: ecu.faults })).toBeUndefined();
  });

  it("closes while a client is still connected", async () => {
    await using ecu = await startEcu();
    const control = await startControl(HERE, { faults: ecu.faults });
    const client = connect(Number(new URL(control?.url ?? "").port), "127.0.0.1");
    const gone = new Promise((resolve) => client.on("close", resolve).on("error", () => {}));
    await new Promise((resolve) => client.once("connect", resolve));
    client.write("GET / HTTP/1.1\r\n");
    await control?.[Symbol.asyncDispose]();
    await gone;
  });
});
