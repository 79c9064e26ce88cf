/** Every command: what it does, in one sentence, how it ends, and examples. Help, docs/cli.md and completion are made from this. */
import type { CommandName } from "./settings.ts";

/** What people are told of a command. */
export interface CommandText {
  readonly about: string;
  /** What stands after the program's name, each good to be pasted. */
  readonly examples: readonly string[];
  /** Exit codes beside 0 for success and 2 for a wrong command line, and what they mean. */
  readonly exits?: Readonly<Record<string, string>>;
}

export const commands: Readonly<Record<CommandName, CommandText>> = {
  serve: {
    about: "Ask ECUs when Prometheus scrapes. The default command.",
    examples: [
      "--ecu.address=192.168.1.50",
      "--ecu.address=192.168.1.50 --ecu.timezone=Europe/Amsterdam --log.format=text",
      "--ecu.address=house.lan --ecu.address=barn.lan --web.listen-address=127.0.0.1:10899",
    ],
  },
  demo: {
    about: "Run the exporter on an embedded simulated ECU, to look around without one.",
    examples: ["demo", "demo --inverters=QT2=2,YC600=5 --time-scale=60"],
  },
  simulate: {
    about: "Run a simulated ECU, for other programs to ask.",
    examples: [
      "simulate --family=R --inverters=QS1=5,DS3=3",
      "simulate --start=2026-06-21T22:30:00Z --fault=zeroGlitch",
    ],
  },
  "check-config": {
    about: "Say what is wrong with a configuration file, or that it is right.",
    examples: ["check-config --config.file=apsystems.yml"],
  },
  read: {
    about: "Read an ECU once, and show everything it says.",
    examples: ["read 192.168.1.50", "read 192.168.1.50 --json", "read 192.168.1.50 --watch"],
    exits: {
      "0": "everything was read",
      "1": "a part was read",
      "2": "nothing was read, or the command line is wrong",
    },
  },
  doctor: {
    about: "Find out why an ECU does not answer, or look for ECUs in a network.",
    examples: ["doctor 192.168.1.50", "doctor --find=192.168.1.0/24"],
    exits: {
      "0": "all is well, or an ECU was found",
      "1": "something is wrong, or no ECU was found",
    },
  },
  capture: {
    about:
      "Keep the raw replies of an ECU in a file for a bug report, with serial numbers replaced.",
    examples: ["capture 192.168.1.50 --output=capture.json", "capture 192.168.1.50 --all"],
    exits: { "1": "not every question was answered; the file says which" },
  },
  decode: {
    about: "Show what every byte of a capture means, and where it cannot be read.",
    examples: [
      "decode capture.json",
      "decode 4150533131303033303030303330300615000a0620001412000123454e440a",
    ],
    exits: { "1": "a reply cannot be read" },
  },
  replay: {
    about: "Serve a capture as its ECU would, so that anyone can look into a bug report.",
    examples: ["replay capture.json", "replay capture.json --listen=127.0.0.1:8900"],
  },
  backfill: {
    about: "Write the past that an ECU remembers as OpenMetrics, for Prometheus to import.",
    examples: [
      "backfill --ecu.address=192.168.1.50 --dry-run --output=history.om",
      "backfill --ecu.address=192.168.1.50 --output=history.om --labels=job=apsystems,instance=localhost:10899",
    ],
    exits: { "1": "the ECU did not answer well enough, or it was stopped; nothing was written" },
  },
  completion: {
    about: "Print the completion script of a shell.",
    examples: ["completion bash", "completion zsh", "completion fish"],
  },
};
