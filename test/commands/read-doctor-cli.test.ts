/** `read` and `doctor` as processes, with arguments and exit codes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { startEcu } from "../simulator/client.ts";

const STARTING_MS = 30_000; // generous, for a busy machine

const start = (...args: readonly string[]) => {
  const child = spawn(process.execPath, ["dist/main.js", ...args], {
    env: { PATH: process.env["PATH"] ?? "", FORCE_COLOR: "1" },
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (chunk) => {
      output[stream] += chunk;
    });
  }
  const ended = once(child, "close").then(([code]) => ({ code, ...output }));
  return { child, output, ended };
};

describe.concurrent("the command", { timeout: STARTING_MS }, () => {
  it("read prints one read without colours to a pipe, and exits with 0", async () => {
    await using ecu = await startEcu();
    const { code, stdout, stderr } = await start("read", `127.0.0.1:${ecu.port}`).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("3 of 3 online");
    expect(stdout).not.toContain("\u001b");
  });

  it("read exits with 2 if the ECU refuses the connection", async () => {
    await using ecu = await startEcu({ faults: ["refuse"] });
    const { code } = await start("read", `127.0.0.1:${ecu.port}`, "--json").ended;
    expect(code).toBe(2);
  });

  it("read --watch runs until Ctrl-C, and exits with 0", async () => {
    await using ecu = await startEcu();
    const { child, output, ended } = start("read", `127.0.0.1:${ecu.port}`, "--watch", "--json");
    while (!output.stdout.includes("\n")) await Promise.race([once(child.stdout, "data"), ended]);
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout).result).toBe("complete");
  });

  it("doctor exits with 1 if something is wrong", async () => {
    await using ecu = await startEcu({ faults: ["emptyClose"] });
    const { code, stdout, stderr } = await start("doctor", `127.0.0.1:${ecu.port}`).ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toContain("[closed]");
  });

  it.each([
    [["doctor"], "name the ECU, as in: doctor 192.168.1.50, or the network to search"],
    [["doctor", "--find=10.0.0.0/8"], "has more than 4096 addresses"],
  ])("%j exits with 2 and one error message", async (args, problem) => {
    const { code, stdout, stderr } = await start(...args).ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.split("\n")).toHaveLength(2);
    expect(stderr).toContain(problem);
  });
});
