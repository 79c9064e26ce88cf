import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { decodeReply, encodeReply } from "../../src/protocol/replies.ts";
import { type Capture, captures, capturesFile, commandByQuery } from "../support/captures.ts";

const complete = captures.filter(
  ({ state, length_field, bytes }) =>
    ["whole", "redacted", "altered"].includes(state) && bytes === (length_field ?? 0) + 1,
);
const incomplete = captures.filter((capture) => !complete.includes(capture));

const JOULES_PER_KWH = 3_600_000;
const joules = (kwh: number) => Math.round(kwh * JOULES_PER_KWH);

/** The corpus' decoded values, in the names and units of our messages. */
const expectedByQuery: Record<string, (wire: Capture["wire"]) => unknown> = {
  info: (wire) => ({
    ecuId: wire.ecu_id,
    layout: wire.layout,
    lifetimeEnergyJoules: joules(wire.lifetime_energy_kwh),
    powerWatts: wire.current_power_w,
    todayEnergyJoules: joules(wire.today_energy_kwh),
    lastCloudContact: wire.last_ema_contact_raw,
    inverters: wire.inverters,
    invertersOnline: wire.inverters_online,
    zigbeeChannel: wire.channel,
    firmware: wire.firmware,
    timezone: wire.timezone,
    ethernetMac: wire.ethernet_mac,
    wirelessMac: wire.wireless_mac,
    extension: wire.trailing ?? "",
  }),
  realtime: (wire) =>
    wire.status === "02"
      ? { kind: "none" }
      : expect.objectContaining({
          kind: wire.table_kind,
          count: wire.count,
          takenAt: wire.timestamp.replace(/\D/g, ""),
          lost: 0,
          surplus: 0,
          ambiguous: false,
          // biome-ignore lint/suspicious/noExplicitAny: a shape of the corpus
          records: wire.inverters.map((inverter: any) => ({
            uid: inverter.uid,
            online: inverter.online,
            typeCode: inverter.type,
            layout: expect.any(String),
            guessed: false,
            powerWatts: inverter.power_w ?? [],
            gridVolts: inverter.voltage_v ?? [],
            ...(inverter.type === "00"
              ? {}
              : {
                  frequencyHertz: inverter.frequency_hz,
                  temperatureCelsius: inverter.temperature_c,
                }),
          })),
        }),
  signal: (wire) =>
    wire.signal.map(({ uid, level }: { uid: string; level: number }) => ({ uid, level })),
};

/** By hand: what is wrong with each capture that its owner or his client cut or damaged. */
const expectedReasons: Record<string, string> = {
  "site-03-info-2": "truncated",
  "site-03-sig-1": "truncated",
  "site-13-inv-1": "truncated",
  "site-21-info-1": "truncated",
  "site-23-other-1": "truncated",
  "site-23-other-2": "truncated",
  "site-24-info-1": "truncated",
  "site-25-info-1": "truncated",
};

describe.skipIf(capturesFile === undefined)("replies captured from real ECUs", () => {
  it("are complete: 40 whole, 8 not", () => {
    expect([complete.length, incomplete.length]).toEqual([40, 8]);
  });

  it.each(complete)(
    "$id ($query, $state) decodes to what an independent program read",
    (capture) => {
      const command = commandByQuery[capture.query];
      const message = decodeReply(command, Buffer.from(capture.hex, "hex"));
      expect(message).toEqual(expectedByQuery[command]?.(capture.wire));
    },
  );

  it.each(complete)("$id encodes back to the same bytes", ({ hex, query }) => {
    const command = commandByQuery[query];
    const version = hex.slice(6, 10) === "3132" ? "12" : "11";
    const message = decodeReply(command, Buffer.from(hex, "hex"));
    expect(encodeReply(command, message as never, version).toString("hex")).toBe(hex);
  });

  it.each(incomplete)(
    "$id ($state) gives an error with a reason and a place, and no values",
    (capture) => {
      const decode = () =>
        decodeReply(commandByQuery[capture.query], Buffer.from(capture.hex, "hex"));
      expect(decode).toThrow(ProtocolError);
      expect(decode).toThrow(expect.objectContaining({ reason: expectedReasons[capture.id] }));
    },
  );
});
