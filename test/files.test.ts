import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { UsageError } from "../src/config/usage-error.ts";
import { assertWritable, writeFileAtomic, writeOutputFile } from "../src/files.ts";
import { folder } from "./captures/run.ts";

const catchProblems = async (path: string, mayReplace = false): Promise<readonly string[]> => {
  const error = await assertWritable(path, mayReplace).catch((thrown: unknown) => thrown);
  return error instanceof UsageError ? error.problems : [];
};

it("writes a complete file, and leaves no other files", async () => {
  using place = folder();
  await assertWritable(place.file("a"), false);
  expect(readdirSync(place.file("."))).toEqual([]);
  await writeOutputFile(place.file("a"), "one");
  await writeOutputFile(place.file("a"), "two");
  await writeFileAtomic(place.file("deep/er/b"), "three", { makeFolders: true });
  expect(readFileSync(place.file("a"), "utf8")).toBe("two");
  expect(readFileSync(place.file("deep/er/b"), "utf8")).toBe("three");
  expect(readdirSync(place.file("."))).toEqual(["a", "deep"]);
  expect(readdirSync(place.file("deep/er"))).toEqual(["b"]);
});

it("writes beside anything that a killed process with the same id left", async () => {
  using place = folder();
  mkdirSync(place.file(`a.${process.pid}.tmp`));
  writeFileSync(place.file(`b.${process.pid}.tmp`), "cut");
  for (const name of ["a", "b"]) {
    await assertWritable(place.file(name), false);
    await writeOutputFile(place.file(name), "one");
  }
  const left = [`a.${process.pid}.tmp`, `b.${process.pid}.tmp`];
  expect(readdirSync(place.file(".")).sort()).toEqual(["a", "b", ...left].sort());
});

it("reports a path that cannot be written, before any query", async () => {
  using place = folder();
  mkdirSync(place.file("folder"));
  const inNone = place.file("none/a");
  expect(await catchProblems(inNone)).toEqual([
    `${inNone} cannot be written: there is no such folder`,
  ]);
  expect(await catchProblems(place.file("folder"))).toEqual([
    `${place.file("folder")} cannot be written: it is a folder`,
  ]);
  expect(await catchProblems("/dev/null")).toEqual([
    "/dev/null cannot be written: it is not a regular file",
  ]);
  expect(await catchProblems(place.file("free"))).toEqual([]);
  expect(readdirSync(place.file("."))).toEqual(["folder"]);
});

it("replaces a file only if the user allowed it", async () => {
  using place = folder();
  const path = place.file("a");
  writeFileSync(path, "");
  expect(await catchProblems(path)).toEqual([
    `${path} cannot be written: it exists; choose another name, or set --force to replace it`,
  ]);
  expect(await catchProblems(path, true)).toEqual([]);
});

it("keeps the old file if the new one cannot replace it", async () => {
  using place = folder();
  mkdirSync(place.file("a"));
  await expect(writeOutputFile(place.file("a"), "text")).rejects.toThrow(UsageError);
  expect(readdirSync(place.file("."))).toEqual(["a"]);
});
