import { defineCommand } from "../cli/command.ts";
import { completionScript, shells } from "../cli/completion.ts";
import { setting } from "../config/setting.ts";
import { oneOf } from "../config/values.ts";

/** Prints the script with which a shell completes commands and flags. */
export const completion = defineCommand({
  name: "completion",
  summary: "Print the completion script for a shell.",
  examples: ["completion bash", "completion zsh", "completion fish"],
  settings: {
    shell: setting({
      flag: "shell",
      value: "SHELL",
      help: "bash, zsh or fish.",
      positional: true,
      words: shells,
      requiredMessage: "name the shell: bash, zsh or fish",
      parse: oneOf(shells),
    }),
  },
  run: ({ shell }, { commands }) => {
    process.stdout.write(completionScript(shell, commands));
    return Promise.resolve(0);
  },
});
