/** Hostile replies. The same seed and number always give the same reply. */
import { encodeReply, encodeStatus } from "../../src/protocol/replies.ts";
import { type Command, commands } from "../../src/protocol/requests.ts";
import { type ModelName, models } from "../../src/simulator/models.ts";
import { createPlant } from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import { goodReplies } from "../fixtures/frames.ts";

/** Bytes instead of a reply, and the command of the request. */
export interface HostileReply {
  readonly command: Command;
  readonly bytes: Buffer;
}

/** A random integer from 0 to `below` - 1. */
type Dice = (below: number) => number;

const NOON = Date.parse("2026-06-21T12:00:00Z");
const EVERY_MODEL = (Object.keys(models) as ModelName[]).map((name) => [name, 2] as const);

/** Replies of simulated ECUs with each inverter model, and of one with 50 inverters. */
const simulated = (["R", "L"] as const).flatMap((family): HostileReply[] => {
  const rounds = (inverters: readonly (readonly [ModelName, number])[]) => {
    const site = { latitude: 28, longitude: 0 };
    const plant = createPlant(inverters, site, 1);
    return createRounds({ plant, family, zone: "Europe/Amsterdam", start: NOON });
  };
  const small = rounds(EVERY_MODEL);
  const version = family === "L" ? "12" : "11";
  return [
    { command: "info", bytes: encodeReply("info", small.info(NOON), version) },
    { command: "realtime", bytes: encodeReply("realtime", small.realtime(NOON)) },
    { command: "signal", bytes: encodeReply("signal", small.signal(NOON)) },
    { command: "realtime", bytes: encodeReply("realtime", rounds([["QS1", 50]]).realtime(NOON)) },
  ];
});
const originals: readonly HostileReply[] = [
  ...goodReplies.map(([, command, bytes]) => ({ command, bytes })),
  { command: "realtime", bytes: encodeStatus("realtime", "01") },
  { command: "realtime", bytes: encodeStatus("realtime", "02") },
  { command: "signal", bytes: encodeStatus("signal", "01") },
  ...simulated,
];
const everyCommand = Object.keys(commands) as Command[];

const HEAD_BYTES = 13;
const COUNT_AT = 17;
const RECORDS_AT = 26;
const LONGEST = 10_000;
/** Bytes with a meaning in the protocol, and their neighbours. */
const MEANINGFUL_BYTES = [
  ...Buffer.from("\0\x01\x02\x09\x0a\x7f\xff '0123456789APSENDd{}\"\\é", "latin1"),
];
const MEANINGFUL_COUNTS = [0, 1, 2, 255, 256, 1_107, 7_281, 65_535];
const TYPE_CODES = ["00", "01", "02", "03", "04", "05", "06", "77", "99", "  ", "0:", "AB", "\0\0"];
const LENGTHS = [
  "0000",
  "0008",
  "0014",
  "0015",
  "9999",
  " 100",
  "-001",
  "1e03",
  "0x1f",
  "12.5",
  "\0\0\0\0",
];

const pick = <T>(items: readonly T[], dice: Dice): T => items[dice(items.length)] as T;
const noise = (length: number, dice: Dice): Buffer =>
  Buffer.from(Array.from({ length }, () => dice(256)));

/** Changes that radio, firmware, other programs and attackers make to a reply, in place. */
const mutations: Readonly<Record<string, (frame: Buffer, dice: Dice) => Buffer>> = {
  flippedBits: (frame, dice) => {
    for (let flips = 1 + dice(8); flips > 0; flips--) {
      const position = dice(frame.length);
      frame.writeUInt8(frame.readUInt8(position) ^ (1 << dice(8)), position);
    }
    return frame;
  },
  tellingBytes: (frame, dice) => {
    for (let more = 1 + dice(4); more > 0; more--) {
      frame.writeUInt8(pick(MEANINGFUL_BYTES, dice), dice(frame.length));
    }
    return frame;
  },
  cut: (frame, dice) => frame.subarray(0, dice(frame.length)),
  hole: (frame, dice) => {
    const from = dice(frame.length);
    return Buffer.concat([frame.subarray(0, from), frame.subarray(from + 1 + dice(30))]);
  },
  inserted: (frame, dice) => {
    const at = dice(frame.length);
    return Buffer.concat([frame.subarray(0, at), noise(1 + dice(30), dice), frame.subarray(at)]);
  },
  spliced: (frame, dice) => {
    const other = pick(originals, dice).bytes;
    return Buffer.concat([
      frame.subarray(0, dice(frame.length)),
      other.subarray(dice(other.length)),
    ]);
  },
  doubled: (frame, dice) => {
    const from = dice(frame.length);
    const piece = frame.subarray(from, from + 1 + dice(60));
    return Buffer.concat([frame.subarray(0, from), piece, piece, frame.subarray(from)]);
  },
  lyingLength: (frame, dice) => {
    const any = String(dice(10_000)).padStart(4, "0");
    frame.write(dice(2) === 0 ? any : pick(LENGTHS, dice), Math.min(5, frame.length), "latin1");
    return frame;
  },
  lyingCount: (frame, dice) => {
    const count = dice(2) === 0 ? dice(300) : pick(MEANINGFUL_COUNTS, dice);
    const at = dice(3) === 0 ? 46 + 2 * dice(2) : COUNT_AT; // of 0001, or of 0002
    if (frame.length >= at + 2) frame.writeUInt16BE(count, at);
    return frame;
  },
  lyingTypes: (frame, dice) => {
    const places = typePlaces(frame);
    const isAll = dice(4) === 0;
    const code = pick(TYPE_CODES, dice);
    if (places.length === 0) return frame;
    for (const position of isAll ? places : [pick(places, dice)])
      frame.write(code, position, "latin1");
    return frame;
  },
  padded: (frame, dice) =>
    Buffer.concat([frame.subarray(0, -4), noise(1 + dice(200), dice), frame.subarray(-4)]),
};
const everyMutation = Object.values(mutations);

/** Positions at which a flag and two digits may belong to a record. */
const typePlaces = (frame: Buffer): number[] => {
  const isDigit = (at: number): boolean => (frame[at] ?? 0) >= 0x30 && (frame[at] ?? 0) <= 0x39;
  const places: number[] = [];
  for (let at = RECORDS_AT + 7; at + 1 < frame.length; at++) {
    if ((frame[at - 1] ?? 2) <= 1 && isDigit(at) && isDigit(at + 1)) places.push(at);
  }
  return places;
};

/** The same body in a valid envelope, so that it passes the checks of the frame. */
const sealed = (frame: Buffer): Buffer => {
  if (frame.length < HEAD_BYTES + 4) return frame;
  const reply = Buffer.from(frame.subarray(0, LONGEST));
  reply.write(String(reply.length - 1).padStart(4, "0"), 5, "latin1");
  reply.write("END\n", reply.length - 4, "latin1");
  return reply;
};

/** A table of maximum size in which a record may start every few bytes: the most possible paths through it. */
const maze = (dice: Dice): HostileReply => {
  const step = [dice(2), 0x30 + dice(10), 0x30 + dice(10), ...noise(dice(3) * 3, dice)];
  const length = dice(4) === 0 ? 27 + dice(LONGEST - 27) : LONGEST - dice(30);
  const bytes = Buffer.alloc(length);
  for (let at = RECORDS_AT; at < length; at++)
    bytes[at] = step[(at - RECORDS_AT) % step.length] ?? 0;
  bytes.write("APS11----00020001", "latin1");
  bytes.writeUInt16BE(dice(1_300), COUNT_AT);
  bytes.write("20260621120000", COUNT_AT + 2, "hex");
  return { command: "realtime", bytes: sealed(bytes) };
};
const MAZE_ONE_IN = 1_000;

/** The hostile reply with this number of a seed. */
export const createHostileReply = (seed: number, number: number): HostileReply => {
  let throws = 0;
  const dice: Dice = (below) => Math.floor(random(seed, number, throws++) * below);
  if (dice(MAZE_ONE_IN) === 0) return maze(dice);
  const original = pick(originals, dice);
  let bytes: Buffer = Buffer.from(original.bytes);
  for (let more = 1 + dice(3); more > 0 && bytes.length > 0; more--) {
    bytes = pick(everyMutation, dice)(bytes, dice);
  }
  const command = dice(50) === 0 ? pick(everyCommand, dice) : original.command;
  return { command, bytes: dice(10) < 7 ? sealed(bytes) : bytes };
};
