import { Socket } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { decodeReply } from "../../src/protocol/replies.ts";
import type { Family } from "../../src/simulator/behaviours.ts";
import { createPlant } from "../../src/simulator/plant.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import { settle } from "../support/fake-clock.ts";
import {
  AFTERNOON,
  type Connection,
  defaultOptions,
  dial,
  ecuIds,
  queryEcu,
  startEcu,
} from "./client.ts";

const families: Family[] = ["R", "L"];
const INFO = "APS1100160001END\n";
const request = (code: string, family: Family, tail = "END\n"): string =>
  `APS110028${code}${ecuIds[family]}${tail}`;
const code = (reply: Buffer | undefined): string | undefined => reply?.toString("latin1", 9, 13);

describe.each(families)("an ECU of family %s", (family) => {
  const ecuId = ecuIds[family];

  it("reports the values of its plant: replies decode to the values of the rounds", async () => {
    await using ecu = await startEcu({ family });
    const plant = createPlant(defaultOptions.inverters, defaultOptions.site, defaultOptions.seed);
    const rounds = createRounds({ ...defaultOptions, family, plant });
    expect(await queryEcu(ecu, "info", ecuId)).toEqual(rounds.info(AFTERNOON));
    expect(await queryEcu(ecu, "realtime", ecuId)).toEqual(rounds.realtime(AFTERNOON));
    expect(await queryEcu(ecu, "signal", ecuId)).toEqual(rounds.signal(AFTERNOON));
    expect(await queryEcu(ecu, "clock", ecuId)).toEqual({ now: "20260621130300" });
    expect((await queryEcu(ecu, "info", ecuId)).powerWatts).toBeGreaterThan(100);
  });

  it("follows the given time at its scale", async () => {
    let elapsed = 0;
    await using ecu = await startEcu({ family, timeScale: 60, elapsed: () => elapsed });
    elapsed = 10_000;
    expect(await queryEcu(ecu, "clock", ecuId)).toEqual({ now: "20260621131300" });
    expect(await queryEcu(ecu, "realtime", ecuId)).toMatchObject({ takenAt: "20260621131000" });
  });

  it("has no data yet before its first round: status 02, and no power", async () => {
    await using ecu = await startEcu({ family, start: Date.UTC(2026, 5, 20, 22) });
    using wire = await dial(ecu);
    wire.send(request("0002", family));
    expect((await wire.replies())[0]?.toString("latin1")).toBe("APS110015000202\n");
    expect(await queryEcu(ecu, "info", ecuId)).toMatchObject({ powerWatts: 0, inverters: 3 });
  });

  it("replies with status 01 to a request with another ECU id", async () => {
    await using ecu = await startEcu({ family });
    for (const [sent, reply] of [
      ["APS1100280002216099999999END\n", "APS110015000201\n"],
      ["APS1100280030216099999999END\n", "APS110015003001\n"],
      ["APS1100280002END\n", "APS110015000201\n"],
    ] as const) {
      using wire = await dial(ecu);
      wire.send(sent);
      expect((await wire.replies())[0]?.toString("latin1")).toBe(reply);
    }
  });

  it.each([
    ["without a line feed", "0002", request("0002", family, "END")],
    ["of a wrong length", "0002", request("0002", family).replace("0028", "0039")],
    ["of another version", "0002", request("0002", family).replace("APS11", "APS99")],
    ["without END", "0002", request("0002", family, "")],
    ["with an extra 3", "0030", request("0030", family, "3END\n")],
    ["for its id, of any length", "0001", "APS1199990001"],
  ])("replies to a request %s", async (_how, command, text) => {
    await using ecu = await startEcu({ family });
    using wire = await dial(ecu);
    wire.send(text);
    expect(code((await wire.replies())[0])).toBe(command);
  });

  it("records write commands, without a reply and without effect", async () => {
    await using ecu = await startEcu({ family });
    const before = await queryEcu(ecu, "info", ecuId);
    const table = await queryEcu(ecu, "realtime", ecuId);
    const codes =
      "0005 0006 0007 0010 0015 0016 0021 0024 0025 0026 0027 0028 0031 0033 0035 0045".split(" ");
    for (const written of codes) {
      using wire = await dial(ecu);
      wire.send(request(written, family, "3END\n"));
      if (family === "L") expect(await wire.ended).toBeUndefined();
      await queryEcu(ecu, "info", ecuId); // by now the ECU has taken the other request too
      expect(wire.received()).toHaveLength(0);
    }
    expect(ecu.writes.map((write) => write.code)).toEqual(codes);
    expect(ecu.writes[0]).toMatchObject({ code: "0005", ecuId });
    expect(await queryEcu(ecu, "info", ecuId)).toEqual(before);
    expect(await queryEcu(ecu, "realtime", ecuId)).toEqual(table);
  });

  it("records every request, and the ones that write", async () => {
    await using ecu = await startEcu({ family });
    await queryEcu(ecu, "info", ecuId);
    await queryEcu(ecu, "realtime", ecuId);
    expect(ecu.requests).toEqual([
      { code: "0001", ecuId: "END\n", parameter: "" },
      { code: "0002", ecuId, parameter: "" },
    ]);
    expect(ecu.writes).toEqual([]);
  });

  it("counts its connections", async () => {
    await using ecu = await startEcu({ family });
    {
      using first = await dial(ecu);
      using second = await dial(ecu);
      for (const wire of [first, second]) {
        wire.send(INFO);
        await wire.replies();
      }
    }
    await queryEcu(ecu, "info", ecuId);
    expect(ecu.connections.total).toBe(3);
    expect(ecu.connections.peak).toBeLessThanOrEqual(3);
    expect(ecu.connections.peak).toBeGreaterThanOrEqual(family === "R" ? 2 : 1);
  });

  it("closes an idle connection", async () => {
    const setTimeout = vi.spyOn(Socket.prototype, "setTimeout");
    await using ecu = await startEcu({ family });
    using wire = await dial(ecu);
    using other = await dial(ecu);
    other.send(INFO);
    await other.replies(); // by now the ECU has taken both
    const idleMs = family === "R" ? 20_000 : 10_000;
    const at = setTimeout.mock.calls.findIndex(([ms]) => ms === idleMs);
    (setTimeout.mock.contexts[at] as Socket).emit("timeout");
    setTimeout.mockRestore();
    expect(await wire.ended).toBeUndefined();
  });

  it("frees all resources when it is closed before a delayed reply", async () => {
    const ecu = await startEcu({ family, replyDelayMs: 60_000 });
    using wire = await dial(ecu);
    wire.send(INFO);
    while (ecu.requests.length === 0) await settle();
    await ecu.close();
    await ecu.close();
    await wire.ended;
    expect(wire.received()).toHaveLength(0);
    await expect(dial(ecu)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("reports a port in use", async () => {
    await using ecu = await startEcu({ family });
    await expect(startEcu({ family, port: ecu.port })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });
});

const unknown = (family: Family): [string, string][] => [
  ["an unknown command", request("0099", family)],
  ["other text", "GET / HTTP/1.1\r\n\r\n"],
  ["a request in lower case", INFO.toLowerCase()],
  ["a truncated request", "APS11001600"],
  ["a bare line feed", "\n"],
];

describe("family R", () => {
  it("replies to several requests on one connection", async () => {
    await using ecu = await startEcu({ family: "R" });
    using wire = await dial(ecu);
    for (const sent of ["0001", "0002", "0030", "0012"]) {
      wire.send(sent === "0001" ? INFO : request(sent, "R"));
      expect(code((await wire.replies())[0])).toBe(sent);
    }
  });

  it("treats bytes that arrive together as one request", async () => {
    await using ecu = await startEcu({ family: "R" });
    using wire = await dial(ecu);
    wire.send(request("0002", "R") + request("0030", "R"));
    await wire.replies();
    await queryEcu(ecu, "info", ecuIds.R);
    expect(code(wire.received())).toBe("0002");
    expect(ecu.requests.map((one) => one.code)).toEqual(["0002", "0001"]);
  });

  it.each(unknown("R"))(
    "sends nothing after %s, and keeps the connection open",
    async (_what, text) => {
      await using ecu = await startEcu({ family: "R" });
      using wire = await dial(ecu);
      wire.send(text);
      await queryEcu(ecu, "info", ecuIds.R);
      expect(wire.received()).toHaveLength(0);
      wire.send(INFO);
      expect(code((await wire.replies())[0])).toBe("0001");
    },
  );

  it("sends a long reply in pieces of at most 1460 bytes, with pauses between", async () => {
    await using ecu = await startEcu({ family: "R", inverters: [["QS1", 200]] });
    using wire = await dial(ecu);
    const begun = performance.now();
    wire.send(request("0002", "R"));
    const [reply] = await wire.replies();
    expect(performance.now() - begun).toBeGreaterThan(140); // three pauses of 50 ms, by a coarse timer
    expect(reply).toHaveLength(30 + 200 * 23);
    expect(Math.max(...wire.pieces.map(({ length }) => length))).toBeLessThanOrEqual(1460);
    expect(decodeReply("realtime", reply ?? Buffer.alloc(0))).toMatchObject({
      count: 200,
      lost: 0,
    });
  });

  it("replies on three connections, does not reply on two more, and closes a sixth", async () => {
    await using ecu = await startEcu({ family: "R" });
    const links: Connection[] = [];
    for (let i = 0; i < 5; i++) links.push(await dial(ecu));
    for (const wire of links) wire.send(INFO);
    for (const wire of links.slice(0, 3)) expect(code((await wire.replies())[0])).toBe("0001");
    links[0]?.send(INFO);
    await links[0]?.replies(); // by now the ECU has taken all requests
    expect(links.slice(3).map((wire) => wire.received().length)).toEqual([0, 0]);
    const sixth = await dial(ecu);
    await sixth.ended;
    expect(ecu.connections).toMatchObject({ open: 5, peak: 5 });
  });

  it("replies on a connection slot that has become free", async () => {
    await using ecu = await startEcu({ family: "R" });
    for (let i = 0; i < 6; i++) await queryEcu(ecu, "info", ecuIds.R);
    expect(ecu.connections.total).toBe(6);
  });

  it("has one reply address: both replies go to the client of the last request", async () => {
    await using ecu = await startEcu({ family: "R", replyDelayMs: 300 });
    using first = await dial(ecu);
    using second = await dial(ecu);
    first.send(request("0030", "R"));
    second.send(request("0002", "R"));
    const replies = await second.replies(2);
    expect(replies.map(code).sort()).toEqual(["0002", "0030"]);
    expect(first.received()).toHaveLength(0);
  });

  it("continues after a client disconnects before the reply", async () => {
    await using ecu = await startEcu({ family: "R", replyDelayMs: 20 });
    {
      using wire = await dial(ecu);
      wire.send(INFO);
      while (ecu.requests.length === 0) await settle();
    }
    expect((await queryEcu(ecu, "info", ecuIds.R)).ecuId).toBe(ecuIds.R);
  });

  it("has tables of the history, also for a request without a parameter", async () => {
    await using ecu = await startEcu({ family: "R" });
    const { todayEnergyJoules } = await queryEcu(ecu, "info", ecuIds.R);
    const records = [{ date: "20260621", energyJoules: todayEnergyJoules }];
    expect(await queryEcu(ecu, "energy", ecuIds.R, "00")).toEqual({ period: "00", records });
    const curve = await queryEcu(ecu, "dayPower", ecuIds.R, "20260621");
    expect(curve.at(-1)?.time).toBe("1300");
    for (const [sent, size] of [
      ["0004", 27],
      ["0003", 19],
    ] as const) {
      using wire = await dial(ecu);
      wire.send(request(sent, "R"));
      expect((await wire.replies())[0]).toHaveLength(size);
    }
  });
});

describe("family L", () => {
  it("closes the connection normally after one reply", async () => {
    await using ecu = await startEcu();
    using wire = await dial(ecu);
    wire.send(INFO);
    const [reply] = await wire.replies();
    expect(await wire.ended).toBeUndefined();
    expect(wire.received()).toEqual(reply);
  });

  it("does not reply to a second command on the same connection", async () => {
    await using ecu = await startEcu({ replyDelayMs: 300 });
    using wire = await dial(ecu);
    wire.send(INFO);
    while (ecu.requests.length === 0) await settle();
    wire.send(request("0002", "L"));
    await wire.ended;
    expect(ecu.requests).toHaveLength(2);
    expect(code(wire.received())).toBe("0001");
    expect(decodeReply("info", wire.received()).ecuId).toBe(ecuIds.L);
  });

  it.each([
    ...unknown("L"),
    ["a request for the power of a day", request("0003", "L", "END20260621END\n")],
    ["a request for the energy of days", request("0004", "L", "END00END\n")],
  ])("closes without a reply to %s", async (_what, text) => {
    await using ecu = await startEcu();
    using wire = await dial(ecu);
    wire.send(text);
    expect(await wire.ended).toBeUndefined();
    expect(wire.received()).toHaveLength(0);
  });

  it("sends a long reply at once", async () => {
    await using ecu = await startEcu({ inverters: [["QT2", 300]] });
    using wire = await dial(ecu);
    const write = vi.spyOn(Socket.prototype, "write");
    wire.send(request("0002", "L"));
    const [reply] = await wire.replies();
    const lengths = write.mock.calls.map(([bytes]) => bytes.length);
    write.mockRestore();
    expect(reply).toHaveLength(30 + 300 * 27);
    expect(lengths).toEqual([29, 30 + 300 * 27]); // the request and the reply
  });

  it("replies to each of many clients at the same time, each to its own request", async () => {
    await using ecu = await startEcu({ replyDelayMs: 30 });
    const sent = ["0002", "0030", "0012", "0002", "0030", "0012", "0002"];
    const replies = sent.map(async (command) => {
      using wire = await dial(ecu);
      wire.send(request(command, "L"));
      return code((await wire.replies())[0]);
    });
    expect(await Promise.all(replies)).toEqual(sent);
  });

  it.each([
    ["info", "12"],
    ["realtime", "11"],
    ["signal", "11"],
  ] as const)("replies to %s with version %s", async (command, version) => {
    await using ecu = await startEcu();
    using wire = await dial(ecu);
    wire.send(command === "info" ? INFO : request(command === "signal" ? "0030" : "0002", "L"));
    expect((await wire.replies())[0]?.toString("latin1", 3, 5)).toBe(version);
  });
});
