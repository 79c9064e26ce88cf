/** Input of the tools, and the error message for each invalid input. */
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatCapture } from "../../src/captures/format.ts";
import { readCapture, readInput } from "../../src/captures/input.ts";
import { UsageError } from "../../src/config/usage-error.ts";
import { signal } from "../fixtures/frames.ts";
import { folder } from "./run.ts";
import { createAnswered, createCapture, createFailed } from "./samples.ts";

const problem = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof UsageError && error.problems.length === 1) return error.problems[0] ?? "";
    throw error;
  }
  return "";
};

const good = createCapture(createAnswered("signal", signal));
const text = formatCapture(good);
const changed = (change: object): string => JSON.stringify({ ...good, ...change });
const question = good.questions[0];

describe("input", () => {
  it.each([
    ["digits", signal.toString("hex")],
    ["capitals", signal.toString("hex").toUpperCase()],
    ["bytes with spaces", (signal.toString("hex").match(/../g) ?? []).join(" ")],
    ["bytes with colons", (signal.toString("hex").match(/../g) ?? []).join(":")],
    [
      "an array of numbers",
      (signal.toString("hex").match(/../g) ?? []).map((b) => `0x${b}`).join(", "),
    ],
  ])("can be %s, as an argument and in a file", (_, digits) => {
    using place = folder();
    const path = place.file("reply.txt");
    writeFileSync(path, `${digits}\n`);
    expect(readInput(digits)).toEqual({ bytes: signal });
    expect(readInput(path)).toEqual({ bytes: signal });
  });

  it("can be a capture or binary bytes", () => {
    using place = folder();
    writeFileSync(place.file("raw"), signal);
    writeFileSync(place.file("capture"), `\u{feff}${text}`);
    expect(readInput(place.file("raw"))).toEqual({ bytes: signal });
    expect(readInput(place.file("capture"))).toEqual({ capture: good });
    expect(readCapture(place.file("capture"))).toEqual(good);
  });

  it.each([
    ["nothing", "", "is empty"],
    ["blanks", " \n", "is empty"],
    ["an odd number of digits", "4150531", "has an odd number of hexadecimal digits (7)"],
    [
      "a text",
      "hello",
      "is not a capture, not hexadecimal digits, and not a reply, which would begin with APS",
    ],
    ["half a file", text.slice(0, 200), "is incomplete or damaged: it is not valid JSON"],
    ["another JSON", '{"a":1}', "is JSON, but not a capture of this program"],
    ["a list", "[]", "is JSON, but not a capture of this program"],
    [
      "a later version",
      changed({ version: 2 }),
      "has version 2, but this program supports only version 1; update the program",
    ],
    ["no questions", changed({ questions: [] }), "is not a valid capture: questions: is empty"],
    [
      "another time",
      changed({ taken_at: "now" }),
      "is not a valid capture: taken_at: is not a time such as 2026-06-21T11:03Z",
    ],
    ["an unknown key", changed({ more: 1 }), "is not a valid capture: unknown key more"],
    [
      "odd digits",
      changed({ questions: [{ ...question, reply: `${question?.reply}4` }] }),
      "is not a valid capture: questions.0.reply: must be an even number of hexadecimal digits",
    ],
    [
      "an unknown question",
      changed({ questions: [{ ...question, name: "reboot" }] }),
      "is not a valid capture: questions.0.name: is not a known command",
    ],
    [
      "another code",
      changed({ questions: [{ ...question, code: "0031" }] }),
      "is not a valid capture: questions.0: has a name and a code that do not match",
    ],
    [
      "no reply",
      changed({ questions: [{ name: "signal", code: "0030" }] }),
      "is not a valid capture: questions.0: must have either reply or failed",
    ],
    [
      "no parameter",
      changed({ questions: [{ ...createFailed("energy", "closed") }] }),
      "is not a valid capture: questions.0: has a parameter of the wrong length",
    ],
    [
      "another reason",
      changed({ questions: [createFailed("signal", "boredom")] }),
      "is not a valid capture: questions.0.failed.reason: is not a known reason",
    ],
    [
      "a huge reply",
      changed({ questions: [{ ...question, reply: "00".repeat(11_000) }] }),
      "is not a valid capture: questions.0.reply: is longer than any reply",
    ],
  ])("a file with %s is rejected with one error message", (_, content, message) => {
    using place = folder();
    const path = place.file("bad");
    writeFileSync(path, content);
    expect(problem(() => readInput(path))).toBe(`${path} ${message}`);
  });

  it("reports the problem of a path", () => {
    using place = folder();
    mkdirSync(place.file("folder"));
    writeFileSync(place.file("huge"), Buffer.alloc(1024 * 1024 + 1));
    writeFileSync(place.file("raw"), signal);
    const none = place.file("none");
    expect(problem(() => readCapture(none))).toBe(`${none} cannot be read: there is no such file`);
    expect(problem(() => readInput(place.file("folder")))).toBe(
      `${place.file("folder")} cannot be read: it is a folder`,
    );
    expect(problem(() => readInput(place.file("huge")))).toBe(
      `${place.file("huge")} cannot be read: it is larger than 1 MiB`,
    );
    expect(problem(() => readCapture(place.file("raw")))).toBe(
      `${place.file("raw")} is not a capture: it contains the bytes of one reply`,
    );
  });

  it("reports the problem of an argument", () => {
    expect(problem(() => readInput("capture.jsn"))).toBe(
      "capture.jsn is neither the name of a file nor hexadecimal digits",
    );
    expect(problem(() => readInput(" "))).toBe("the hexadecimal text is empty");
    expect(problem(() => readInput("4150 5"))).toBe(
      '"4150 5" has an odd number of hexadecimal digits (5)',
    );
  });
});
