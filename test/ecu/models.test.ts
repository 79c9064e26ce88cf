import { describe, expect, it } from "vitest";
import {
  findEcuFamily,
  findEcuKind,
  findInverterModel,
  isEcuId,
  nameThreePhases,
} from "../../src/ecu/models.ts";

describe("the model of an inverter", () => {
  // docs/protocol.md#serial-numbers
  it.each([
    ["100", "YC500"],
    ["403", "YC500"],
    ["404", "YC500"],
    ["406", "YC600"],
    ["407", "YC600-T"],
    ["408", "YC600"],
    ["409", "YC600-Y"],
    ["501", "YC1000"],
    ["502", "YC1000"],
    ["503", "YC1000-3"],
    ["504", "YC1000-3"],
    ["702", "DS3-S"],
    ["703", "DS3"],
    ["704", "DS3"],
    ["705", "DS3-H"],
    ["706", "DS3"],
    ["707", "DS3"],
    ["801", "QS1"],
    ["802", "QS1"],
    ["804", "QS1A"],
    ["805", "QS1A"],
    ["806", "QS1A"],
    ["901", "QT2"],
  ])("%s… is a %s", (prefix, model) => {
    expect(findInverterModel(`${prefix}000000001`)).toBe(model);
  });

  it.each([
    ["409", "YC600-Y"],
    ["410", "unknown"],
    ["709", "DS3"],
    ["809", "QS1"],
    ["902", "QT2"],
    ["505", "YC1000"],
    ["601", "unknown"],
    ["999", "unknown"],
  ])("%s…, an unknown prefix of three digits, is found by two digits: %s", (prefix, model) => {
    expect(findInverterModel(`${prefix}000000001`)).toBe(model);
  });

  it("is unknown for a uid that is not a number", () => {
    expect(findInverterModel("d0d0d0d0d0d0")).toBe("unknown");
    expect(findInverterModel("")).toBe("unknown");
  });
});

describe("the family of an ECU", () => {
  // docs/protocol.md#ecu-families
  it.each([
    ["216000000001", "ECU-R", false, "R"],
    ["216300000001", "ECU-B", false, "R"],
    ["216200000001", "ECU-R-Pro", true, "L"],
    ["215000000001", "ECU-C", true, "L"],
    ["215900000001", "ECU-C", true, "L"],
  ] as const)(
    "%s is an %s; reports its own zone: %s; kind %s",
    (ecuId, model, reportsOwnZone, kind) => {
      expect(findEcuFamily(ecuId, "Europe/Paris")).toEqual({ model, reportsOwnZone, kind });
      expect(findEcuKind(model)).toBe(kind);
    },
  );

  it("has no kind if the product is unknown", () => {
    expect(findEcuKind("unknown")).toBeUndefined();
    expect(findEcuKind("ECU-RS")).toBeUndefined();
  });

  it("that is unknown reports its own zone unless that is the constant one", () => {
    expect(findEcuFamily("219900000001", "Europe/Paris")).toEqual({
      model: "unknown",
      reportsOwnZone: true,
    });
    expect(findEcuFamily("219900000001", "Etc/GMT-8")).toEqual({
      model: "unknown",
      reportsOwnZone: false,
    });
  });
});

it.each([
  ["216000000001", true],
  ["216200000001", true],
  ["215000000001", true],
  ["702000000001", false],
  ["802160000001", false],
])("the id of an ECU in the list of inverters is recognised: %s is %s", (uid, isEcu) => {
  expect(isEcuId(uid)).toBe(isEcu);
});

it.each([
  ["901000000001", ["L12", "L23", "L31"]],
  ["502000000001", ["L1", "L2", "L3"]],
  ["999000000001", ["L1", "L2", "L3"]],
])("the voltages of %s are named %j", (uid, phases) => {
  expect(nameThreePhases(uid)).toEqual(phases);
});
