import { describe, expect, it } from "vitest";
import { canWrapInDay, readMonths, readTable, unwrapEnergy } from "../../src/history/table.ts";
import { decodeReply } from "../../src/protocol/replies.ts";
import { KWH } from "./past.ts";

const CEILING = Math.round(655.35 * KWH);
const S3 = "41505331313030333230303034303030302024010104d220240102ffff454e440a";
const S4 =
  "4150533132303034343030303430303031202309020000023d202309030000027a20230904000003a5454e440a";
const read = (hex: string) => {
  const bytes = Buffer.from(hex, "hex");
  return [decodeReply("energy", bytes), bytes.length] as const;
};

describe("a table of energies", () => {
  it("of version 11 has two bytes per energy: vector S3", () => {
    expect([...readTable(...read(S3))]).toEqual([
      ["20240101", { joules: 12.34 * KWH, isShort: true }],
      ["20240102", { joules: CEILING, isShort: true }],
    ]);
  });

  it("of version 12 has four bytes per energy: vector S4", () => {
    expect([...readTable(...read(S4))]).toEqual([
      ["20230902", { joules: 5.73 * KWH, isShort: false }],
      ["20230903", { joules: 6.34 * KWH, isShort: false }],
      ["20230904", { joules: 9.33 * KWH, isShort: false }],
    ]);
  });

  it("ignores invalid dates, and the day in the dates of months", () => {
    const message = {
      period: "02",
      records: [
        { date: "20260231", energyJoules: KWH },
        { date: "20260300", energyJoules: 2 * KWH },
      ],
    };
    expect([...readTable(message, 21 + 16).keys()]).toEqual([]);
    expect([...readMonths(message, 21 + 16)]).toEqual([
      ["202602", { joules: KWH, isShort: false }],
      ["202603", { joules: 2 * KWH, isShort: false }],
    ]);
  });
});

describe("the energy of a day in two bytes", () => {
  const short = (kwh: number) => ({ joules: Math.round(kwh * KWH), isShort: true });
  const long = (kwh: number) => ({ joules: Math.round(kwh * KWH), isShort: false });

  it.each([
    ["four bytes are used unchanged", long(655.35), { canWrap: true }, 655.35],
    ["two are, in a plant that cannot turn them over", short(20), { canWrap: false }, 20],
    ["nothing is known in one that can", short(20), { canWrap: true }, undefined],
    ["an estimate nearby confirms it", short(20), { canWrap: true, estimate: 22 }, 20],
    ["an estimate of a turn more adds one", short(20), { canWrap: true, estimate: 690 }, 675.36],
    ["and of two", short(20), { canWrap: true, estimate: 1_300 }, 1_330.72],
    ["none is taken away", short(600), { canWrap: true, estimate: 10 }, 600],
    ["the ceiling alone gives no energy", short(655.35), { canWrap: false }, undefined],
    ["the ceiling is the minimum", short(655.35), { canWrap: true, estimate: 640 }, 655.35],
    ["the estimate is used if it is higher", short(655.35), { canWrap: true, estimate: 700 }, 700],
    ["a ceiling far above the estimate is wrong", short(655.35), { canWrap: true, estimate: 20 }],
  ])(
    "%s",
    (_what, record, { canWrap, estimate }: { canWrap: boolean; estimate?: number }, kwh?) => {
      const energy = unwrapEnergy(record, {
        canWrap,
        ...(estimate && { estimate: estimate * KWH }),
      });
      expect(energy).toBe(kwh === undefined ? undefined : Math.round((kwh as number) * KWH));
    },
  );

  it("cannot wrap for a plant of 27 kW, but can for one of 28 kW", () => {
    expect([27_000, 28_000].map(canWrapInDay)).toEqual([false, true]);
  });
});
