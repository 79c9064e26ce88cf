/** The programs `decode`, `capture` and `replay`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatCapture } from "../../src/captures/format.ts";
import { encodeRequest } from "../../src/protocol/requests.ts";
import { folder } from "../captures/run.ts";
import { createAnswered, createCapture } from "../captures/samples.ts";
import { info } from "../fixtures/frames.ts";
import { dial, startEcu } from "../simulator/client.ts";

const STARTING_MS = 30_000; // the program is compiled as it starts, on a machine that may be busy

const start = (...args: string[]) => {
  const child = spawn(process.execPath, ["dist/main.js", ...args]);
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (chunk) => {
      output[stream] += chunk;
    });
  }
  const ended = once(child, "close").then(([code]) => ({ code, ...output }));
  return { child, output, ended };
};

describe("the program", { timeout: STARTING_MS }, () => {
  it("replays a capture at the logged port until it is stopped", async () => {
    using place = folder();
    const path = place.file("capture.json");
    writeFileSync(path, formatCapture(createCapture(createAnswered("info", info.version11))));
    const { child, output, ended } = start("replay", path, "--listen=127.0.0.1:0");
    try {
      while (!output.stderr.includes('"port":')) await once(child.stderr, "data");
      const port = Number(/"port":(\d+)/.exec(output.stderr)?.[1]);
      using client = await dial({ host: "127.0.0.1", port });
      client.send(encodeRequest("info"));
      expect(await client.replies()).toEqual([info.version11]);
      child.kill("SIGTERM");
      expect(await ended).toMatchObject({ code: 0, stdout: "" });
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("writes a capture to a file and a summary to standard error", async () => {
    using place = folder();
    await using ecu = await startEcu();
    const output = place.file("capture.json");
    const { ended } = start(
      "capture",
      `127.0.0.1:${ecu.port}`,
      `--output=${output}`,
      "--ecu.command-pause=20ms",
    );
    expect(await ended).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringContaining("3 of 3"),
    });
    expect(readdirSync(place.file("."))).toEqual(["capture.json"]);
    expect(JSON.parse(readFileSync(output, "utf8"))).toMatchObject({ version: 1 });
  });

  it.each([
    ["decode", "none.json is neither the name of a file nor hexadecimal digits"],
    ["replay", "none.json cannot be read: there is no such file"],
  ])("%s rejects invalid input with one line and exit code 2", async (command, problem) => {
    const { ended } = start(command, "none.json");
    expect(await ended).toEqual({
      code: 2,
      stdout: "",
      stderr: `apsystems-ecu-exporter: ${problem}\n`,
    });
  });
});
