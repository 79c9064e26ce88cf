/** Which libraries a command loads: each costs time at every start, and memory as long as the program runs. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { folder } from "./captures/run.ts";
import { HERE, type Program, startCli } from "./support/cli.ts";

const start = (...args: string[]): Program =>
  startCli(args, {}, { nodeArgs: ["--import=./test/support/loaded-files.mjs"] });

const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));

/** The packages in a file of the bundle that this package names itself, by its source map. */
const listPackages = (file: string): readonly string[] => {
  if (!existsSync(`${file}.map`)) return []; // it only loads others
  const { sources } = JSON.parse(readFileSync(`${file}.map`, "utf8")) as { sources: string[] };
  return sources
    .map((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? "")
    .filter((name) => name in devDependencies);
};

/** The packages that a command loads until it ends, or until it listens. */
const loadedBy = async (...args: string[]): Promise<string[]> => {
  await using program = start(...args);
  await Promise.race([program.port.catch(() => {}), program.ended]);
  const files = [...program.output().stdout.matchAll(/^loaded (.+\/dist\/.+)$/gm)];
  return [...new Set(files.flatMap(([, file = ""]) => listPackages(file)))].sort();
};

const SERVER = [
  "commander",
  "compression",
  "escape-html",
  "express",
  "helmet",
  "on-headers",
  "pino",
  "prom-client",
  "suncalc",
  "temporal-polyfill",
];

it.each([["--version"], ["--help"], ["serve", "--help"], ["completion", "bash"], ["serve"]])(
  "%s loads only the command line",
  async (...args) => {
    expect(await loadedBy(...args)).toEqual(["commander"]);
  },
);

it("serve loads the web server and the log, and neither configuration files nor the simulator", async () => {
  expect(await loadedBy("serve", "--ecu.address=127.0.0.1:9", HERE)).toEqual(SERVER);
});

it("serve loads the schema library for a configuration file, and the text log if it is chosen", async () => {
  using temporary = folder();
  const file = temporary.file("apsystems.yml");
  writeFileSync(file, "ecus: [{ address: '127.0.0.1:9' }]\n");
  const loaded = await loadedBy("serve", `--config.file=${file}`, HERE, "--log.format=text");
  expect(loaded).toEqual(expect.arrayContaining(["pino-pretty", "yaml", "zod"]));
});

it("demo loads the same as serve", async () => {
  expect(await loadedBy("demo", HERE)).toEqual(SERVER);
});

it("the thread that compares passwords loads nothing of the commands", () => {
  const imported = [...readFileSync("dist/bcrypt-thread.js", "utf8").matchAll(/from "(.+)";$/gm)];
  const others = imported.flatMap(([, file = ""]) => (file.startsWith(".") ? [file] : []));
  expect(others.map((file) => file.replace(/-[\w-]{8}\.js$/, ""))).toEqual([
    "./rolldown-runtime",
    "./start",
  ]);
});
