/** Replies of an invented ECU-R-Pro with two DS3-S; tests change single fields. */

import type { RawReply } from "../../src/ecu/client.ts";
import { QueryError, type Reason } from "../../src/ecu/errors.ts";
import type { Info, InverterRecord, InverterTable } from "../../src/protocol/replies.ts";

export const ECU_ID = "216200000001";
export const KWH = 3_600_000;

type MicroInverterInfo = Extract<Info, { layout: "01" }>;

export const createInfo = (changes: Partial<MicroInverterInfo> = {}): MicroInverterInfo => ({
  ecuId: ECU_ID,
  layout: "01",
  lifetimeEnergyJoules: 1000 * KWH,
  powerWatts: 420,
  todayEnergyJoules: 5 * KWH,
  lastCloudContact: "20250621115500",
  inverters: 2,
  invertersOnline: 2,
  zigbeeChannel: "10",
  firmware: "ECU_R_PRO_2.1.13",
  timezone: "Europe/Amsterdam",
  ethernetMac: "80971b0a0b0c",
  wirelessMac: "60c5a80a0b0c",
  extension: "",
  ...changes,
});

export const createRecord = (
  uid: string,
  changes: Partial<InverterRecord> = {},
): InverterRecord => ({
  uid,
  online: true,
  typeCode: "01",
  layout: "two",
  guessed: false,
  frequencyHertz: 50,
  temperatureCelsius: 31,
  powerWatts: [100, 110],
  gridVolts: [231, 231],
  ...changes,
});

export const createTable = (
  records: InverterRecord[] = [createRecord("702000000001"), createRecord("702000000002")],
  changes: Partial<InverterTable> = {},
): InverterTable => ({
  kind: "01",
  count: records.length,
  takenAt: "20250621115800",
  records,
  lost: 0,
  surplus: 0,
  ambiguous: false,
  ...changes,
});

export const createSignals = () => [
  { uid: "702000000001", level: 255 },
  { uid: "702000000002", level: 51 },
];

export const rawReply = (bytes: Uint8Array): RawReply => ({
  bytes: Buffer.from(bytes),
  missingLineFeed: false,
  trailingBytes: 0,
});

export const failedOutcome = (
  reason: Reason,
  message = `failed: ${reason}`,
  received?: Uint8Array,
) =>
  ({
    ok: false,
    error: new QueryError(message, { reason, ...(received && { received }) }),
    durationMs: 5,
  }) as const;

export const validOutcome = <T>(value: T) => ({ ok: true, value, durationMs: 5 }) as const;
