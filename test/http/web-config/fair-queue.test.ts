import { describe, expect, it } from "vitest";
import { type Connection, createFairQueue } from "../../../src/http/web-config/fair-queue.ts";

const from = (remoteAddress: string): Connection => ({ remoteAddress, destroyed: false });

/** Lets pending promises settle. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A queue in which each task runs until it is finished by its name. */
const startQueue = (limits: { maxWaiting?: number; maxWaitMs?: number } = {}) => {
  const enqueue = createFairQueue({ maxWaiting: 100, maxWaitMs: 60_000, ...limits });
  const order: string[] = [];
  const finish = new Map<string, () => void>();
  return {
    order,
    add: (name: string, connection: Connection): Promise<string | undefined> =>
      enqueue(connection, async () => {
        order.push(name);
        await new Promise<void>((resolve) => finish.set(name, resolve));
        return name;
      }),
    finish: (name: string) => finish.get(name)?.(),
    /** Finishes every task as it starts. */
    finishAll: async () => {
      await turn();
      for (const name of order) {
        finish.get(name)?.();
        await turn();
      }
    },
  };
};

describe("a fair queue", () => {
  it("runs one task at a time, and gives each address its turn", async () => {
    const queue = startQueue();
    for (const name of ["a1", "a2", "a3", "a4"]) void queue.add(name, from("192.0.2.1"));
    void queue.add("b1", from("192.0.2.2"));
    void queue.add("b2", from("192.0.2.2"));
    void queue.add("c1", from("::ffff:192.0.2.3"));
    await turn();
    expect(queue.order).toEqual(["a1"]);
    await queue.finishAll();
    expect(queue.order).toEqual(["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
  });

  it.each([
    { same: true, a: "2001:db8:1:2::1", b: "2001:db8:1:2:ffff:ffff:ffff:ffff" },
    { same: true, a: "2001:db8::1", b: "2001:db8:0:0:1::" },
    { same: true, a: "fe80::1%eth0", b: "fe80::2%eth0" },
    { same: false, a: "2001:db8:1:2::1", b: "2001:db8:1:3::1" },
    { same: false, a: "2001:db8::1", b: "2001:db8:0:1:1::" },
    { same: false, a: "::ffff:192.0.2.1", b: "::ffff:192.0.2.2" },
    { same: false, a: "192.0.2.1", b: "192.0.2.2" },
    { same: false, a: "::1", b: "192.0.2.2" },
  ])("takes $a and $b as the same network: $same", async ({ same, a, b }) => {
    const queue = startQueue();
    void queue.add("first", from("198.51.100.1"));
    void queue.add("a1", from(a));
    void queue.add("a2", from(a));
    void queue.add("b", from(b));
    await queue.finishAll();
    expect(queue.order).toEqual(same ? ["first", "a1", "a2", "b"] : ["first", "a1", "b", "a2"]);
  });

  it("returns the result of a task, or its error, and continues", async () => {
    const enqueue = createFairQueue({ maxWaiting: 1, maxWaitMs: 60_000 });
    const failing = enqueue(from("192.0.2.1"), () => Promise.reject(new Error("a bug")));
    const next = enqueue(from("192.0.2.1"), () => Promise.resolve(7));
    await expect(failing).rejects.toThrow("a bug");
    expect(await next).toBe(7);
  });

  it("if full, drops the newest task of the address with the most", async () => {
    const queue = startQueue({ maxWaiting: 3 });
    const results = ["a1", "a2", "a3", "a4"].map((name) => queue.add(name, from("192.0.2.1")));
    const surplus = queue.add("a5", from("192.0.2.1"));
    expect(await surplus).toBeUndefined();
    const other = queue.add("b1", from("192.0.2.2"));
    expect(await results[3]).toBeUndefined();
    await queue.finishAll();
    expect(queue.order).toEqual(["a1", "b1", "a2", "a3"]);
    expect(await other).toBe("b1");
  });

  it("drops tasks of clients that disconnected, first of all if it is full", async () => {
    const queue = startQueue({ maxWaiting: 2 });
    void queue.add("a1", from("192.0.2.1"));
    const leaving = { ...from("192.0.2.2"), destroyed: false };
    const left = queue.add("b1", leaving);
    leaving.destroyed = true;
    void queue.add("a2", from("192.0.2.1"));
    void queue.add("a3", from("192.0.2.1"));
    expect(await left).toBeUndefined();
    const leavingLater = { ...from("192.0.2.3"), destroyed: false };
    const leftLater = queue.add("c1", leavingLater);
    leavingLater.destroyed = true;
    await queue.finishAll();
    expect(await leftLater).toBeUndefined();
    expect(queue.order).toEqual(["a1", "a2"]); // c1 took the place of a3
  });

  it("accepts one task of a connection at a time", async () => {
    const queue = startQueue();
    const connection = from("192.0.2.1");
    void queue.add("first", connection);
    expect(await queue.add("second", connection)).toBeUndefined();
    queue.finish("first");
    await turn();
    void queue.add("third", connection);
    await queue.finishAll();
    expect(queue.order).toEqual(["first", "third"]);
  });

  it("drops tasks that wait too long", async () => {
    const queue = startQueue({ maxWaitMs: 20 });
    const running = queue.add("a1", from("192.0.2.1"));
    expect(await queue.add("a2", from("192.0.2.1"))).toBeUndefined();
    queue.finish("a1");
    expect(await running).toBe("a1");
  });
});
