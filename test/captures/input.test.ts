/** What a user may hand over, and the sentence for each that is of no use. */
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatCapture } from "../../src/captures/format.ts";
import { readCapture, readInput } from "../../src/captures/input.ts";
import { UsageError } from "../../src/config/usage-error.ts";
import { signal } from "../fixtures/frames.ts";
import { folder } from "./run.ts";
import { answered, captureOf, failed } from "./samples.ts";

const problem = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof UsageError && error.problems.length === 1) return error.problems[0] ?? "";
    throw error;
  }
  return "";
};

const good = captureOf(answered("signal", signal));
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
      "numbers of a program",
      (signal.toString("hex").match(/../g) ?? []).map((b) => `0x${b}`).join(", "),
    ],
  ])("may be %s, as an argument and in a file", (_, given) => {
    using place = folder();
    const path = place.file("reply.txt");
    writeFileSync(path, `${given}\n`);
    expect(readInput(given)).toEqual({ bytes: signal });
    expect(readInput(path)).toEqual({ bytes: signal });
  });

  it("may be a capture, and the bytes themselves", () => {
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
    [
      "an odd number of digits",
      "4150531",
      "has 7 hexadecimal digits, an odd number: one is missing or too many",
    ],
    [
      "a text",
      "hello",
      "is neither a capture, nor hexadecimal digits, nor the bytes of a reply, which begin with APS",
    ],
    ["half a file", text.slice(0, 200), "is not whole: its JSON breaks off or is damaged"],
    ["another JSON", '{"a":1}', "is JSON, and no capture of this program"],
    ["a list", "[]", "is JSON, and no capture of this program"],
    [
      "a later version",
      changed({ version: 2 }),
      "is of version 2; this program reads version 1: update it",
    ],
    ["no questions", changed({ questions: [] }), "is a damaged capture: questions: is empty"],
    [
      "another time",
      changed({ taken_at: "now" }),
      "is a damaged capture: taken_at: is no time such as 2026-06-21T11:03Z",
    ],
    ["more", changed({ more: 1 }), "is a damaged capture: it: more is not known there"],
    [
      "odd digits",
      changed({ questions: [{ ...question, reply: `${question?.reply}4` }] }),
      "is a damaged capture: questions.0.reply: is no even number of hexadecimal digits",
    ],
    [
      "an unknown question",
      changed({ questions: [{ ...question, name: "reboot" }] }),
      "is a damaged capture: questions.0.name: is no question of ours",
    ],
    [
      "another code",
      changed({ questions: [{ ...question, code: "0031" }] }),
      "is a damaged capture: questions.0: has a name and a code that do not agree",
    ],
    [
      "no reply",
      changed({ questions: [{ name: "signal", code: "0030" }] }),
      "is a damaged capture: questions.0: needs either a reply or the reason why there is none",
    ],
    [
      "no parameter",
      changed({ questions: [{ ...failed("energy", "closed") }] }),
      "is a damaged capture: questions.0: has a parameter of the wrong length",
    ],
    [
      "another reason",
      changed({ questions: [failed("signal", "boredom")] }),
      "is a damaged capture: questions.0.failed.reason: is no reason of ours",
    ],
    [
      "a huge reply",
      changed({ questions: [{ ...question, reply: "00".repeat(11_000) }] }),
      "is a damaged capture: questions.0.reply: are more bytes than a reply can have",
    ],
  ])("that is a file with %s is refused in one sentence", (_, content, told) => {
    using place = folder();
    const path = place.file("bad");
    writeFileSync(path, content);
    expect(problem(() => readInput(path))).toBe(`${path} ${told}`);
  });

  it("says what is wrong with a place", () => {
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
      `${place.file("raw")} is no capture: it holds the bytes of one reply`,
    );
  });

  it("says what is wrong with an argument", () => {
    expect(problem(() => readInput("capture.jsn"))).toBe(
      "capture.jsn: there is no such file, and these are no hexadecimal digits",
    );
    expect(problem(() => readInput(" "))).toBe("the hexadecimal text is empty");
    expect(problem(() => readInput("4150 5"))).toBe(
      "the hexadecimal text has 5 hexadecimal digits, an odd number: one is missing or too many",
    );
  });
});
