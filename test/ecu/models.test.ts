import { describe, expect, it } from "vitest";
import { ecuFamily, ecuKind, inverterModel, isEcuId, threePhases } from "../../src/ecu/models.ts";

describe("the model of an inverter", () => {
  // Protocol document, 3.2.7.
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
    expect(inverterModel(`${prefix}000000001`)).toBe(model);
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
  ])("%s… is told by two digits where three are new: %s, and never an error", (prefix, model) => {
    expect(inverterModel(`${prefix}000000001`)).toBe(model);
  });

  it("is unknown for a uid that is no number", () => {
    expect(inverterModel("d0d0d0d0d0d0")).toBe("unknown");
    expect(inverterModel("")).toBe("unknown");
  });
});

describe("the family of an ECU", () => {
  // Protocol document, 0.3 and 3.1.2.
  it.each([
    ["216000000001", "ECU-R", false, "R"],
    ["216300000001", "ECU-B", false, "R"],
    ["216200000001", "ECU-R-Pro", true, "L"],
    ["215000000001", "ECU-C", true, "L"],
    ["215900000001", "ECU-C", true, "L"],
  ] as const)(
    "%s is an %s, whose zone is believed: %s, of kind %s",
    (ecuId, model, tellsZone, kind) => {
      expect(ecuFamily(ecuId, "Europe/Paris")).toEqual({ model, tellsZone, kind });
      expect(ecuKind(model)).toBe(kind);
    },
  );

  it("is of no kind where the product is not known", () => {
    expect(ecuKind("unknown")).toBeUndefined();
    expect(ecuKind("ECU-RS")).toBeUndefined();
  });

  it("that is unknown is believed any zone but the constant one", () => {
    expect(ecuFamily("219900000001", "Europe/Paris")).toEqual({
      model: "unknown",
      tellsZone: true,
    });
    expect(ecuFamily("219900000001", "Etc/GMT-8")).toEqual({ model: "unknown", tellsZone: false });
  });
});

it.each([
  ["216000000001", true],
  ["216200000001", true],
  ["215000000001", true],
  ["702000000001", false],
  ["802160000001", false],
])("an ECU typed in as an inverter is known by its number: %s is %s", (uid, isEcu) => {
  expect(isEcuId(uid)).toBe(isEcu);
});

it.each([
  ["901000000001", ["L12", "L23", "L31"]],
  ["502000000001", ["L1", "L2", "L3"]],
  ["999000000001", ["L1", "L2", "L3"]],
])("the voltages of %s are those of %j", (uid, phases) => {
  expect(threePhases(uid)).toEqual(phases);
});
