/** Every command, in the order of the help. A new command needs an entry here and its own file. */
import { backfill } from "../commands/backfill/command.ts";
import { capture } from "../commands/capture/command.ts";
import { checkConfig } from "../commands/check-config.ts";
import { completion } from "../commands/completion.ts";
import { decode } from "../commands/decode/command.ts";
import { demo } from "../commands/demo.ts";
import { doctor } from "../commands/doctor/command.ts";
import { read } from "../commands/read/command.ts";
import { replay } from "../commands/replay.ts";
import { serve } from "../commands/serve.ts";
import { simulate } from "../commands/simulate.ts";

export const commands = [
  serve,
  demo,
  simulate,
  checkConfig,
  read,
  doctor,
  capture,
  decode,
  replay,
  backfill,
  completion,
] as const;

/** Name of a command. */
export type CommandName = (typeof commands)[number]["name"];
