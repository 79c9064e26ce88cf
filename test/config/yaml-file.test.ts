import { describe, expect, it } from "vitest";
import { Scalar } from "yaml";
import { z } from "zod";
import { parseYaml } from "../../src/config/yaml-file.ts";

const schema = z.strictObject({
  name: z.string().optional(),
  count: z.int().min(1).max(9).optional(),
  on: z.boolean().optional(),
  words: z.array(z.enum(["one", "two"])).optional(),
  parts: z.record(z.string(), z.strictObject({ size: z.number() })).optional(),
});
const read = (text: string | Uint8Array) => parseYaml(text, "a.yml", schema);

describe("a text that matches the schema", () => {
  it.each([
    { text: "{}", value: {} },
    { text: "\u{feff}name: x # a note\n", value: { name: "x" } },
    { text: "name: >\n  a\n  b\n", value: { name: "a b\n" } },
    { text: '{"count": 3, "on": true}', value: { count: 3, on: true } },
    {
      text: "parts:\n  7: &seven {size: 7}\n  b: *seven\n",
      value: { parts: { 7: { size: 7 }, b: { size: 7 } } },
    },
  ])("$text", ({ text, value }) => {
    expect(read(text)).toEqual({ value });
    expect(read(new TextEncoder().encode(text))).toEqual({ value });
  });
});

describe("a text key", () => {
  const texts = z.record(z.string(), z.unknown());
  const readTexts = (text: string) =>
    parseYaml(text, "a.yml", texts, { textKeys: new Set(["row"]) });

  it.each([
    ["01", "01"],
    ["007", "007"],
    ["1.10", "1.10"],
    ["0x1F", "0x1F"],
    ["0o17", "0o17"],
    ["1e3", "1e3"],
    ["-0", "-0"],
    ["+1", "+1"],
    ["1_000", "1_000"],
    ["12345678901234567890", "12345678901234567890"],
    [".inf", ".inf"],
    ["True", "True"],
    ['"01"', "01"],
    ['"a\\x62"', "ab"],
    ["A1 # a note", "A1"],
  ])("keeps the text of %s", (written, value) => {
    expect(readTexts(`row: ${written}`)).toEqual({ value: { row: value } });
    expect(readTexts(`a: [{ row: ${written.replace(/ #.*/, "")} }]`)).toEqual({
      value: { a: [{ row: value }] },
    });
  });

  it("is empty if its value is, and other keys have numbers", () => {
    expect(readTexts("row:\nb: 01\nc: true")).toEqual({ value: { row: null, b: 1, c: true } });
  });

  it("has a name that is a text, too", () => {
    expect(readTexts("01: a\n1: b\n1.10: c\n0x1F: d\ntrue: e")).toEqual({
      value: { "01": "a", 1: "b", "1.10": "c", "0x1F": "d", true: "e" },
    });
  });
});

describe("a text with many problems", () => {
  const lines = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join("\n");
  const manyKeys = lines(20_000, (i) => `k${i}: 1`);

  it.each([
    ["unknown keys", manyKeys, 1, "k0: is not a known key; known keys are", 19_900],
    ["keys that are set twice", `${manyKeys}\n${manyKeys}`, 20_001, "k0: is set twice", 19_900],
    ["invalid values", `parts:\n${lines(500, (i) => `  p${i}: 1`)}`, 2, "parts.p0: must be", 400],
  ])("has the first hundred %s, and the number of the others", (_, text, line, first, others) => {
    const result = read(text);
    const problems = "problems" in result ? result.problems : [];
    expect(problems).toHaveLength(101);
    expect(problems[0]).toContain(`a.yml:${line}: ${first}`);
    expect(problems[99]).toContain(`a.yml:${line + 99}: `);
    expect(problems[100]).toBe(`a.yml: and ${others} more problems`);
  });

  it("is checked in linear time: twice the keys need twice the reads of a key", () => {
    /** How often the value of any scalar is read after the text was parsed. */
    const countReads = (count: number): number => {
      let reads = 0;
      const values = new WeakMap<object, unknown>();
      Object.defineProperty(Scalar.prototype, "value", {
        configurable: true,
        get() {
          reads++;
          return values.get(this);
        },
        set(value: unknown) {
          values.set(this, value);
        },
      });
      read(lines(count, (i) => `k${i}: 1`));
      Reflect.deleteProperty(Scalar.prototype, "value");
      return reads;
    };
    expect(countReads(2_000) / countReads(1_000)).toBeLessThan(2.2);
  });
});

describe("an invalid text is rejected", () => {
  it.each<{ text: string; problems: string[] }>([
    { text: "\n# nothing\n", problems: ["a.yml: is empty"] },
    {
      text: "name: [x]\ncount: 1.5\non: on\nwords: one\nparts: [1]\n",
      problems: [
        "a.yml:1: name: must be a string, not a list",
        "a.yml:2: count: must be a whole number, not a number",
        "a.yml:3: on: must be true or false, not a string",
        "a.yml:4: words: must be a list, not a string",
        "a.yml:5: parts: must be a map of names and values, not a list",
      ],
    },
    {
      text: "name: true\ncount: 10\nwords:\n  - one\n  - {}\n  - three\nparts:\n  a: {}\n  b:\n    size: 1\n    sizes: 2\n",
      problems: [
        "a.yml:1: name: must be a string, not true or false",
        "a.yml:2: count: is above 9",
        "a.yml:5: words[1]: must be one of one, two, not a map",
        'a.yml:6: words[2]: "three" is not one of one, two',
        "a.yml:8: parts.a.size: is missing",
        "a.yml:11: parts.b.sizes: is not a known key; known keys are size",
      ],
    },
    { text: "name: x\nname: y\n", problems: ["a.yml:2: name: is set twice"] },
    { text: "parts:\n\ta: 1\n", problems: ["a.yml:2: starts with a tab; indent with spaces"] },
    { text: "name: !secret x\n", problems: ["a.yml:1: !secret is an unknown tag"] },
    {
      text: "name: x\n---\nname: y\n",
      problems: ["a.yml:2: a second document starts here; only one is allowed"],
    },
    { text: "? [a, b]\n: 1\n", problems: ["a.yml:1: a key must be a word, not a list or a map"] },
    {
      text: "parts:\n  __proto__: {size: 1}\n",
      problems: ["a.yml:2: __proto__: is not allowed as a key"],
    },
    {
      text: "name: *other\n",
      problems: ["a.yml: the alias *other is not defined: there is no &other before it"],
    },
    { text: 'name: "x\n', problems: ["a.yml:2: is not valid YAML: Missing closing"] },
    {
      text: "name: x: y\n",
      problems: ["a.yml:1: is not valid YAML: Nested mappings are not allowed in compact mappings"],
    },
  ])("$problems.0", ({ text, problems }) => {
    expect(read(text)).toEqual({ problems });
  });

  it("if it is not valid UTF-8", () => {
    expect(read(new Uint8Array([0x61, 0x3a, 0x20, 0xe9]))).toEqual({
      problems: ["a.yml: is not valid UTF-8"],
    });
  });

  it("if it is nested too deeply", () => {
    expect(read("[".repeat(20_000))).toEqual({ problems: ["a.yml:1: is nested too deeply"] });
  });

  it("if its aliases expand without limit or are circular", () => {
    const lines = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (const [one, before] of ["ba", "cb", "dc", "ed", "fe", "gf", "hg", "ih"]) {
      lines.push(`${one}: &${one} [${Array(9).fill(`*${before}`).join(", ")}]`);
    }
    expect(read(lines.join("\n"))).toEqual({
      problems: ["a.yml: uses aliases (*name) more than 100 times"],
    });
    expect(read("name: &a [*a]")).toEqual({
      problems: ["a.yml:1: name: must be a string, not a list"],
    });
  });
});
