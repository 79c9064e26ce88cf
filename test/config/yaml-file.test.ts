import { describe, expect, it } from "vitest";
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

describe("a text that keeps to the schema", () => {
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

describe("a text that does not", () => {
  it.each<{ text: string; problems: string[] }>([
    { text: "\n# nothing\n", problems: ["a.yml: is empty"] },
    {
      text: "name: [x]\ncount: 1.5\non: on\nwords: one\nparts: [1]\n",
      problems: [
        "a.yml:1: name: is a list, and not a text",
        "a.yml:2: count: is a number, and not a whole number",
        "a.yml:3: on: is a text, and not true or false",
        "a.yml:4: words: is a text, and not a list",
        "a.yml:5: parts: is a list, and not a map of names and values",
      ],
    },
    {
      text: "name: true\ncount: 10\nwords:\n  - one\n  - {}\n  - three\nparts:\n  a: {}\n  b:\n    size: 1\n    sizes: 2\n",
      problems: [
        "a.yml:1: name: is true or false, and not a text",
        "a.yml:2: count: is above 9",
        "a.yml:5: words[1]: is a map, and none of one, two",
        'a.yml:6: words[2]: "three" is none of one, two',
        "a.yml:8: parts.a.size: is missing",
        "a.yml:11: parts.b.sizes: is unknown here; known are size",
      ],
    },
    { text: "name: x\nname: y\n", problems: ["a.yml:2: name: stands here for the second time"] },
    { text: "parts:\n\ta: 1\n", problems: ["a.yml:2: begins with a tab; indent with spaces"] },
    { text: "name: !secret x\n", problems: ["a.yml:1: !secret is a tag that nobody knows"] },
    {
      text: "name: x\n---\nname: y\n",
      problems: ["a.yml:2: a second document begins here; the file may hold one"],
    },
    { text: "? [a, b]\n: 1\n", problems: ["a.yml:1: a key is a list or a map, and not a word"] },
    {
      text: "parts:\n  __proto__: {size: 1}\n",
      problems: ["a.yml:2: __proto__: cannot be a key"],
    },
    {
      text: "name: *nobody\n",
      problems: ["a.yml: the alias *nobody stands for nothing: no &nobody comes before it"],
    },
    { text: 'name: "x\n', problems: ["a.yml:2: is no YAML: Missing closing"] },
    {
      text: "name: x: y\n",
      problems: ["a.yml:1: is no YAML: Nested mappings are not allowed in compact mappings"],
    },
  ])("$problems.0", ({ text, problems }) => {
    expect(read(text)).toEqual({ problems });
  });

  it("because it is no UTF-8", () => {
    expect(read(new Uint8Array([0x61, 0x3a, 0x20, 0xe9]))).toEqual({
      problems: ["a.yml: is not a text in UTF-8"],
    });
  });

  it("because it goes deeper than anybody writes", () => {
    expect(read("[".repeat(20_000))).toEqual({ problems: ["a.yml:1: is nested too deeply"] });
  });

  it("because its aliases grow without end, or in a circle", () => {
    const lines = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (const [one, before] of ["ba", "cb", "dc", "ed", "fe", "gf", "hg", "ih"]) {
      lines.push(`${one}: &${one} [${Array(9).fill(`*${before}`).join(", ")}]`);
    }
    expect(read(lines.join("\n"))).toEqual({
      problems: ["a.yml: follows its aliases (*name) more than 100 times"],
    });
    expect(read("name: &a [*a]")).toEqual({
      problems: ["a.yml:1: name: is a list, and not a text"],
    });
  });
});
