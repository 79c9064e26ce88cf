import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.ts";
import {
  type Command,
  commands,
  decodeRequest,
  encodeRequest,
  findCommand,
} from "../../src/protocol/requests.ts";

const ID = "216000000001"; // the example of docs/protocol.md

describe("a request", () => {
  it.each<[Command, string | undefined, string | undefined, string]>([
    ["info", undefined, undefined, "APS1100160001END\n"],
    ["info", ID, undefined, "APS1100160001END\n"],
    ["realtime", ID, undefined, "APS1100280002216000000001END\n"],
    ["signal", ID, undefined, "APS1100280030216000000001END\n"],
    ["dayPower", ID, "20250621", "APS1100390003216000000001END20250621END\n"],
    ["energy", ID, "00", "APS1100330004216000000001END00END\n"],
    ["energy", ID, "01", "APS1100330004216000000001END01END\n"],
    ["energy", ID, "02", "APS1100330004216000000001END02END\n"],
    ["clock", ID, undefined, "APS1100280012216000000001END\n"],
  ])("for %s of %s with %s is the documented text", (command, id, parameter, text) => {
    expect(encodeRequest(command, id, parameter).toString("latin1")).toBe(text);
  });

  it("has one of six codes", () => {
    expect(Object.values(commands).map(({ code }) => code)).toEqual([
      "0001",
      "0002",
      "0030",
      "0003",
      "0004",
      "0012",
    ]);
  });

  it.each([
    ["the code that clears the energy", "0031"],
    ["the code that replaces the inverters", "0005"],
    ["a code of the list in place of its name", "0001"],
    ["no name", ""],
    ["a name in another case", "Info"],
    ["an inherited name", "toString"],
    ["the constructor", "constructor"],
    ["the prototype", "__proto__"],
    ["bytes of its own", "0031216000000001END"],
  ])("is never encoded for %s", (_, forged) => {
    expect(() => encodeRequest(forged as Command, ID)).toThrow(RangeError);
  });

  it.each([
    ["too short", "21600000000"],
    ["too long", "2160000000010"],
    ["with a letter", "21600000000x"],
    ["with a line feed", "216000000001\n"],
    ["in other digits", "٢١٦٠٠٠٠٠٠٠٠١"],
    ["carrying a request", "END0031END\nAP"],
    ["empty", ""],
  ])("is never encoded with an ECU id that is %s", (_, id) => {
    expect(() => encodeRequest("realtime", id)).toThrow(RangeError);
  });

  it.each<[Command, string]>([
    ["dayPower", ""],
    ["dayPower", "2025-6-1"],
    ["dayPower", "202506211"],
    ["energy", "0"],
    ["energy", "000"],
    ["energy", "0x"],
    ["realtime", "00"],
    ["info", "1"],
  ])("for %s is never encoded with the parameter %j", (command, parameter) => {
    expect(() => encodeRequest(command, ID, parameter)).toThrow(RangeError);
  });
});

describe("findCommand", () => {
  it.each([
    ["0001", "info"],
    ["0002", "realtime"],
    ["0003", "dayPower"],
    ["0004", "energy"],
    ["0012", "clock"],
    ["0030", "signal"],
    ["0031", undefined],
    ["", undefined],
    ["__proto__", undefined],
  ])("for code %j returns %s", (code, command) => {
    expect(findCommand(code)).toBe(command);
  });
});

describe("an ECU", () => {
  const plain = { code: "0002", ecuId: ID, parameter: "" };

  it.each([
    ["as written", "APS1100280002216000000001END\n", plain],
    ["without line feed", "APS1100280002216000000001END", plain],
    ["without END", "APS1100280002216000000001", plain],
    ["with a wrong length", "APS1199990002216000000001END\n", plain],
    ["with a length that is not a number", "APS11----0002216000000001END\n", plain],
    ["of another version", "APS2200280002216000000001END\n", plain],
    [
      "with a date",
      "APS1100390003216000000001END20250621END\n",
      { code: "0003", ecuId: ID, parameter: "20250621" },
    ],
    [
      "with a period and a length for a date",
      "APS1100390004216000000001END01END",
      { code: "0004", ecuId: ID, parameter: "01" },
    ],
    [
      "of the vendor's tool, with one character too many",
      "APS11002900302160000000013END\n",
      { code: "0030", ecuId: ID, parameter: "" },
    ],
    ["of a code it may not know", "APS1100280031216000000001END\n", { ...plain, code: "0031" }],
    ["that asks its id", "APS1100160001END\n", { code: "0001", ecuId: "END\n", parameter: "" }],
  ])("understands a request %s", (_, text, request) => {
    expect(decodeRequest(Buffer.from(text, "latin1"))).toEqual(request);
  });

  it.each(["", "APS", "APS110028000", "aps1100280002216000000001END\n", "\nAPS1100160001END\n"])(
    "rejects the request %j",
    (text) => {
      expect(() => decodeRequest(Buffer.from(text, "latin1"))).toThrow(ProtocolError);
    },
  );
});
