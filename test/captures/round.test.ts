/** From the capture of an ECU to an exporter that reads its replay, over TCP. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { type CaptureFile, parseCapture } from "../../src/captures/format.ts";
import { startReplay } from "../../src/captures/replay.ts";
import { takeCapture } from "../../src/captures/take.ts";
import { UsageError } from "../../src/config/usage-error.ts";
import { QueryError } from "../../src/ecu/errors.ts";
import { encodeStatus } from "../../src/protocol/replies.ts";
import { encodeRequest } from "../../src/protocol/requests.ts";
import type { FaultName } from "../../src/simulator/faults.ts";
import { info, reply, signal, table, vectors, wire } from "../fixtures/frames.ts";
import { dial, ecuIds, startEcu } from "../simulator/client.ts";
import { captures, capturesFile, commandByQuery } from "../support/captures.ts";
import { startTestExporter } from "../support/exporter.ts";
import { startReplyingEcu } from "../support/replay.ts";
import { decoded, folder, runCapture } from "./run.ts";
import { createAnswered, createCapture, createFailed, TAKEN } from "./samples.ts";

const silent = pino({ level: "silent" });
const replayed = (capture: CaptureFile, log: Pick<typeof silent, "debug" | "warn"> = silent) =>
  startReplay({ capture, log });

/** Every sample about the plant, sorted, without serial numbers. */
const listSamples = async (ecu: { host: string; port: number }): Promise<readonly string[]> => {
  await using exporter = await startTestExporter(ecu);
  return (await exporter.get())
    .split("\n")
    .filter((line) => /^(ecu|inverter|channel|panel)_/.test(line))
    .filter((line) => !/^ecu_\w*(duration|requests|queries|clock|age|scrape)/.test(line))
    .map((line) => line.replaceAll(/"\d{12}"/g, '""'))
    .toSorted();
};

/** A site where it is noon now, so that the data is current and the inverters produce. */
const noon = () => {
  const now = Date.now();
  const hours = (now / 3_600_000) % 24;
  return { start: now, site: { latitude: 0, longitude: (12 - hours) * 15 } };
};

describe("capture, decode and replay", () => {
  it.each(["R", "L"] as const)(
    "family %s: the exporter shows the same values for the replay as for the ECU",
    async (family) => {
      using place = folder();
      const output = place.file("capture.json");
      await using ecu = await startEcu({ family, ...noon() });
      const samples = await listSamples(ecu);
      expect(samples.length).toBeGreaterThan(30);
      expect(samples.filter((line) => /_watts\{.* [1-9]/.test(line)).length).toBeGreaterThanOrEqual(
        8,
      );
      expect(await runCapture(ecu, { output })).toMatchObject({ code: 0, stdout: "" });

      const { code, stdout } = await decoded(output);
      expect(code).toBe(0);
      expect(stdout).not.toContain("undecoded");
      const capture = parseCapture(readFileSync(output, "utf8"));
      await using replay = await replayed(capture);
      expect(await listSamples(replay)).toEqual(samples);
    },
  );

  it("sends three requests, one connection after another, and none that changes the ECU", async () => {
    await using ecu = await startEcu({ family: "R" });
    await runCapture(ecu, { commandPause: 500 }); // a busy machine is late to notice that one was closed
    expect(ecu.requests.map(({ code }) => code)).toEqual(["0001", "0002", "0030"]);
    expect([ecu.connections.peak, ecu.connections.total, ecu.writes]).toEqual([1, 3, []]);
  });

  it("sends nine requests with --all, those for the history with the ECU's own date", async () => {
    await using ecu = await startEcu({ family: "R" });
    const { code, stdout, stderr } = await runCapture(ecu, { all: true });
    expect(code).toBe(0);
    expect(ecu.requests.map(({ code: command, parameter }) => `${command} ${parameter}`)).toEqual([
      "0001 ",
      "0002 ",
      "0030 ",
      "0012 ",
      "0004 00",
      "0004 01",
      "0004 02",
      "0003 20260621",
      "0003 20260620",
    ]);
    expect(parseCapture(stdout)).toMatchObject({
      taken_at: "2026-06-21T11:03Z",
      ecu: { model: "ECU-R" },
      questions: { length: 9 },
    });
    expect(stdout).not.toContain(ecuIds.R);
    expect(stdout).not.toContain(Buffer.from(ecuIds.R).toString("hex"));
    expect(stderr).toContain("to 9 of 9 requests.");
    expect(stderr).toContain("Replaced: 1 ECU id, 3 inverter serial numbers, 1 MAC address;");
    expect(stderr).toContain("You can attach the file to a public report.");
  });

  it("keeps the received part of truncated replies, and reports them", async () => {
    using place = folder();
    const output = place.file("capture.json");
    await using ecu = await startEcu({ family: "R", faults: ["truncate"] });
    const { code, stderr } = await runCapture(ecu, { output });
    expect(code).toBe(1);
    expect(stderr).toContain("closed the connection in the middle of its reply");
    expect(stderr).toContain("before you publish it");
    const { questions } = parseCapture(readFileSync(output, "utf8"));
    expect(questions[0]).toMatchObject({ name: "info", failed: { reason: "truncated" } });
    expect((await decoded(output)).code).toBe(1);
  });

  const faults: readonly (readonly [FaultName, string])[] = [
    ["noEnd", "malformed"],
    ["wrongCommand", "wrong_command"],
  ];
  it.each(faults)("replays the fault %s: the ECU's reply is again %s", async (fault, reason) => {
    await using ecu = await startEcu({ family: "L", faults: [fault] });
    const first = await runCapture(ecu);
    const capture = parseCapture(first.stdout);
    expect([first.code, capture.questions[0]?.failed?.reason]).toEqual([1, reason]);
    await using replay = await replayed(capture);
    const again = parseCapture((await runCapture(replay)).stdout);
    expect(again.questions.map(({ failed: failure }) => failure?.reason)).toEqual(
      capture.questions.map(({ failed: failure }) => failure?.reason),
    );
  });

  it.each([
    ["the disputed type 05", { faults: ["type05"] }],
    ["an unknown model", { inverters: [["UNKNOWN", 2]] }],
  ] as const)("captures %s, and replaces every serial number", async (_, options) => {
    await using ecu = await startEcu({ family: "R", ...noon(), ...options });
    const { code, stdout } = await runCapture(ecu);
    expect(code).toBe(0);
    const capture = parseCapture(stdout);
    await using replay = await replayed(capture);
    expect(await listSamples(replay)).toEqual(await listSamples(ecu));
  });

  it("continues with the id in base information that is otherwise invalid", async () => {
    await using ecu = await startReplyingEcu({ info: info.layout03, realtime: vectors.S9, signal });
    const { code, stdout } = await runCapture(ecu);
    expect(code).toBe(1);
    const { questions, ecu: product } = parseCapture(stdout);
    expect(questions.map(({ reply: hex }) => hex !== undefined)).toEqual([false, true, true]);
    expect(product).toEqual({ model: "ECU-R", firmware: "unknown" });
  });

  it("replaces an existing file only with --force, and sends no request before it is known", async () => {
    using place = folder();
    const output = place.file("capture.json");
    writeFileSync(output, "old content");
    await using ecu = await startEcu();
    await expect(runCapture(ecu, { output })).rejects.toThrow(
      new UsageError([
        `${output} cannot be written: it exists; choose another name, or set --force to replace it`,
      ]),
    );
    expect(readFileSync(output, "utf8")).toBe("old content");
    expect(ecu.connections.total).toBe(0);
    expect((await runCapture(ecu, { output, force: true })).code).toBe(0);
    expect(parseCapture(readFileSync(output, "utf8")).questions).toHaveLength(3);
  });

  it("writes nothing if a serial number cannot be replaced, and reports that in one line", async () => {
    const twins = wire("'APS1100320030' '00' 703000000001 ff 703000000002 80 'END' 0a");
    await using ecu = await startReplyingEcu({ info: info.version11, signal: twins });
    const { code, stdout, stderr } = await runCapture(ecu, { randomInteger: () => 0 });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(
      "Nothing was written: no unused serial number was found for inverter 703…. Please report this.\n",
    );
  });

  it("writes nothing if no data was received, and reports the cause", async () => {
    using place = folder();
    const output = place.file("capture.json");
    await using ecu = await startReplyingEcu({});
    const { code, stdout, stderr } = await runCapture(ecu, { output });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(
      `${ecu.host}:${ecu.port} closed the connection without a reply; ` +
        "this usually passes; if it persists, unplug the ECU for a minute\n" +
        "No data received; nothing was written.\n",
    );
    expect(existsSync(output)).toBe(false);
  });

  it("keeps a reply without its line feed as received", async () => {
    const { questions } = parseCapture(
      (await runCapture(await startReplyingEcu({ info: info.version11.subarray(0, -1) }))).stdout,
    );
    expect(questions[0]?.reply).toMatch(/454e44$/);
  });

  it("records the queries to which the ECU did not reply in time", async () => {
    const error = new QueryError("roof did not reply", { reason: "timeout" });
    const { questions, firstError } = await takeCapture({
      querier: { query: () => Promise.resolve({ ok: false, error, durationMs: 1 }) },
      take: () => Buffer.of(),
      all: false,
      now: TAKEN,
    });
    expect(firstError).toBe(error);
    expect(questions).toEqual([createFailed("info", "timeout")]);
  });
});

describe("the server of a capture", () => {
  const sample = createCapture(
    createAnswered("info", info.version11),
    createFailed("realtime", "truncated", vectors.S9.subarray(0, 40)),
    createFailed("signal", "timeout", signal.subarray(0, 20)),
    createAnswered("energy", vectors.S3, "00"),
  );
  const ID = "216000000001";
  const asLinux = { ...sample, ecu: { model: "ECU-C", firmware: "C1.2.24D" } };

  it("keeps the connection open after a reply of an ECU-R, and replies with exactly the recorded bytes", async () => {
    await using server = await replayed(sample);
    using client = await dial(server);
    client.send(encodeRequest("info"));
    expect(await client.replies()).toEqual([info.version11]);
    client.send(encodeRequest("energy", ID, "00"));
    expect(await client.replies()).toEqual([vectors.S3]);
  });

  it("closes the connection after a reply of an ECU-C", async () => {
    await using server = await replayed(asLinux);
    using client = await dial(server);
    client.send(encodeRequest("info"));
    expect(await client.replies()).toEqual([info.version11]);
    expect(await client.ended).toBeUndefined();
  });

  it("closes the connection where the reply was truncated", async () => {
    await using server = await replayed(sample);
    using client = await dial(server);
    client.send(encodeRequest("realtime", ID));
    expect(await client.ended).toBeUndefined();
    expect(client.received()).toEqual(vectors.S9.subarray(0, 40));
  });

  it("is silent after the received part of a timed-out reply, until the idle time ends", async () => {
    await using server = await startReplay({ capture: asLinux, log: silent, idleMs: 100 });
    using client = await dial(server);
    const begun = performance.now();
    client.send(encodeRequest("signal", ID));
    await client.ended;
    expect(performance.now() - begun).toBeGreaterThan(80);
    expect(client.received()).toEqual(signal.subarray(0, 20));
  });

  it("closes without a reply if the ECU did", async () => {
    await using server = await replayed(createCapture(createFailed("info", "closed")));
    using client = await dial(server);
    client.send(encodeRequest("info"));
    expect(await client.ended).toBeUndefined();
    expect(client.received()).toHaveLength(0);
  });

  it("replies to a wrong id with status 01, and does not reply to a request that is not in the capture", async () => {
    await using server = await replayed(asLinux);
    using stranger = await dial(server);
    stranger.send(encodeRequest("energy", "216000999999", "00"));
    expect(await stranger.replies()).toEqual([encodeStatus("energy", "01")]);
    using client = await dial(server);
    client.send(encodeRequest("energy", ID, "01"));
    await client.ended;
    expect(client.received()).toHaveLength(0);
  });

  it("ignores a command that would change an ECU, with a warning", async () => {
    const warned: unknown[] = [];
    const log = { debug: () => {}, warn: (...line: unknown[]) => void warned.push(line) };
    await using server = await replayed(asLinux, log);
    using client = await dial(server);
    client.send(`APS1100280031${ID}END\n`);
    await client.ended;
    expect(client.received()).toHaveLength(0);
    expect(warned).toEqual([[{ code: '"0031"' }, "request with an unknown command; ignored"]]);
  });

  it("closes the connection on input that is not a request", async () => {
    await using server = await replayed(asLinux);
    using client = await dial(server);
    client.send("GET / HTTP/1.1\r\n\r\n");
    expect(await client.ended).toBeUndefined();
  });
});

describe.skipIf(capturesFile === undefined)("captured replies", () => {
  it.each(captures)("$id ($state) are replayed unchanged", async ({ hex, query }) => {
    const name = commandByQuery[query];
    const bytes = Buffer.from(hex, "hex");
    const model = { model: "ECU-C", firmware: "" };
    const capture = { ...createCapture(createFailed(name, "truncated", bytes)), ecu: model };
    await using server = await replayed(parseCapture(JSON.stringify(capture)));
    using client = await dial(server);
    const id = query === "ecu-info" ? "" : ecuIds.L;
    client.send(encodeRequest(name, id));
    await client.ended;
    expect(client.received().toString("hex")).toBe(hex);
  });
});

/** The bytes in a printed table. */
const bytesIn = (stdout: string): string => {
  const lines = stdout.split("\n");
  const head = lines[0] ?? "";
  const [from, to] = [head.indexOf("Bytes"), head.indexOf("Field")];
  return lines
    .slice(1)
    .filter((line) => !line.startsWith("Invalid reply: "))
    .map((line) => line.slice(from, to).replaceAll(" ", ""))
    .join("");
};

describe.skipIf(capturesFile === undefined)("the table of a captured reply", () => {
  it.each(captures.filter(({ bytes }) => bytes > 0))(
    "has every byte of $id ($state)",
    async ({ hex }) => {
      expect(bytesIn((await decoded(hex)).stdout)).toBe(hex);
    },
  );
});

describe("the table", () => {
  it("has a row for each field", async () => {
    const bytes = table(1, "806000000004 00 '00'");
    const { code, stdout } = await decoded(bytes.toString("hex"));
    expect(code).toBe(0);
    expect(stdout).toBe(
      `
Offset  Bytes                 Field               Value           Meaning
     0  41 50 53              signature           APS             start of every reply
     3  31 31                 version             11              version of the layout
     5  30 30 33 38           length              0038            38 bytes
     9  30 30 30 32           command             0002            realtime
    13  30 30                 status              00              ok
    15  30 31                 kind                01              micro-inverters
    17  00 01                 count               1               registered inverters
    19  20 25 06 21 13 15 00  takenAt             20250621131500  2025-06-21 13:15:00
    26  80 60 00 00 00 04     records.0.uid       806000000004    QS1A
    32  00                    records.0.online    false           did not reply
    33  30 30                 records.0.typeCode  00              never in contact: no values follow
    35  45 4e 44              terminator          END             end marker of longer replies
    38  0a                    lineFeed            0a              end of the reply
`.slice(1),
    );
  });

  it("shows the decoded fields, the remaining bytes, and the error with its field and offset", async () => {
    const { code, stdout } = await decoded(
      reply("0030", wire("'00' 801000000001 ff 7030")).toString("hex"),
    );
    expect(code).toBe(1);
    expect(stdout.trimEnd().split("\n").slice(-5)).toEqual([
      "    21  ff                 0.level     255           100 % signal",
      "    22  70 30              undecoded   2 bytes       could not be decoded",
      "    24  45 4e 44           terminator  END           end marker of longer replies",
      "    27  0a                 lineFeed    0a            end of the reply",
      "Invalid reply: 1.uid at byte 22: needs 6 bytes, 2 remain (malformed)",
    ]);
  });

  it("has a title for each query of a capture, with its result", async () => {
    using place = folder();
    const path = place.file("capture.json");
    const questions = [
      createAnswered("energy", vectors.S3, "00"),
      createFailed("signal", "closed"),
    ];
    writeFileSync(path, JSON.stringify(createCapture(...questions)));
    const { code, stdout } = await decoded(path);
    expect(code).toBe(0);
    expect(stdout.split("\n").filter((line) => /^(ECU|00\d\d)/.test(line))).toEqual([
      "ECU: ECU-R, ECU_R_1.3.6C. Taken 2026-06-21T11:03Z by version 1.2.3.",
      "0004 energy 00: 33 bytes",
      "0030 signal: 0 bytes; the ECU closed the connection without a reply (closed)",
    ]);
    expect(stdout).toContain(
      "    23  20 24 01 02  records.1.date          20240102    2024-01-02\n",
    );
  });

  it("prints no control characters, and colours only if the terminal has colours", async () => {
    const nasty = wire("'APS11002700' 1b '[2J' 0a 0d 00 80 ff 'xxxxEND' 0a");
    const plain = await decoded(nasty.toString("hex"));
    expect(plain.stdout).toMatch(/^[\x20-\x7e\n°…]*$/);
    const coloured = await decoded(nasty.toString("hex"), true);
    expect(coloured.stdout).toContain("\u001b[");
  });
});
