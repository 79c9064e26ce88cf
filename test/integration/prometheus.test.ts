/** A real Prometheus scrapes the demo, with the configuration of this repository. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  freePort,
  hasProgram,
  poll,
  type RunningProgram,
  startProgram,
} from "../support/programs.ts";
import { queryAt, startPrometheus } from "../support/prometheus.ts";

/** Simulated seconds per second, so that the energy counter rises within the test. */
const TIME_SCALE = 60;
/** Time for two scrapes at the interval in prometheus.yml, and for the start of the programs. */
const TIMEOUT_SECONDS = 150;

describe.skipIf(!hasProgram("prometheus", "--version"))(
  "a Prometheus that scrapes the demo",
  () => {
    const running: RunningProgram[] = [];
    let folder = "";
    let api = "";

    const queryFirst = async (expression: string): Promise<number | undefined> => {
      const [series] = await queryAt(api, expression);
      return series && Number(series.value[1]);
    };

    beforeAll(
      async () => {
        const exporterPort = await freePort();
        folder = await mkdtemp(join(tmpdir(), "prometheus-"));
        const config = await readFile("prometheus.yml", "utf8");
        expect(config).toContain("localhost:10899");
        await writeFile(
          join(folder, "prometheus.yml"),
          config.replace("localhost:10899", `127.0.0.1:${exporterPort}`),
        );
        running.push(
          startProgram(process.execPath, [
            "dist/main.js",
            "demo",
            `--web.listen-address=127.0.0.1:${exporterPort}`,
            `--time-scale=${TIME_SCALE}`,
          ]),
        );
        const prometheus = await startPrometheus({
          config: `${folder}/prometheus.yml`,
          data: `${folder}/data`,
        });
        running.push(prometheus);
        api = prometheus.api;
        const checkTwoScrapes = async () => {
          const count = await queryFirst('count_over_time(ecu_up{ecu="demo"}[5m])');
          return count !== undefined && count >= 2 ? count : undefined;
        };
        await poll(TIMEOUT_SECONDS, checkTwoScrapes, () =>
          running.map((program) => program.output()).join("\n"),
        );
      },
      (TIMEOUT_SECONDS + 30) * 1000,
    );

    afterAll(async () => {
      for (const program of running) await program[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    it("stores that the ECU is up", async () => {
      expect(
        (await queryAt(api, "ecu_up")).map(({ metric, value }) => [
          metric["ecu"],
          metric["job"],
          value[1],
        ]),
      ).toEqual([["demo", "apsystems", "1"]]);
    });

    it("stores the power of each of the 20 channels, which add up to the power of the plant", async () => {
      const channels = await queryAt(api, "inverter_channel_power_watts");
      expect(channels).toHaveLength(20);
      for (const { metric, value } of channels) {
        expect(metric).toMatchObject({ ecu: "demo", uid: expect.stringMatching(/^\d{12}$/) });
        expect(Number(value[1])).toBeGreaterThan(0);
      }
      expect(
        await queryFirst("sum(inverter_channel_power_watts) / on() ecu_power_watts"),
      ).toBeCloseTo(1, 1);
    });

    it("stores a lifetime counter that rises with the power of the plant", async () => {
      expect(await queryFirst("rate(ecu_lifetime_energy_joules_total[5m])")).toBeGreaterThan(0);
      // Not with rate(): with two samples, it extrapolates to a part of its window only.
      const increase = await queryFirst(
        "ecu_lifetime_energy_joules_total - ecu_lifetime_energy_joules_total offset 1m",
      );
      const mean = await queryFirst("avg_over_time(ecu_power_watts[2m])");
      expect((increase ?? 0) / 60 / ((mean ?? 0) * TIME_SCALE)).toBeCloseTo(1, 0);
    });

    it("reports no error for the exposition", async () => {
      const response = await fetch(`${api}/targets`);
      const { data } = (await response.json()) as {
        data: { activeTargets: { health: string; lastError: string }[] };
      };
      expect(data.activeTargets.map(({ health, lastError }) => [health, lastError])).toEqual([
        ["up", ""],
      ]);
    });
  },
);
