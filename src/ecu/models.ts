/** Product names by the first digits of serial numbers. For display only: the layout of a record never depends on them. */
import type { Info } from "../protocol/replies.ts";
import { isTimeZone } from "../time/zone-name.ts";

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

interface InverterModel {
  readonly model: string;
  /** Maximum power at the grid in watts by the manufacturer's data sheet; of the largest variant with these digits. */
  readonly ratedWatts?: number;
}

/** By the first digits of the inverter's uid (docs/protocol.md#serial-numbers). */
const inverterModels: Readonly<Record<string, InverterModel>> = {
  "403": { model: "YC500", ratedWatts: 550 },
  "404": { model: "YC500", ratedWatts: 550 },
  "406": { model: "YC600", ratedWatts: 600 },
  "407": { model: "YC600-T", ratedWatts: 600 },
  "408": { model: "YC600", ratedWatts: 600 },
  "409": { model: "YC600-Y", ratedWatts: 600 },
  "501": { model: "YC1000", ratedWatts: 1_000 },
  "502": { model: "YC1000", ratedWatts: 1_000 },
  "503": { model: "YC1000-3", ratedWatts: 1_000 },
  "504": { model: "YC1000-3", ratedWatts: 1_000 },
  "702": { model: "DS3-S", ratedWatts: 730 },
  "703": { model: "DS3", ratedWatts: 960 },
  "704": { model: "DS3" },
  "705": { model: "DS3-H", ratedWatts: 960 },
  "706": { model: "DS3" },
  "707": { model: "DS3" },
  "801": { model: "QS1", ratedWatts: 1_200 },
  "802": { model: "QS1", ratedWatts: 1_200 },
  "804": { model: "QS1A", ratedWatts: 1_500 },
  "805": { model: "QS1A", ratedWatts: 1_500 },
  "806": { model: "QS1A", ratedWatts: 1_500 },
  "901": { model: "QT2", ratedWatts: 2_000 },
  // Two digits give the product family where the third is new.
  "10": { model: "YC500" },
  "40": { model: "YC600" },
  "50": { model: "YC1000" },
  "70": { model: "DS3" },
  "80": { model: "QS1" },
  "90": { model: "QT2" },
};

const lookUpModel = (uid: string): InverterModel | undefined =>
  inverterModels[uid.slice(0, 3)] ?? inverterModels[uid.slice(0, 2)];

/** Model name of an inverter, or `unknown`. */
export const findInverterModel = (uid: string): string => lookUpModel(uid)?.model ?? "unknown";

/** Rated power of an inverter in watts; `undefined` if its model is unknown. */
export const findRatedWatts = (uid: string): number | undefined => lookUpModel(uid)?.ratedWatts;

/** Names of the three voltages: a QT2 measures between phases, others to neutral (docs/protocol.md#records-with-three-phases). */
export const nameThreePhases = (uid: string): readonly string[] =>
  uid.startsWith("90") ? ["L12", "L23", "L31"] : ["L1", "L2", "L3"];

/** Whether a uid is the id of an ECU that was registered as an inverter by mistake (docs/protocol.md#the-ecus-own-id-as-an-inverter). */
export const isEcuId = (uid: string): boolean => /^21[56]/.test(uid);
