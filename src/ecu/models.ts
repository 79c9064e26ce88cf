/** Product names by the first digits of serial numbers. For display only: the layout of a record never depends on them. */
import type { Info } from "../protocol/replies.ts";
import { isTimeZone } from "../time/zone.ts";

/** R: a microcontroller with a Wi-Fi module. L: Linux (docs/protocol.md#ecu-families). */
export type EcuKind = "R" | "L";

interface EcuFamily {
  readonly model: string;
  /** `undefined` if the product is unknown. */
  readonly kind: EcuKind | undefined;
  /** Whether the ECU reports the time zone that it was set to (docs/protocol.md#base-information-of-micro-inverter-ecus). */
  readonly reportsOwnZone: boolean;
}

/** By the first digits of the ECU id (docs/protocol.md#ecu-families). */
const ecuFamilies: Readonly<Record<string, EcuFamily>> = {
  "2160": { model: "ECU-R", kind: "R", reportsOwnZone: false },
  "2163": { model: "ECU-B", kind: "R", reportsOwnZone: false },
  "2162": { model: "ECU-R-Pro", kind: "L", reportsOwnZone: true },
  "215": { model: "ECU-C", kind: "L", reportsOwnZone: true },
};

/** The time zone that microcontroller ECUs report, whichever one they were set to. */
const CONSTANT_ZONE = "Etc/GMT-8";

/** The family of an ECU. The zone of an unknown ECU is used unless it is the constant one. */
export const findEcuFamily = (ecuId: string, zone: string | undefined): EcuFamily =>
  ecuFamilies[ecuId.slice(0, 4)] ??
  ecuFamilies[ecuId.slice(0, 3)] ?? {
    model: "unknown",
    kind: undefined,
    reportsOwnZone: zone !== CONSTANT_ZONE,
  };

/** The kind of a product by its name. */
export const findEcuKind = (model: string): EcuKind | undefined =>
  Object.values(ecuFamilies).find((family) => family.model === model)?.kind;

/** An ECU with layout 02 in its base information (docs/protocol.md#base-information-of-an-ecu-rs). */
const RAPID_SHUTDOWN_MODEL = "ECU-RS";

/** Product name of an ECU, or `unknown`. */
export const findEcuModel = ({ layout, ecuId }: Pick<Info, "layout" | "ecuId">): string =>
  layout === "02" ? RAPID_SHUTDOWN_MODEL : findEcuFamily(ecuId, undefined).model;

/**
 * The time zone that an ECU was set to, as it reports it: perhaps no zone of this machine's database, or empty.
 * @returns `undefined` if the ECU reports none, or the same one always
 */
export const findReportedZone = (info: Info): string | undefined =>
  info.layout === "01" && findEcuFamily(info.ecuId, info.timezone).reportsOwnZone
    ? info.timezone.trim()
    : undefined;

/** Whether the time zone that an ECU reports can be used. */
export const reportsOwnZone = (info: Info): boolean => isTimeZone(findReportedZone(info) ?? "");

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
export const findInverterModel = (uid: string): string =>
  inverterModels[uid.slice(0, 3)] ?? inverterModels[uid.slice(0, 2)] ?? "unknown";

/** Names of the three voltages: a QT2 measures between phases, others to neutral (docs/protocol.md#records-with-three-phases). */
export const nameThreePhases = (uid: string): readonly string[] =>
  uid.startsWith("90") ? ["L12", "L23", "L31"] : ["L1", "L2", "L3"];

/** Whether a uid is the id of an ECU that was registered as an inverter by mistake (docs/protocol.md#the-ecus-own-id-as-an-inverter). */
export const isEcuId = (uid: string): boolean => /^21[56]/.test(uid);
