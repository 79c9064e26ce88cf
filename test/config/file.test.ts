import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { fileSchema, readConfigFile } from "../../src/config/file.ts";

const read = (text: string) => readConfigFile(text, "apsystems.yml");

describe("a valid configuration file", () => {
  it("needs only an address", () => {
    expect(read("ecus: [{ address: 192.168.1.50 }]")).toEqual({
      value: { ecus: [{ name: "192.168.1.50", host: "192.168.1.50", port: 8899 }] },
    });
  });

  it("has settings of each ECU and defaults for all; an ECU's own settings have priority", () => {
    const text = `
defaults:
  timezone: Europe/Amsterdam
  min_interval: 1m
  timeout: 5s
  command_pause: 1s
  retries: 0
  coordinates: { latitude: 52.09, longitude: 5.12 }
ecus:
  - name: house
    address: ecu.lan:8900
    retries: 3
    timezone: Europe/Berlin
    panels:
      703000000001/1: { panel: A1, array: south, row: 1, column: 12 }
      703000000001/2: { panel: 7 }
  - address: "[fd00::50]"
    coordinates: { latitude: -33.9, longitude: 151.2 }
`;
    const all = {
      timezone: "Europe/Amsterdam",
      minInterval: 60_000,
      timeout: 5_000,
      commandPause: 1_000,
      retries: 0,
      site: { latitude: 52.09, longitude: 5.12 },
    };
    const panels = [
      { uid: "703000000001", channel: 1, panel: "A1", array: "south", row: "1", column: "12" },
      { uid: "703000000001", channel: 2, panel: "7", array: "", row: "", column: "" },
    ];
    const house = { name: "house", host: "ecu.lan", port: 8900, retries: 3, panels };
    const other = { name: "[fd00::50]", host: "fd00::50", port: 8899 };
    expect(read(text)).toEqual({
      value: {
        ecus: [
          { ...all, ...house, timezone: "Europe/Berlin" },
          { ...all, ...other, site: { latitude: -33.9, longitude: 151.2 } },
        ],
      },
    });
  });
});

it("keeps the text of panels that look like numbers", () => {
  const panel = (line: string) =>
    read(`ecus:\n  - address: a\n    panels:\n      703000000001/1: { ${line} }`);
  expect(panel("panel: 01, array: 1.10, row: 007, column: 0x1F")).toMatchObject({
    value: { ecus: [{ panels: [{ panel: "01", array: "1.10", row: "007", column: "0x1F" }] }] },
  });
  expect(panel("panel: true, row: 1e3")).toMatchObject({
    value: { ecus: [{ panels: [{ panel: "true", row: "1e3" }] }] },
  });
});

const intervals = "min_interval, night_interval, timeout, command_pause, retries";
const address = "is not an address; write it as 192.168.1.50, ecu.lan:8899 or [fd00::50]:8899";
const duration = "is not a duration; write it as 250ms, 9.5s or 10m";
const place =
  "is not a serial number of 12 digits and a channel from 1 to 4, such as 703000000001/1";
/** One ECU with a further line. */
const ecu = (line: string) => `ecus:\n  - address: a\n    ${line}`;

it.each<readonly [text: string, ...problems: string[]]>([
  ["", "apsystems.yml: is empty"],
  ["ecus: []", "apsystems.yml:1: ecus: is empty"],
  ["defaults: {}", "apsystems.yml:1: ecus: is missing"],
  [
    "\necu: []",
    "apsystems.yml:1: ecus: is missing",
    "apsystems.yml:2: ecu: is not a known key; known keys are defaults, ecus",
  ],
  ["ecus:\n  - name: house", "apsystems.yml:2: ecus[0].address: is missing"],
  [
    "ecus:\n  - address:",
    "apsystems.yml:2: ecus[0].address: is empty; set a value or remove the key",
  ],
  ["ecus:\n  - address: http://x", `apsystems.yml:2: ecus[0].address: "http://x" ${address}`],
  [
    "ecus:\n  - address: 192.168.1.500",
    `apsystems.yml:2: ecus[0].address: "192.168.1.500" ${address}`,
  ],
  [
    "ecus:\n  - address: a:0",
    'apsystems.yml:2: ecus[0].address: "a:0" needs a port from 1 to 65535',
  ],
  [
    "ecus:\n  - address: 7",
    "apsystems.yml:2: ecus[0].address: must be a string, not a number; put it in quotes",
  ],
  [
    ecu("name: 7"),
    "apsystems.yml:3: ecus[0].name: must be a string, not a number; put it in quotes",
  ],
  [
    ecu("name: my house"),
    'apsystems.yml:3: ecus[0].name: "my house" is not a name; use up to 100 letters, digits, dots, hyphens and underscores',
  ],
  [
    ecu("timezone: Mars/Olympus"),
    'apsystems.yml:3: ecus[0].timezone: "Mars/Olympus" is not a time zone; write it as Europe/Amsterdam or America/New_York',
  ],
  [ecu("min_interval: 30"), `apsystems.yml:3: ecus[0].min_interval: "30" ${duration}`],
  [ecu("min_interval: 30 s"), `apsystems.yml:3: ecus[0].min_interval: "30 s" ${duration}`],
  [ecu("timeout: 1h"), 'apsystems.yml:3: ecus[0].timeout: "1h" is not between 100ms and 10m'],
  [
    ecu("command_pause: 2m"),
    'apsystems.yml:3: ecus[0].command_pause: "2m" is not between 0s and 1m',
  ],
  [ecu("retries: 11"), "apsystems.yml:3: ecus[0].retries: is above 10"],
  [ecu("retries: -1"), "apsystems.yml:3: ecus[0].retries: is below 0"],
  [ecu("retries: two"), "apsystems.yml:3: ecus[0].retries: must be a number, not a string"],
  [
    ecu("coordinates: { latitude: 91, longitude: -181 }"),
    "apsystems.yml:3: ecus[0].coordinates.latitude: is above 90",
    "apsystems.yml:3: ecus[0].coordinates.longitude: is below -180",
  ],
  [
    ecu("coordinates: { latitude: 1 }"),
    "apsystems.yml:3: ecus[0].coordinates.longitude: is missing",
  ],
  [ecu("panels: { A1: { panel: x } }"), `apsystems.yml:3: ecus[0].panels.A1: ${place}`],
  [
    ecu("panels: { 703000000001/5: { panel: x } }"),
    `apsystems.yml:3: ecus[0].panels.703000000001/5: ${place}`,
  ],
  [
    ecu(
      'panels: { 703000000001/1: { panel: "A\\t1", array: "\\x1b[2J", row: "\\n", column: "\\x85" } }',
    ),
    ...["panel", "array", "row", "column"].map(
      (key) =>
        `apsystems.yml:3: ecus[0].panels.703000000001/1.${key}: contains a control character, such as a line break`,
    ),
  ],
  [
    ecu("panels: { 703000000001/1: { panel: } }"),
    "apsystems.yml:3: ecus[0].panels.703000000001/1.panel: is empty; set a value or remove the key",
  ],
  [
    ecu("panels: { 703000000001/1: { panel: [1] } }"),
    "apsystems.yml:3: ecus[0].panels.703000000001/1.panel: is invalid",
  ],
  [
    ecu("panels: { 703000000001/1: { array: x } }"),
    "apsystems.yml:3: ecus[0].panels.703000000001/1.panel: is missing",
  ],
  [
    ecu("interval: 30s"),
    `apsystems.yml:3: ecus[0].interval: is not a known key; known keys are name, address, timezone, coordinates, snow, panels, ${intervals}`,
  ],
  [
    "defaults:\n  adress: x\necus:\n  - address: a",
    `apsystems.yml:2: defaults.adress: is not a known key; known keys are timezone, coordinates, snow, ${intervals}`,
  ],
  [ecu("address: b"), "apsystems.yml:3: address: is set twice"],
])("rejects %j", (text, ...expected) => {
  expect(read(text)).toEqual({ problems: expected });
});

it("reports all problems at once, in the order of the lines", () => {
  const text =
    "defaults:\n  retries: 99\necus:\n  - address: ''\n    timeout: soon\n  - name: barn\n";
  expect(read(text)).toEqual({
    problems: [
      "apsystems.yml:2: defaults.retries: is above 10",
      `apsystems.yml:4: ecus[0].address: "" ${address}`,
      `apsystems.yml:5: ecus[0].timeout: "soon" ${duration}`,
      "apsystems.yml:6: ecus[1].address: is missing",
    ],
  });
});

it("has its JSON schema for editors in docs (npm run generate)", () => {
  const committed = JSON.parse(readFileSync("docs/apsystems.schema.json", "utf8"));
  expect(z.toJSONSchema(fileSchema, { io: "input" })).toEqual(committed);
});
