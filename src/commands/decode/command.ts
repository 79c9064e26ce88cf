import { defineCommand } from "../../cli/command.ts";
import { setting, type Values } from "../../config/setting.ts";
import { nonEmptyText } from "../../config/values.ts";

const settings = {
  input: setting({
    flag: "capture",
    value: "FILE|HEX",
    help: "File of a capture, or the bytes of one reply as hexadecimal digits.",
    positional: true,
    requiredMessage:
      "name the file of a capture, or give the bytes of a reply as hexadecimal digits",
    parse: nonEmptyText,
  }),
};

/** Configuration of the command. */
export type DecodeConfig = Values<typeof settings>;

/** Prints the meaning of every byte of a capture. */
export const decode = defineCommand({
  name: "decode",
  summary: "Print the meaning of every byte of a capture, and the errors in invalid replies.",
  examples: [
    "decode capture.json",
    "decode 4150533131303033303030303330300615000a0620001412000123454e440a",
  ],
  exitCodes: { "1": "a reply is invalid" },
  settings,
  run: async (config) => (await import("./decode.ts")).decode(config),
});
