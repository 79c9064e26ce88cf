import { describe, expect, it } from "vitest";
import type { InverterReading } from "../../src/ecu/reading.ts";
import { dropImplausible } from "../../src/ecu/validate.ts";

const none = undefined;

describe("a value that no inverter can measure", () => {
  const inverter: InverterReading = {
    uid: "702000000001",
    model: "DS3-S",
    typeCode: "01",
    online: true,
    channelWatts: [100, 110],
    temperatureCelsius: 31,
    frequencyHertz: 50,
    gridVolts: [{ phase: "L1", volts: 231 }],
    signalRatio: 0.5,
  };
  const validateInverter = (changes: Partial<InverterReading>) => {
    const inverters = [{ ...inverter, ...changes }];
    const { reading, rejected } = dropImplausible({ inverters, notes: [] });
    return { inverter: reading.inverters[0], rejected };
  };
  const volts = (...values: (number | undefined)[]) => ({
    gridVolts: values.map((value, i) => ({ phase: `L${i + 1}`, volts: value })),
  });

  // docs/protocol.md#offline-records
  it.each<[string, Partial<InverterReading>, Partial<InverterReading>]>([
    ["frequency", { frequencyHertz: 45 }, { frequencyHertz: none }],
    ["frequency", { frequencyHertz: 65 }, { frequencyHertz: none }],
    ["frequency", { frequencyHertz: 0 }, { frequencyHertz: none }],
    ["voltage", volts(49), volts(none)],
    ["voltage", volts(501), volts(none)],
    ["voltage", volts(0, 231, 231), volts(none, 231, 231)],
    ["temperature", { temperatureCelsius: -41 }, { temperatureCelsius: none }],
    ["temperature", { temperatureCelsius: 111 }, { temperatureCelsius: none }],
    ["temperature", { temperatureCelsius: -100 }, { temperatureCelsius: none }],
    ["channel_power", { channelWatts: [1201, 0] }, { channelWatts: [none, 0] }],
  ])("is left out and counted, and the rest stays: %s %j", (field, reported, expected) => {
    expect(validateInverter(reported)).toEqual({
      inverter: { ...inverter, ...expected },
      rejected: [field],
    });
  });

  it.each<[Partial<InverterReading>]>([
    [{ frequencyHertz: 45.1 }],
    [{ frequencyHertz: 64.9 }],
    [volts(50)],
    [volts(500)],
    [{ temperatureCelsius: -40 }],
    [{ temperatureCelsius: 110 }],
    [{ channelWatts: [1200, 0] }],
  ])("is accepted up to its limit: %j", (reported) => {
    expect(validateInverter(reported)).toEqual({
      inverter: { ...inverter, ...reported },
      rejected: [],
    });
  });

  it("is counted once per value: an inverter with light and without grid keeps its power", () => {
    const reported = { frequencyHertz: 65, channelWatts: [0, 0, 4, 4], ...volts(5) };
    expect(validateInverter(reported)).toEqual({
      inverter: { ...inverter, ...reported, frequencyHertz: none, ...volts(none) },
      rejected: ["frequency", "voltage"],
    });
  });

  it("is not counted if it was not measured", () => {
    const { uid, model } = inverter;
    const offline = { uid, model, online: false, channelWatts: [], gridVolts: [] };
    expect(dropImplausible({ inverters: [offline], notes: [] })).toEqual({
      reading: { inverters: [offline], notes: [] },
      rejected: [],
    });
  });
});
