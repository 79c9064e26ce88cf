import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { decodeReply, type InverterTable, type Messages } from "../../src/protocol/replies.ts";
import { type Command, encodeRequest } from "../../src/protocol/requests.ts";
import type { Family } from "../../src/simulator/behaviours.ts";
import { type FaultName, faults } from "../../src/simulator/faults.ts";
import type { SimulatedEcu } from "../../src/simulator/server.ts";
import { dial, ecuIds, queryEcu, startEcu } from "./client.ts";

/** What is seen of an answer when its connection has ended. */
interface Seen {
  bytes: Buffer;
  pieces: number;
  /** Code of the error that ended the connection, if one did. */
  code: string | undefined;
}

const see = async (ecu: SimulatedEcu, command: Command, family: Family): Promise<Seen> => {
  using wire = await dial(ecu);
  wire.send(encodeRequest(command, ecuIds[family]));
  if (family === "R") await wire.replies(); // it hangs up after 20 seconds only
  const code = family === "R" ? undefined : await wire.ended;
  return { bytes: wire.received(), pieces: wire.pieces.length, code };
};

const COMMANDS = ["info", "realtime", "signal", "clock"] as const;
const KWH = 3_600_000;

/** Answers with and without a fault, by command. */
interface Answers {
  seen: Record<Command, Seen>;
  plain: Record<Command, Buffer>;
}
const answersWith = async (name: FaultName): Promise<Answers> => {
  // Family L says who it is in version 12 always.
  const family = name === "aps12" ? "R" : "L";
  await using ecu = await startEcu({ family });
  const answers: Answers = { seen: {} as Answers["seen"], plain: {} as Answers["plain"] };
  for (const command of COMMANDS) answers.plain[command] = (await see(ecu, command, family)).bytes;
  ecu.faults.add(name);
  for (const command of COMMANDS) answers.seen[command] = await see(ecu, command, family);
  return answers;
};

const getReason = (command: Command, bytes: Buffer): string => {
  try {
    decodeReply(command, bytes);
    return "none";
  } catch (error) {
    if (error instanceof ProtocolError) return error.reason;
    throw error;
  }
};
const decodeAnswer = <C extends Command>(answers: Answers, command: C): Messages[C] =>
  decodeReply(command, answers.seen[command].bytes);
const table = (bytes: Buffer): InverterTable => decodeReply("realtime", bytes) as InverterTable;

const bytesAre =
  (wanted: (plain: Buffer) => Buffer) =>
  ({ seen, plain }: Answers): void => {
    for (const command of COMMANDS) {
      expect(seen[command].bytes, command).toEqual(wanted(plain[command]));
      expect(seen[command].code).toBeUndefined();
    }
  };
const inPieces = (answers: Answers): void => {
  bytesAre((plain) => plain)(answers);
  expect(answers.seen.realtime.pieces).toBeGreaterThan(1);
};
const reasonsAre =
  (reasons: Record<(typeof COMMANDS)[number], string>) =>
  ({ seen }: Answers): void => {
    for (const command of COMMANDS)
      expect(getReason(command, seen[command].bytes), command).toBe(reasons[command]);
  };
/** The first inverter has this record, the others theirs, and nothing else is changed. */
const firstIs =
  (wanted: Partial<InverterTable["records"][number]>) =>
  (answers: Answers): void => {
    const [plainFirst, ...plainRest] = table(answers.plain.realtime).records;
    const [first, ...rest] = table(answers.seen.realtime.bytes).records;
    expect(first).toEqual({ ...plainFirst, ...wanted });
    expect(rest).toEqual(plainRest);
    others(answers, "realtime");
  };
/** Faults that change only the replies to these commands. */
const others = ({ seen, plain }: Answers, ...changed: Command[]): void => {
  for (const command of COMMANDS.filter((one) => !changed.includes(one)))
    expect(seen[command].bytes, command).toEqual(plain[command]);
};

type SeenInAnswers = Exclude<FaultName, "refuse" | "blackhole" | "silent" | "endless">;
const checks: Record<SeenInAnswers, (answers: Answers) => void> = {
  emptyClose: bytesAre(() => Buffer.alloc(0)),
  split: inPieces,
  drip: inPieces,
  truncate: bytesAre((plain) => plain.subarray(0, Math.ceil(plain.length / 2))),
  reset: ({ seen, plain }) => {
    for (const command of COMMANDS) {
      expect(seen[command].code).toBe("ECONNRESET");
      expect(seen[command].bytes.length).toBeLessThan(plain[command].length);
    }
  },
  noEnd: (answers) => {
    bytesAre((plain) => Buffer.concat([plain.subarray(0, -4), Buffer.from("\0\0\0\n", "latin1")]))(
      answers,
    );
    reasonsAre({
      info: "malformed",
      realtime: "malformed",
      signal: "malformed",
      clock: "malformed",
    })(answers);
  },
  noLf: bytesAre((plain) => plain.subarray(0, -1)),
  extraBytes: bytesAre((plain) => Buffer.concat([plain, Buffer.from("\n\0\0\0\0\0\0", "latin1")])),
  badLength: ({ seen, plain }) => {
    const readLengthField = (bytes: Buffer) => Number(bytes.toString("latin1", 5, 9));
    for (const command of COMMANDS) {
      const { bytes } = seen[command];
      expect(readLengthField(bytes)).toBe(readLengthField(plain[command]) - 7);
      expect(bytes.subarray(9)).toEqual(plain[command].subarray(9));
      expect(getReason(command, bytes)).toBe("malformed");
    }
  },
  wrongCommand: reasonsAre({
    info: "wrong_command",
    realtime: "wrong_command",
    signal: "wrong_command",
    clock: "wrong_command",
  }),
  status01: (answers) => {
    reasonsAre({
      info: "none",
      realtime: "id_mismatch",
      signal: "id_mismatch",
      clock: "id_mismatch",
    })(answers);
    others(answers, "realtime", "signal", "clock");
  },
  status02: (answers) => {
    reasonsAre({ info: "none", realtime: "none", signal: "status", clock: "status" })(answers);
    expect(decodeAnswer(answers, "realtime")).toEqual({ kind: "none" });
  },
  zeroGlitch: (answers) => {
    expect(decodeAnswer(answers, "info")).toEqual({
      ...decodeReply("info", answers.plain.info),
      lifetimeEnergyJoules: 0,
      todayEnergyJoules: 0,
      inverters: 0,
    });
    expect(decodeAnswer(answers, "info").powerWatts).toBeGreaterThan(0);
    others(answers, "info");
  },
  frozenCounters: (answers) => {
    expect(decodeAnswer(answers, "info")).toEqual({
      ...decodeReply("info", answers.plain.info),
      lifetimeEnergyJoules: 1234.5 * KWH,
      todayEnergyJoules: 0,
    });
    others(answers, "info");
  },
  clockOffset: (answers) => {
    expect(decodeAnswer(answers, "realtime")).toEqual({
      ...table(answers.plain.realtime),
      takenAt: "20260621160000",
    });
    expect(decodeAnswer(answers, "clock")).toEqual({ now: "20260621160300" });
    others(answers, "realtime", "clock");
  },
  staleTimestamp: (answers) => {
    expect(decodeAnswer(answers, "realtime")).toEqual({
      ...table(answers.plain.realtime),
      takenAt: "20240601120000",
    });
    others(answers, "realtime");
  },
  emptyList: (answers) => {
    expect(decodeAnswer(answers, "realtime")).toEqual({
      ...table(answers.plain.realtime),
      count: 0,
      records: [],
    });
    expect(answers.seen.realtime.bytes).toHaveLength(30);
    others(answers, "realtime");
  },
  lostTail: (answers) => {
    const plain = decodeReply("info", answers.plain.info);
    expect(decodeAnswer(answers, "info")).toEqual({
      ...plain,
      lifetimeEnergyJoules: plain.lifetimeEnergyJoules - 5 * KWH,
    });
    others(answers, "info");
  },
  spike: (answers) => {
    expect(decodeAnswer(answers, "info")).toEqual({
      ...decodeReply("info", answers.plain.info),
      lifetimeEnergyJoules: 26_843_545.5 * KWH,
      todayEnergyJoules: 2_684_354.55 * KWH,
      powerWatts: 16_777_215,
    });
    others(answers, "info");
  },
  idChange: (answers) => {
    expect(decodeAnswer(answers, "info")).toEqual({
      ...decodeReply("info", answers.plain.info),
      ecuId: `${ecuIds.L.slice(0, 11)}7`,
      lifetimeEnergyJoules: 21_000 * KWH,
      todayEnergyJoules: KWH,
    });
    others(answers, "info");
  },
  acDisconnected: firstIs({
    online: true,
    frequencyHertz: 65,
    temperatureCelsius: 15,
    powerWatts: [0, 0],
    gridVolts: [5, 5],
  }),
  staleOffline: (answers) => {
    firstIs({ online: false, frequencyHertz: 0, temperatureCelsius: 0 })(answers);
    const [first] = table(answers.seen.realtime.bytes).records;
    expect(first?.powerWatts[0]).toBeGreaterThan(50);
    expect(first?.gridVolts[0]).toBeGreaterThan(200);
  },
  linuxOffline: firstIs({
    online: false,
    frequencyHertz: 0,
    temperatureCelsius: -100,
    powerWatts: [0, 0],
    gridVolts: [0, 0],
  }),
  type05: firstIs({ typeCode: "05" }),
  type00: (answers) => {
    const plain = table(answers.plain.realtime).records;
    const [first, ...rest] = table(answers.seen.realtime.bytes).records;
    expect(first).toEqual({
      uid: plain[0]?.uid,
      online: false,
      typeCode: "00",
      layout: "none",
      guessed: false,
      powerWatts: [],
      gridVolts: [],
    });
    expect(rest).toEqual(plain.slice(1));
    expect(answers.seen.realtime.bytes).toHaveLength(30 + 9 + 21 + 23);
    others(answers, "realtime");
  },
  aps12: (answers) => {
    const { info } = answers.seen;
    expect(info.bytes.toString("latin1", 3, 5)).toBe("12");
    expect(info.bytes).toHaveLength(answers.plain.info.length + 12);
    expect(decodeAnswer(answers, "info")).toEqual({
      ...decodeReply("info", answers.plain.info),
      extension: "303000000000000000000000",
    });
    others(answers, "info");
  },
  longest: ({ seen, plain }) => {
    for (const command of COMMANDS) {
      const { bytes } = seen[command];
      expect(bytes).toHaveLength(10_000);
      expect(bytes.toString("latin1", 0, 13)).toBe(
        `APS${plain[command].toString("latin1", 3, 5)}9999${plain[command].toString("latin1", 9, 13)}`,
      );
      expect(bytes.subarray(13, -9_000)).toEqual(
        Buffer.concat([plain[command].subarray(13, -4), Buffer.alloc(1000)]).subarray(0, 987),
      );
      expect(bytes.toString("latin1", 9_996)).toBe("END\n");
    }
  },
  shuffleSignal: (answers) => {
    expect(decodeAnswer(answers, "signal")).toEqual(
      decodeReply("signal", answers.plain.signal).toReversed(),
    );
    others(answers, "signal");
  },
  shortSignal: (answers) => {
    expect(decodeAnswer(answers, "signal")).toEqual(
      decodeReply("signal", answers.plain.signal).slice(0, 1),
    );
    others(answers, "signal");
  },
  ecuAsInverter: (answers) => {
    const plain = table(answers.plain.realtime);
    const { count, records } = table(answers.seen.realtime.bytes);
    expect(count).toBe(4);
    expect(records.slice(0, 3)).toEqual(plain.records);
    expect(records[3]).toMatchObject({ uid: ecuIds.L, online: false, typeCode: "00" });
    others(answers, "realtime");
  },
  surplusBytes: (answers) => {
    const { records, surplus } = table(answers.seen.realtime.bytes);
    expect(surplus).toBe(12);
    expect(records).toEqual(table(answers.plain.realtime).records);
    others(answers, "realtime");
  },
  oddText: (answers) => {
    const { bytes } = answers.seen.info;
    expect(bytes.toString("latin1")).toContain("\u0000\u0000018ECU_R_PRO_2.1.27\u0000\u0000");
    expect(bytes).toHaveLength(answers.plain.info.length + 4);
    expect(decodeAnswer(answers, "info")).toEqual({
      ...decodeReply("info", answers.plain.info),
      zigbeeChannel: "",
      cleaned: ["zigbeeChannel", "firmware", "timezone"],
    });
    others(answers, "info");
  },
  oddType: (answers) => {
    const { bytes } = answers.seen.realtime;
    const changed = Buffer.from(answers.plain.realtime);
    changed.write("0A", 26 + 7, "latin1");
    expect(bytes).toEqual(changed);
    others(answers, "realtime");
  },
};

it.each(Object.entries(checks) as [SeenInAnswers, (answers: Answers) => void][])(
  "an ECU with the fault %s behaves as described",
  async (name, check) => check(await answersWith(name)),
);

it("a silent ECU accepts the connection and never replies", async () => {
  await using ecu = await startEcu({ faults: ["silent"] });
  using wire = await dial(ecu);
  wire.send("APS1100160001END\n");
  using other = await dial(ecu);
  other.send("APS1100160001END\n");
  while (ecu.requests.length < 2) await new Promise(setImmediate);
  ecu.faults.delete("silent");
  wire.send("APS1100160001END\n");
  await wire.ended; // of three requests, the third was answered
  expect(decodeReply("info", wire.received()).ecuId).toBe(ecuIds.L);
  expect(other.received()).toHaveLength(0);
});

it("an ECU with an endless reply continues it byte by byte", async () => {
  await using ecu = await startEcu({ faults: ["endless"] });
  using wire = await dial(ecu);
  wire.send("APS1100160001END\n");
  while (wire.pieces.length < 5) await new Promise(setImmediate);
  const received = wire.received().toString("latin1");
  expect(received).toMatch(/^APS1299990001216200123456/);
  expect(received).toMatch(/\0{4}$/);
  expect(received).not.toContain("END");
});

it("an ECU with the fault blackhole accepts the connection, ignores all data and never closes", async () => {
  await using ecu = await startEcu({ faults: ["blackhole"] });
  const wire = await dial(ecu);
  wire.send("APS1100160001END\n");
  ecu.faults.clear();
  await queryEcu(ecu, "info", ecuIds.L); // by now the ECU has what the other one sent
  expect(ecu.requests).toHaveLength(1);
  expect(ecu.connections.total).toBe(1);
  expect(wire.received()).toHaveLength(0);
  await ecu.close();
  await wire.ended; // not before
});

it("an ECU that refuses does not listen at its port, and can be closed like any other", async () => {
  await using ecu = await startEcu({ faults: ["refuse"] });
  expect(ecu.port).toBeGreaterThan(0);
  await expect(dial(ecu)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

describe("faults", () => {
  it("can be combined", async () => {
    await using ecu = await startEcu({ faults: ["zeroGlitch", "noLf", "drip"] });
    const { bytes, pieces } = await see(ecu, "info", "L");
    expect(pieces).toBeGreaterThan(1);
    expect(decodeReply("info", Buffer.concat([bytes, Buffer.from("\n")]))).toMatchObject({
      lifetimeEnergyJoules: 0,
    });
  });

  it("end when they are removed", async () => {
    await using ecu = await startEcu({ faults: ["zeroGlitch"] });
    expect((await queryEcu(ecu, "info", ecuIds.L)).lifetimeEnergyJoules).toBe(0);
    ecu.faults.clear();
    expect((await queryEcu(ecu, "info", ecuIds.L)).lifetimeEnergyJoules).toBeGreaterThan(0);
  });

  it("move the clock past midnight", async () => {
    await using ecu = await startEcu({
      faults: ["clockOffset"],
      start: Date.UTC(2026, 11, 31, 22, 30),
    });
    expect(await queryEcu(ecu, "clock", ecuIds.L)).toEqual({ now: "20270101023000" });
  });

  it("also list the ECU's own id on family R", async () => {
    await using ecu = await startEcu({ family: "R", faults: ["ecuAsInverter"] });
    const { records } = (await queryEcu(ecu, "realtime", ecuIds.R)) as InverterTable;
    expect(records.at(-1)?.uid).toBe(ecuIds.R);
  });

  it("do not affect an ECU without a table", async () => {
    const midnight = Date.UTC(2026, 5, 20, 22);
    for (const name of ["noEnd", "surplusBytes", "ecuAsInverter", "clockOffset"] as const) {
      await using ecu = await startEcu({ faults: [name], start: midnight });
      expect(await queryEcu(ecu, "realtime", ecuIds.L)).toEqual({ kind: "none" });
    }
  });

  it("each have a description of one short line", () => {
    for (const [name, { about }] of Object.entries(faults)) {
      expect(about, name).toMatch(/^[a-z][^\n]{10,70}[^.]$/);
    }
  });
});
