import { describe, expect, it } from "vitest";
import { describeError, type QueryError } from "../../src/ecu/errors.ts";
import { createResolver } from "../../src/exporter/resolve.ts";
import { systemClock } from "../../src/time/clock.ts";
import { createFakeClock, settle } from "../support/fake-clock.ts";

const ecu = { host: "ecu.example", port: 8899 };
const address = { address: "192.168.1.50", family: 4 };
const never = () => new AbortController().signal;

describe("a name server that does not reply", () => {
  it("is what the error names, and not the ECU, at the end of the time of the read", async () => {
    const resolve = createResolver(systemClock, () => new Promise(() => {}));
    const error = await resolve(ecu, AbortSignal.timeout(20)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "QueryError", reason: "unreachable" });
    expect(describeError(error as QueryError)).toBe(
      "ecu.example:8899 is a name that no name server resolved in time; check the name server of this machine, or configure the address of the ECU",
    );
  });

  it("is waited for five seconds at most", async () => {
    const clock = createFakeClock();
    const resolve = createResolver(clock, () => new Promise(() => {}));
    let reason: unknown;
    resolve(ecu, never()).catch((error: QueryError) => {
      reason = error.reason;
    });
    await clock.advance(4_999);
    expect(reason).toBeUndefined();
    await clock.advance(1);
    await settle();
    expect(reason).toBe("unreachable");
    expect(clock.sleepers).toBe(0);
  });

  it("has one lookup of a host, whatever the number of reads", async () => {
    const hosts: string[] = [];
    let finish = (): void => {};
    const resolve = createResolver(systemClock, async (host) => {
      hosts.push(host);
      await new Promise<void>((resolved) => {
        finish = resolved;
      });
      return [address];
    });
    const late = resolve(ecu, AbortSignal.timeout(20)).catch(() => "late");
    const [first, second] = [resolve(ecu, never()), resolve(ecu, never())];
    expect(await late).toBe("late");
    finish();
    expect([await first, await second]).toEqual([[address], [address]]);
    expect(hosts).toEqual(["ecu.example"]);
  });
});

it("an address needs no lookup", async () => {
  const resolve = createResolver(systemClock, () => Promise.reject(new Error("a lookup")));
  for (const [host, family] of [
    ["192.168.1.50", 4],
    ["fe80::50%eth0", 6],
  ] as const)
    expect(await resolve({ host, port: 8899 }, never())).toEqual([{ address: host, family }]);
});
