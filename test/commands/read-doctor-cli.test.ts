/** `read` and `doctor` as their users start them: processes with arguments and an exit code. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { startEcu } from "../simulator/client.ts";

const STARTING_MS = 30_000; // the program is compiled as it starts, on a machine that may be busy

const start = (...args: readonly string[]) => {
  const child = spawn(process.execPath, ["dist/main.js", ...args], {
    env: { PATH: process.env["PATH"] ?? "", FORCE_COLOR: "1" },
  });
  const told = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (chunk) => {
      told[stream] += chunk;
    });
  }
  const ended = once(child, "close").then(([code]) => ({ code, ...told }));
  return { child, told, ended };
};

describe.concurrent("on the command line", { timeout: STARTING_MS }, () => {
  it("read prints one read without colours into a pipe, and ends with 0", async () => {
    await using ecu = await startEcu();
    const { code, stdout, stderr } = await start("read", `127.0.0.1:${ecu.port}`).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("3 of 3 online");
    expect(stdout).not.toContain("\u001b");
  });

  it("read of an ECU that is not there ends with 2", async () => {
    await using ecu = await startEcu({ faults: ["refuse"] });
    const { code } = await start("read", `127.0.0.1:${ecu.port}`, "--json").ended;
    expect(code).toBe(2);
  });

  it("read --watch goes on until Ctrl-C, and ends with 0", async () => {
    await using ecu = await startEcu();
    const { child, told, ended } = start("read", `127.0.0.1:${ecu.port}`, "--watch", "--json");
    while (!told.stdout.includes("\n")) await Promise.race([once(child.stdout, "data"), ended]);
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout).result).toBe("complete");
  });

  it("doctor ends with 1 where something is wrong", async () => {
    await using ecu = await startEcu({ faults: ["emptyClose"] });
    const { code, stdout, stderr } = await start("doctor", `127.0.0.1:${ecu.port}`).ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toContain("[closed]");
  });

  it.each([
    [["doctor"], "name the ECU, as in: doctor 192.168.1.50, or the network to search"],
    [["doctor", "--find=10.0.0.0/8"], "has more than 4096 addresses"],
  ])("%j ends with 2 and one sentence", async (args, problem) => {
    const { code, stdout, stderr } = await start(...args).ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.split("\n")).toHaveLength(2);
    expect(stderr).toContain(problem);
  });
});
