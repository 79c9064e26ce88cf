/** docs/protocol.md against the code: byte tables, examples, and the sections that comments cite. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Struct } from "../../src/protocol/codec.ts";
import * as layouts from "../../src/protocol/layouts.ts";
import { decodeReply } from "../../src/protocol/replies.ts";
import { commands, encodeRequest } from "../../src/protocol/requests.ts";

const page = readFileSync("docs/protocol.md", "utf8");

/** The rows of the table below a comment: the cells of each, without the head. */
const tableBelow = (comment: string): string[][] => {
  const [, text = ""] = page.split(`<!-- ${comment} -->\n`);
  const [table = ""] = text.split("\n\n");
  return table
    .split("\n")
    .slice(2)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
};

const structs = Object.entries(layouts as Readonly<Record<string, unknown>>).filter(
  (entry): entry is [string, Struct<unknown>] =>
    typeof entry[1] === "object" && entry[1] !== null && "fields" in entry[1],
);

describe("byte tables", () => {
  it("exist for each struct of the layouts, and no other", () => {
    const documented = [...page.matchAll(/<!-- layout: (\w+) -->/g)].map(([, name]) => name);
    expect(documented.toSorted()).toEqual(structs.map(([name]) => name).toSorted());
    expect(structs.length).toBeGreaterThan(10);
  });

  it.each(structs)("%s has the fields, sizes and offsets of the code", (name, { fields }) => {
    let offset: number | undefined = 0;
    const expected = Object.entries(fields).map(([field, { size }]) => {
      const row = [offset === undefined ? "…" : String(offset), String(size), `\`${field}\``];
      offset = size === undefined || offset === undefined ? undefined : offset + size;
      return row;
    });
    const documented = tableBelow(`layout: ${name}`).map(([at, bytes, , field]) => [
      at,
      /n$|^0 or/.test(bytes ?? "") ? "undefined" : bytes, // of variable length
      field,
    ]);
    expect(documented, `the table of ${name} in docs/protocol.md`).toEqual(expected);
  });

  it("record layouts match the code", () => {
    const rows = Object.entries(layouts.recordLayouts).map(([name, { numbers, typeCodes }]) => [
      `\`${name}\``,
      typeCodes.join(", "),
      String(layouts.recordFormats[name as layouts.RecordLayout].bytes),
      numbers,
    ]);
    const documented = tableBelow("records").map((cells) => cells.slice(0, 4));
    expect(documented, "the table of record layouts in docs/protocol.md").toEqual(rows);
  });
});

describe("examples", () => {
  it.each([
    ["info", "", ""],
    ["realtime", "216000000001", ""],
    ["signal", "216000000001", ""],
    ["dayPower", "216000000001", "20260621"],
    ["energy", "216000000001", "01"],
    ["clock", "216000000001", ""],
  ] as const)("the request %s is the request that is sent", (command, ecuId, parameter) => {
    const text = encodeRequest(command, ecuId, parameter).toString("latin1");
    expect(page).toContain(`\`${text.replace("\n", "⏎")}\``);
  });

  it("the reply with one signal level decodes", () => {
    const [, digits = ""] = /<!-- example: signal -->\n\n {4}([0-9a-f ]+)\n/.exec(page) ?? [];
    const bytes = Buffer.from(digits.replaceAll(" ", ""), "hex");
    expect(decodeReply("signal", bytes)).toEqual([{ uid: "703000000001", level: 180 }]);
  });

  it("every command that may be sent is listed with its code", () => {
    for (const [name, { code }] of Object.entries(commands))
      expect(page).toContain(`\n| ${code} | ${name} |`);
  });
});

/** The anchors of a page, as GitHub makes them. */
const anchors = new Set(
  [...page.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, "")
      .replaceAll(" ", "-"),
  ),
);

describe("citations", () => {
  const files = [
    ...["src", "test", "scripts", "bench", "docs"].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(ts|md)$/.test(name))
        .map((name) => `${folder}/${name}`),
    ),
    "README.md",
    "CONTRIBUTING.md",
  ];
  const cited = files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/protocol\.md#([a-z0-9-]+)/g)].map(
      ([, anchor = ""]) => ({ file, anchor }),
    ),
  );

  it("name sections that exist", () => {
    expect(cited.length).toBeGreaterThan(50);
    expect(cited.filter(({ anchor }) => !anchors.has(anchor))).toEqual([]);
  });

  it("name this page, and no document that is not in the repository", () => {
    const elsewhere = ["the protocol", "document"].join(" ");
    expect(files.filter((file) => readFileSync(file, "utf8").includes(elsewhere))).toEqual([]);
  });
});
