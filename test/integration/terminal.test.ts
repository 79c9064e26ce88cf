/** Commands on a real terminal: a pseudo-terminal of script(1). */
import { writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { formatCapture } from "../../src/captures/format.ts";
import { folder } from "../captures/run.ts";
import { createAnswered, createCapture } from "../captures/samples.ts";
import { info } from "../fixtures/frames.ts";
import { startEcu } from "../simulator/client.ts";
import { hasProgram, poll, type RunningProgram, startProgram } from "../support/programs.ts";

const hasScript = hasProgram("script", "--version");

const run = (command: string, env: Record<string, string> = {}): RunningProgram =>
  startProgram("script", ["-qec", `node dist/main.js ${command}`, "/dev/null"], env);

const withoutControl = (program: RunningProgram): string =>
  stripVTControlCharacters(program.output());

/** Waits until the ECU listens. @returns the output until then, without control sequences */
const untilListening = async (program: RunningProgram): Promise<string> => {
  const output = (): string => withoutControl(program);
  await poll(30, async () => output().includes("listens on port") || undefined, output);
  return output();
};

describe.skipIf(!hasScript)("on a terminal", { timeout: 60_000 }, () => {
  it("simulate logs text, and shows the progress of --past", async () => {
    await using program = run("simulate --listen=127.0.0.1:0 --past=60");
    const output = await untilListening(program);
    expect(output).toMatch(/INFO: simulating the history of the ECU \{"days":60\}/);
    expect(output).toContain("60 of 60 days");
    expect(output).toMatch(/INFO: a simulated ECU of family L listens on port \d+ /);
  });

  it("replay logs text", async () => {
    using place = folder();
    const path = place.file("capture.json");
    writeFileSync(path, formatCapture(createCapture(createAnswered("info", info.version11))));
    await using program = run(`replay ${path} --listen=127.0.0.1:0`);
    expect(await untilListening(program)).toMatch(
      /INFO: the ECU of the capture listens on port \d+ /,
    );
  });

  it("read says that it is reading, until it has the values", async () => {
    await using ecu = await startEcu();
    await using program = run(`read 127.0.0.1:${ecu.port} --watch`);
    await poll(
      30,
      async () => program.output().includes("Next read at") || undefined,
      program.output,
    );
    expect(withoutControl(program)).toMatch(
      /^Reading 127\.0\.0\.1:\d+ …\rECU .*Next read at \d\d:\d\d:\d\d; stop with Ctrl\+C\./s,
    );
  });

  it("the flag and the environment variable choose the format", async () => {
    await using byFlag = run("simulate --listen=127.0.0.1:0 --log.format=json");
    await using byVariable = run("simulate --listen=127.0.0.1:0", { LOG_FORMAT: "json" });
    for (const program of [byFlag, byVariable])
      expect(await untilListening(program)).toMatch(/^\{"level":30,.*"msg":"a simulated ECU/);
  });
});

it("simulate logs JSON to a pipe, without a bar", async () => {
  await using program = startProgram(process.execPath, [
    "dist/main.js",
    ...["simulate", "--listen=127.0.0.1:0", "--past=2"],
  ]);
  const lines = (await untilListening(program)).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    "simulating the history of the ECU",
    expect.stringContaining("listens on port"),
  ]);
});
