/** The completion scripts, executed in the shells. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnyCommand } from "../../src/cli/command.ts";
import { commands } from "../../src/cli/registry.ts";
import { read } from "../../src/commands/read/command.ts";
import { isBareSwitch, type Setting } from "../../src/config/setting.ts";
import { hasProgram } from "../support/programs.ts";

const PROGRAM = "apsystems-ecu-exporter";
const listFlags = ({ settings }: AnyCommand): Setting<unknown>[] =>
  Object.values(settings).filter(({ positional }) => !positional);

describe("completion", () => {
  let folder = "";
  const scriptPath = (shell: string): string => join(folder, `completion.${shell}`);
  /** Runs a script in a shell with an empty home folder. @returns the output */
  const runScript = (shell: string, args: readonly string[], script: string): string => {
    const env = { PATH: process.env["PATH"] ?? "", HOME: folder, TERM: "dumb" };
    const { stdout, stderr } = spawnSync(shell, [...args, script], { env, encoding: "utf8" });
    expect(stderr).toBe("");
    return stdout;
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "completion-"));
    for (const shell of ["bash", "zsh", "fish"]) {
      const { stdout } = spawnSync(process.execPath, ["dist/main.js", "completion", shell], {
        encoding: "utf8",
      });
      writeFileSync(scriptPath(shell), stdout);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.skipIf(!hasProgram("bash", "--version"))("in bash", () => {
    /** The completions of the last word of each command line. */
    const complete = (lines: readonly (readonly string[])[]): string[][] => {
      const tries = lines.map(
        (words) =>
          `COMP_WORDS=(${[PROGRAM, ...words].map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _apsystems_ecu_exporter; echo "\${COMPREPLY[*]}"`,
      );
      const script = [`source ${scriptPath("bash")}`, ...tries].join("\n");
      const outputs = runScript("bash", ["--norc", "-c"], script).trimEnd().split("\n");
      return outputs.map((output) => (output === "" ? [] : output.split(" ")));
    };

    it("completes commands, and flags of serve if no command is given", () => {
      expect(complete([[""], ["re"], ["--ecu.t"], ["completion", ""]])).toEqual([
        [...commands.map(({ name }) => name), "help"],
        ["read", "replay"],
        ["--ecu.timezone=", "--ecu.timeout="],
        ["bash", "zsh", "fish"],
      ]);
    });

    it("completes every flag of every command", () => {
      const lines = commands.map(({ name }) => [name, "--"]);
      expect(complete(lines)).toEqual(
        commands.map((command) => [
          ...listFlags(command).map((row) => (row.isSwitch ? `--${row.flag}` : `--${row.flag}=`)),
          "--help",
        ]),
      );
    });
  });

  describe.skipIf(!hasProgram("fish", "--version"))("in fish", () => {
    const complete = (line: string): string[] =>
      runScript(
        "fish",
        ["--no-config", "-c"],
        `source ${scriptPath("fish")}; complete -C "${PROGRAM} ${line}"`,
      )
        .trimEnd()
        .split("\n")
        .map((output) => output.split("\t")[0] ?? "");

    it("completes commands, shells, and every flag of every command", () => {
      expect(complete("re")).toEqual(["read", "replay"]);
      expect(complete("completion ").sort()).toEqual(["bash", "fish", "zsh"]);
      for (const command of commands) {
        const { name } = command;
        if (listFlags(command).length === 0) continue;
        const flags = listFlags(command).map(({ flag }) => `--${flag}`);
        expect(complete(`${name} --`).sort(), name).toEqual(["--help", ...flags].sort());
      }
    });
  });

  describe.skipIf(!hasProgram("zsh", "--version"))("in zsh", () => {
    it("completes a command and a flag during typing", () => {
      const script = [
        "zmodload zsh/zpty",
        "zpty shell zsh -f -i",
        `zpty -w shell "source ${scriptPath("zsh")}; bindkey '^I' complete-word; echo 're''ady'"`,
        "zpty -r -m shell screen '*ready*'",
        `zpty -w -n shell $'${PROGRAM} rea\\t --js\\t'`,
        "zpty -r -m shell screen '*json*'",
        'print -r -- "$screen"',
        "zpty -d shell",
      ].join("\n");
      const output = runScript("timeout", ["20", "zsh", "-f", "-c"], script);
      const line = stripVTControlCharacters(output).replaceAll("\b", "");
      expect(line).toContain(`${PROGRAM} read  --json`);
    });
  });

  it("isBareSwitch finds the flags without a value", () => {
    expect(
      listFlags(read)
        .filter(isBareSwitch)
        .map(({ flag }) => flag),
    ).toEqual(["json", "watch"]);
  });
});
