/** Names of products, by the digits their serial numbers begin with. For display only: a prefix never decides a layout. */
import type { Info } from "../protocol/replies.ts";

/** R is a microcontroller behind a Wi-Fi module, L is Linux (docs/protocol.md#ecu-families). */
export type EcuKind = "R" | "L";

interface EcuFamily {
  readonly model: string;
  /** `undefined` where the product is not known. */
  readonly kind: EcuKind | undefined;
  /** Whether the zone that the ECU reports is the one it was set to (docs/protocol.md#base-information-of-micro-inverter-ecus). */
  readonly tellsZone: boolean;
}

/** By the first digits of the ECU id (docs/protocol.md#ecu-families). */
const ecuFamilies: Readonly<Record<string, EcuFamily>> = {
  "2160": { model: "ECU-R", kind: "R", tellsZone: false },
  "2163": { model: "ECU-B", kind: "R", tellsZone: false },
  "2162": { model: "ECU-R-Pro", kind: "L", tellsZone: true },
  "215": { model: "ECU-C", kind: "L", tellsZone: true },
};

/** What microcontroller ECUs report as their zone, whatever they were set to. */
const CONSTANT_ZONE = "Etc/GMT-8";

/** The family of an ECU. An unknown one is believed its zone unless that is the constant one. */
export const ecuFamily = (ecuId: string, zone: string | undefined): EcuFamily =>
  ecuFamilies[ecuId.slice(0, 4)] ??
  ecuFamilies[ecuId.slice(0, 3)] ?? {
    model: "unknown",
    kind: undefined,
    tellsZone: zone !== CONSTANT_ZONE,
  };

/** The kind of a product, by its name. */
export const ecuKind = (model: string): EcuKind | undefined =>
  Object.values(ecuFamilies).find((family) => family.model === model)?.kind;

/** An ECU with layout 02 in its base information (docs/protocol.md#base-information-of-an-ecu-rs). */
const RAPID_SHUTDOWN_MODEL = "ECU-RS";

/** Product name of an ECU, or `unknown`. */
export const ecuModel = ({ layout, ecuId }: Pick<Info, "layout" | "ecuId">): string =>
  layout === "02" ? RAPID_SHUTDOWN_MODEL : ecuFamily(ecuId, undefined).model;

/** Whether an ECU's own word on its zone can be believed. */
export const tellsZone = (info: Info): boolean =>
  info.layout === "01" && ecuFamily(info.ecuId, info.timezone).tellsZone;

/** By the first digits of the inverter's uid (docs/protocol.md#serial-numbers). */
const inverterModels: Readonly<Record<string, string>> = {
  "403": "YC500",
  "404": "YC500",
  "406": "YC600",
  "407": "YC600-T",
  "408": "YC600",
  "409": "YC600-Y",
  "501": "YC1000",
  "502": "YC1000",
  "503": "YC1000-3",
  "504": "YC1000-3",
  "702": "DS3-S",
  "703": "DS3",
  "704": "DS3",
  "705": "DS3-H",
  "706": "DS3",
  "707": "DS3",
  "801": "QS1",
  "802": "QS1",
  "804": "QS1A",
  "805": "QS1A",
  "806": "QS1A",
  "901": "QT2",
  // Two digits give the product family where the third is new.
  "10": "YC500",
  "40": "YC600",
  "50": "YC1000",
  "70": "DS3",
  "80": "QS1",
  "90": "QT2",
};

/** Model name of an inverter, or `unknown`. */
export const inverterModel = (uid: string): string =>
  inverterModels[uid.slice(0, 3)] ?? inverterModels[uid.slice(0, 2)] ?? "unknown";

/** Names of the three voltages: QT2 measures between phases, YC900 and YC1000 against neutral (docs/protocol.md#records-with-three-phases). */
export const threePhases = (uid: string): readonly string[] =>
  uid.startsWith("90") ? ["L12", "L23", "L31"] : ["L1", "L2", "L3"];

/** An ECU's own id, typed by an installer into the list of inverters (docs/protocol.md#the-ecus-own-id-as-an-inverter). */
export const isEcuId = (uid: string): boolean => /^21[56]/.test(uid);
