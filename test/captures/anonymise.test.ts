import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anonymise } from "../../src/captures/anonymise.ts";
import { type CaptureFile, formatCapture, receivedBytes } from "../../src/captures/format.ts";
import { AnonymiseError, drawReplacements, replaceAll } from "../../src/captures/replace.ts";
import { findSerials, type Serial } from "../../src/captures/serials.ts";
import { decodeReply, encodeReply, type Info } from "../../src/protocol/replies.ts";
import type { Command } from "../../src/protocol/requests.ts";
import { goodReplies, info, records, reply, signal, table, wire } from "../fixtures/frames.ts";
import { captures, capturesFile, commandByQuery } from "../support/captures.ts";
import { createAnswered, createCapture, createFailed, seeded } from "./samples.ts";

const getBytes = (capture: CaptureFile, at: number): Buffer => {
  const question = capture.questions[at];
  return question === undefined ? Buffer.of() : receivedBytes(question);
};

/** Whether the text of a capture contains a serial in any encoding. */
const isIn = (text: string, serial: string): boolean => {
  const ascii = Buffer.from(serial, "latin1").toString("hex");
  const upper = Buffer.from(serial.toUpperCase(), "latin1").toString("hex");
  return [serial, ascii, upper].some((encoded) => text.includes(encoded));
};

const ECU_AS_INVERTER = "216000000001 00 '00'";
const real = createCapture(
  createAnswered("info", info.version11),
  createAnswered("realtime", table(3, records.two, records.four, ECU_AS_INVERTER)),
  createAnswered("signal", wire("'APS1100320030' '00' 703000000001 ff 801000000002 80 'END' 0a")),
);

describe("anonymising a capture", () => {
  it("removes every serial number and MAC address, in any spelling", () => {
    const text = formatCapture(anonymise(real, seeded()).capture);
    for (const serial of ["216000000001", "703000000001", "801000000002", "80971b000001"]) {
      expect(isIn(formatCapture(real), serial)).toBe(true);
      expect(isIn(text, serial)).toBe(false);
    }
  });

  it("keeps the digits that identify the product, and a MAC address of zeros", () => {
    const { capture } = anonymise(real, seeded());
    const base = decodeReply("info", getBytes(capture, 0));
    expect(base.ecuId).toMatch(/^2160\d{8}$/);
    expect(base).toMatchObject({
      ethernetMac: expect.stringMatching(/^80971b/),
      wirelessMac: "000000000000",
    });
    expect(decodeReply("signal", getBytes(capture, 2)).map(({ uid }) => uid)).toEqual([
      expect.stringMatching(/^703/),
      expect.stringMatching(/^801/),
    ]);
  });

  it("gives a device the same number in every reply, as digits and as text", () => {
    const { capture, replaced } = anonymise(real, seeded());
    const base = decodeReply("info", getBytes(capture, 0));
    const inverters = decodeReply("realtime", getBytes(capture, 1));
    const uids = inverters.kind === "01" ? inverters.records.map(({ uid }) => uid) : [];
    const heard = decodeReply("signal", getBytes(capture, 2)).map(({ uid }) => uid);
    expect(uids).toEqual([...heard, base.ecuId]);
    expect(replaced).toEqual({ ecu: 1, inverter: 2, mac: 1 });
  });

  it("changes nothing else", () => {
    const { capture } = anonymise(real, seeded());
    const before = decodeReply("realtime", getBytes(real, 1));
    const after = decodeReply("realtime", getBytes(capture, 1));
    const blank = (message: typeof before) => ({
      ...message,
      records: "records" in message ? message.records.map((one) => ({ ...one, uid: "" })) : [],
    });
    expect(blank(after)).toEqual(blank(before));
    expect({ ...capture, questions: [] }).toEqual({ ...real, questions: [] });
  });

  it("draws other numbers each time", () => {
    const [one, two] = [anonymise(real, seeded(1)), anonymise(real, seeded(2))];
    expect(formatCapture(one.capture)).not.toBe(formatCapture(two.capture));
  });

  it("covers records of unknown type, by the uids in another reply", () => {
    const hidden = table(2, records.two, "801000000001 01 '77' 01f4 0078", "703000000002 0102");
    const { capture } = anonymise(
      createCapture(createAnswered("realtime", hidden), createAnswered("signal", signal)),
      seeded(),
    );
    const text = formatCapture(capture);
    for (const serial of ["703000000001", "801000000001", "703000000002"]) {
      expect(isIn(text, serial)).toBe(false);
    }
  });

  it("covers replies that cannot be decoded, and lists those to be checked", () => {
    const { capture, undecodedCodes } = anonymise(
      createCapture(
        createFailed("info", "malformed", info.layout03),
        createFailed(
          "realtime",
          "malformed",
          reply("0002", wire(`'00' '07' 0001 20250621131500 ${records.four}`)),
        ),
        createFailed("signal", "malformed", wire("'GET /216200004711' 80971b123456 00")),
      ),
      seeded(),
    );
    const text = formatCapture(capture);
    for (const serial of ["216000000001", "801000000002", "216200004711", "80971b123456"]) {
      expect(isIn(text, serial)).toBe(false);
    }
    expect(undecodedCodes).toEqual(["0002", "0030"]);
  });

  it.each([
    ["firmware", { firmware: "R_216000000001" }],
    ["time zone", { timezone: "Etc/216000000001" }],
    ["firmware of version 12", { firmware: "803000000001 R", wirelessMac: "803000000001" }],
  ])("covers the id of the ECU or a device in the %s", (_, change) => {
    const message = { ...decodeReply("info", info.version11), ...change } as Info;
    const recorded = createCapture(createAnswered("info", encodeReply("info", message, "11")));
    const firmware = message.layout === "01" ? message.firmware : "";
    const { capture } = anonymise({ ...recorded, ecu: { model: "ECU-R", firmware } }, seeded());
    const text = formatCapture(capture);
    expect(isIn(text, "216000000001")).toBe(false);
    expect(isIn(text, "803000000001")).toBe(false);
    const after = decodeReply("info", getBytes(capture, 0));
    expect(after).toMatchObject({ powerWatts: message.powerWatts, firmware: capture.ecu.firmware });
  });

  const spellings = [
    "80971b00ab01",
    "80971B00AB01",
    "80:97:1b:00:ab:01",
    "80:97:1B:00:AB:01",
    "80-97-1B-00-ab-01",
    "8097.1b00.AB01",
    "80 97 1b 00 ab 01",
    "80, 97, 1B, 00, AB, 01",
  ];

  it.each(spellings)("covers the MAC address %s in text", (spelling) => {
    const known = { ...decodeReply("info", info.version11), ethernetMac: "80971b00ab01" } as Info;
    const named = encodeReply("info", { ...known, firmware: `R ${spelling}` } as Info, "11");
    const unknownMac = encodeReply(
      "info",
      { ...known, ethernetMac: "000000000000", timezone: spelling } as Info,
      "11",
    );
    const undecoded = Buffer.concat([wire("'APS119'"), Buffer.from(`X ${spelling}`)]);
    for (const bytes of [named, unknownMac, undecoded]) {
      const recorded = createCapture(createFailed("info", "malformed", bytes));
      const after = getBytes(anonymise(recorded, seeded()).capture, 0);
      const digits = after
        .toString("latin1")
        .toLowerCase()
        .replaceAll(/[^0-9a-f]/g, "");
      expect(digits).not.toContain("80971b00ab01");
      expect(digits).toContain("80971b");
      expect(after.indexOf("80971b00ab01", "hex")).toBe(-1);
      expect(after).toHaveLength(bytes.length);
    }
  });

  it("covers a number at any place of any reply, or refuses to publish it", () => {
    const spelling = fc.constantFrom("216000000001", ...spellings);
    const choice = fc.record({
      spelling,
      reply: fc.constantFrom(...goodReplies),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      seed: fc.integer(),
    });
    let written = 0;
    fc.assert(
      fc.property(choice, ({ spelling, reply: [, command, good], at, seed }) => {
        const bytes = Buffer.from(good);
        bytes.write(
          spelling,
          Math.floor(at * Math.max(1, good.length - spelling.length)),
          "latin1",
        );
        const recorded = createCapture(
          createAnswered("info", info.version11),
          createFailed(command, "malformed", bytes),
        );
        let text: string;
        try {
          text = getBytes(anonymise(recorded, seeded(seed)).capture, 1).toString("latin1");
        } catch (error) {
          expect(error).toBeInstanceOf(AnonymiseError);
          return;
        }
        written++;
        const digits = text.toLowerCase().replaceAll(/[^0-9a-z]/g, "");
        expect(digits).not.toContain("216000000001");
        expect(digits).not.toContain("80971b00ab01");
      }),
      { numRuns: 300 },
    );
    expect(written).toBeGreaterThan(150);
  });

  it.each([
    ["02:00:5E:00:53:aF", "02:00:5E:"],
    ["02-00-5e-00-53-af", "02-00-5e-"],
    ["0200.5e00.53af", "0200.5e"],
  ])("covers the MAC address %s of another manufacturer", (spelling, kept) => {
    const bytes = Buffer.from(`eth0 ${spelling} up`);
    const recorded = createCapture(createFailed("info", "malformed", bytes));
    const { capture, replaced } = anonymise(recorded, seeded());
    const text = getBytes(capture, 0).toString("latin1");
    expect(text.startsWith(`eth0 ${kept}`)).toBe(true);
    expect(text).not.toContain(spelling);
    expect(replaced.mac).toBe(1);
  });

  it.each([
    ["an ECU id", "info", info.version11.subarray(0, 22), "'216000000'"],
    ["a MAC address", "info", info.version11.subarray(0, 83), "80971b00"],
    ["an uid", "realtime", table(2, records.two, records.four).subarray(0, 52), "8010000000"],
    ["an uid of the signals", "signal", signal.subarray(0, 27), "7030000000"],
  ] as const)("covers %s that is truncated", (_, command: Command, bytes, cut) => {
    const recorded = createCapture(createFailed(command, "truncated", bytes));
    const { capture } = anonymise(recorded, seeded());
    expect(getBytes(recorded, 0).subarray(-wire(cut).length)).toEqual(wire(cut));
    expect(getBytes(capture, 0).subarray(-wire(cut).length)).not.toEqual(wire(cut));
    expect(getBytes(capture, 0)).toHaveLength(bytes.length);
  });

  it("truncates the replacement where the serial is truncated", () => {
    const cut = table(2, records.four, records.two).subarray(0, 53);
    const recorded = createCapture(
      createAnswered("signal", signal),
      createFailed("realtime", "truncated", cut),
    );
    const twoUids = wire("'APS1100250030' '00' 703000000001 ff 'END' 0a");
    const { capture } = anonymise(
      {
        ...recorded,
        questions: [createAnswered("signal", twoUids), ...recorded.questions.slice(1)],
      },
      seeded(),
    );
    const uid = decodeReply("signal", getBytes(capture, 0))[0]?.uid ?? "";
    expect(getBytes(capture, 1).subarray(-4).toString("hex")).toBe(uid.slice(0, 8));
  });

  it("never gives two devices the same number, nor a device the number of another", () => {
    const uid = fc.stringMatching(/^8010000000\d\d$/);
    fc.assert(
      fc.property(fc.uniqueArray(uid, { maxLength: 30 }), fc.integer(), (uids, seed) => {
        const serials = uids.map((text): Serial => ({ kind: "inverter", text }));
        const drawn = drawReplacements(serials, seeded(seed)).map(({ newText }) => newText);
        expect(new Set(drawn).size).toBe(uids.length);
        expect(drawn.filter((newText) => uids.includes(newText))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it("throws an error if no unused number is drawn", () => {
    const serials: Serial[] = [{ kind: "inverter", text: "801000000000" }];
    expect(() => drawReplacements(serials, () => 0)).toThrow(
      "no unused serial number was found for inverter 801…",
    );
  });
});

describe("the check", () => {
  const broken = (harm: (bytes: Buffer) => Buffer): typeof replaceAll => {
    return (answer, replacements) => {
      const { bytes, ranges } = replaceAll(answer, replacements);
      return { bytes: harm(bytes), ranges };
    };
  };
  const one = createCapture(createAnswered("realtime", table(1, records.two)));

  it("finds a changed byte next to a serial number", () => {
    const harm = broken((bytes) => {
      bytes[39] = 99;
      return bytes;
    });
    expect(() => anonymise(one, seeded(), harm)).toThrow(
      'the reply to "realtime" changed at byte 39, outside any serial number',
    );
  });

  it("finds a changed value in a range that is reported as replaced", () => {
    const harm: typeof replaceAll = (answer, replacements) => {
      const { bytes, ranges } = replaceAll(answer, replacements);
      bytes[40] = 99;
      return { bytes, ranges: [...ranges, { begin: 0, end: bytes.length }] };
    };
    expect(() => anonymise(one, seeded(), harm)).toThrow(
      'the reply to "realtime" changed its field records.0.block.powerWatts.0',
    );
  });

  it("finds a reply that can no longer be decoded", () => {
    const harm: typeof replaceAll = (answer, replacements) => {
      const { bytes } = replaceAll(answer, replacements);
      bytes[0] = 0;
      return { bytes, ranges: [{ begin: 0, end: bytes.length }] };
    };
    expect(() => anonymise(one, seeded(), harm)).toThrow("no longer decodes to the same result");
  });

  it("finds missing bytes", () => {
    const harm = broken((bytes) => bytes.subarray(1));
    expect(() => anonymise(one, seeded(), harm)).toThrow("changed its length");
  });

  it("finds a serial number that was not replaced", () => {
    const none: typeof replaceAll = ({ bytes }) => ({ bytes: Buffer.from(bytes), ranges: [] });
    expect(() => anonymise(one, seeded(), none)).toThrow("still contains a real serial number");
  });
});

describe.skipIf(capturesFile === undefined)("captured replies", () => {
  it.each(captures)(
    "$id ($state): serial numbers are replaced, and nothing else",
    ({ hex, query }) => {
      const command = commandByQuery[query];
      const bytes = Buffer.from(hex, "hex");
      const recorded = createCapture(createFailed(command, "malformed", bytes));
      const { capture } = anonymise(recorded, seeded());
      const text = getBytes(capture, 0).toString("hex");
      for (const serial of findSerials([{ command, bytes }])) {
        if (serial.truncatedTo === undefined) expect(isIn(text, serial.text)).toBe(false);
      }
      expect(text).toHaveLength(hex.length);
    },
  );
});
