/** The bundled program: its error messages, and the licenses of what is in it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HERE, startCli } from "./support/cli.ts";

/** Runs this code before the program. */
const preload = (code: string) => ({
  nodeArgs: [`--import=data:text/javascript,${encodeURIComponent(code)}`],
});

/** A place in a source, as in a stack. */
const findPlace = (file: string, code: string): string => {
  const lines = readFileSync(file, "utf8").split("\n");
  const line = lines.findIndex((text) => text.includes(code));
  return `${file}:${line + 1}:`;
};

describe("the stack of an error names the lines of the sources", () => {
  it("if nothing catches the error", async () => {
    const bug = preload("process.stdout.write = () => { throw new Error('a bug'); };");
    await using program = startCli(["--help"], {}, bug);
    const { code, stderr } = await program.ended;
    expect(code).toBe(1);
    expect(stderr).toContain(findPlace("src/program.ts", "process.stdout.write(invocation.text)"));
    expect(stderr).not.toMatch(/at .*dist/);
  });

  it("in the log", async () => {
    const bug = preload("URLSearchParams = class { constructor() { throw new Error('a bug'); } };");
    await using program = startCli(["serve", "--ecu.address=127.0.0.1:9", HERE], {}, bug);
    await (await fetch(`http://127.0.0.1:${await program.port}/`)).text();
    const { stderr } = await program.stop();
    const { err } = JSON.parse(stderr.split("\n").find((line) => line.includes('"err"')) ?? "{}");
    expect(err).toMatchObject({ type: "Error", message: "a bug" });
    expect(err.stack).toContain(findPlace("src/exporter/exporter.ts", "new URLSearchParams("));
    expect(err.stack).not.toContain("dist");
  });
});

describe("the licenses", () => {
  it("are those of every package in the bundle", () => {
    const maps = readdirSync("dist").filter((file) => file.endsWith(".map"));
    const sources = maps.flatMap(
      (file) =>
        (JSON.parse(readFileSync(join("dist", file), "utf8")) as { sources: string[] }).sources,
    );
    const folders = sources.flatMap(
      (source) => /node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? [],
    );
    // Some packages have maps of their own, which name the files that they were built from.
    const packages = [...new Set(folders)]
      .map((folder) => join(folder, "package.json"))
      .filter((manifest) => existsSync(manifest))
      .map((manifest) => JSON.parse(readFileSync(manifest, "utf8")));
    expect(packages.length).toBeGreaterThan(50);
    const text = readFileSync("dist/THIRD-PARTY-LICENSES.txt", "utf8");
    for (const { name, version } of packages)
      expect(`\n${text}`).toContain(`\n${name} ${version}\n`);
    expect(text).toContain("Copyright (c) 2009-2014 TJ Holowaychuk"); // the author of express
  });
});
