/** The program at several addresses, and at sockets that systemd opened. */
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import {
  freePort,
  hasProgram,
  poll,
  type RunningProgram,
  runWithInput,
  startProgram,
} from "../../support/programs.ts";

vi.setConfig({ testTimeout: 60_000 }); // starts other programs

const SERVE = ["dist/main.js", "serve", "--ecu.address=127.0.0.1:9", "--log.format=text"];

const fetchHealth = async (url: string, { output }: RunningProgram): Promise<number> =>
  await poll(20, async () => (await fetch(`${url}/-/healthy`)).status, output);

it("serves at every listen address", async () => {
  const [first, second] = [await freePort(), await freePort()];
  await using program = startProgram(process.execPath, [
    ...SERVE,
    `--web.listen-address=127.0.0.1:${first}`,
    `--web.listen-address=127.0.0.2:${second}`,
  ]);
  expect(await fetchHealth(`http://127.0.0.1:${first}`, program)).toBe(200);
  expect(await fetchHealth(`http://127.0.0.2:${second}`, program)).toBe(200);
  expect(program.output()).toContain(
    `serving metrics at http://127.0.0.1:${first}/metrics and http://127.0.0.2:${second}/metrics`,
  );
});

it("ends if one of the addresses is in use", async () => {
  const [free, used] = [await freePort(), await freePort()];
  const listen = (port: number): string => `--web.listen-address=127.0.0.1:${port}`;
  await using program = startProgram(process.execPath, [...SERVE, listen(used)]);
  await fetchHealth(`http://127.0.0.1:${used}`, program);
  const { code, output } = runWithInput(
    process.execPath,
    [...SERVE, listen(free), listen(used)],
    "",
  );
  expect(code).toBe(2);
  expect(output).toContain(
    `cannot listen: port ${used} is in use, possibly by another instance of this program; choose another port with --web.listen-address`,
  );
});

it("ends if systemd passed no socket", () => {
  const { code, output } = runWithInput(process.execPath, [...SERVE, "--web.systemd-socket"], "");
  expect([code, output]).toEqual([
    2,
    "apsystems-ecu-exporter: --web.systemd-socket: systemd passed no socket; start the service through a socket unit, see docs/deployment.md\n",
  ]);
});

describe.skipIf(!hasProgram("systemd-socket-activate", "--version"))("socket activation", () => {
  it("serves at every socket, and not at the listen address", async () => {
    const folder = mkdtempSync(join(tmpdir(), "socket-"));
    const [port, other] = [await freePort(), await freePort()];
    const path = join(folder, "web.sock");
    try {
      await using program = startProgram("systemd-socket-activate", [
        `--listen=127.0.0.1:${port}`,
        `--listen=${path}`,
        process.execPath,
        ...SERVE,
        "--web.systemd-socket",
        `--web.listen-address=127.0.0.1:${other}`,
      ]);
      // The first connection starts the exporter.
      expect(await fetchHealth(`http://127.0.0.1:${port}`, program)).toBe(200);
      const status = await new Promise((resolve, reject) => {
        request({ socketPath: path, path: "/-/healthy" }, ({ statusCode }) => resolve(statusCode))
          .on("error", reject)
          .end();
      });
      expect(status).toBe(200);
      await expect(fetch(`http://127.0.0.1:${other}/-/healthy`)).rejects.toThrow("fetch failed");
      expect(program.output()).toContain(
        `serving metrics at http://127.0.0.1:${port}/metrics and a Unix socket`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
