/** The top of the landing page: power and energy in large figures, what state the plant is in, and its roof. */
import { formatCount, formatSpan } from "../text.ts";
import { type Html, html, joinHtml } from "./html.ts";
import type { LandingEcu } from "./landing-data.ts";
import { type LandingRoof, renderLegend, renderRoof } from "./roof.ts";

interface OverviewOptions {
  /** Whether each ECU has its own part with its roof, not only its share of the sums. */
  readonly hasRoofs: boolean;
}

/** The overview of these ECUs; empty without an ECU. */
export const renderOverview = (
  ecus: readonly LandingEcu[],
  { hasRoofs }: OverviewOptions,
): Html => {
  const [first] = ecus;
  if (first === undefined) return html``;
  const sums = ecus.length > 1 ? [renderSums(ecus)] : [];
  if (!hasRoofs) return joinHtml(sums, "\n");
  const roofs = new Map(ecus.map((ecu) => [ecu, ecu.roof?.()]));
  const parts = ecus.map((ecu) => renderPlant(ecu, roofs.get(ecu)));
  const legend = renderLegend([...roofs.values()].flatMap((roof) => roof ?? []));
  return joinHtml([...sums, ...parts, legend], "\n");
};

interface Figure {
  readonly name: string;
  /** With its unit; `undefined` if it is unknown. */
  readonly value: string | undefined;
  /** What the value is about. */
  readonly note?: string | undefined;
}

const renderFigures = (figures: readonly Figure[]): Html => {
  const items = figures.map(({ name, value, note }) => {
    const text = value === undefined ? html`<dd class="unknown">unknown` : html`<dd>${value}`;
    return html`<div><dt>${name}</dt>${text}${note ? html` <small>${note}</small>` : ""}</dd></div>`;
  });
  return html`<dl class="figures">\n${joinHtml(items, "\n")}\n</dl>`;
};

const renderPlant = (ecu: LandingEcu, roof: LandingRoof | undefined): Html => {
  const { isLastDay, invertersOnline, registered } = ecu;
  const { powerWatts, todayKilowattHours, lifetimeKilowattHours } = currentValues(ecu);
  const isOnlineKnown = ecu.stale === undefined && invertersOnline !== undefined;
  const figures = renderFigures([
    { name: "Power now", value: formatPower(powerWatts) },
    {
      name: isLastDay ? "Energy of the last day" : "Energy today",
      value: formatToday(todayKilowattHours),
    },
    { name: "Energy in total", value: formatTotal(lifetimeKilowattHours) },
    {
      name: "Inverters online",
      value: isOnlineKnown ? String(invertersOnline) : undefined,
      note: isOnlineKnown && registered !== undefined ? `of ${registered}` : undefined,
    },
  ]);
  return html`<section class="plant">
<h2><bdi>${ecu.name}</bdi></h2>
${figures}
${describePlant(ecu, roof)}
${roof === undefined ? "" : renderRoof(roof)}
</section>`;
};

/** The values that are those of now. */
const currentValues = (
  ecu: LandingEcu,
): Pick<LandingEcu, "powerWatts" | "todayKilowattHours" | "lifetimeKilowattHours"> =>
  ecu.stale === undefined ? ecu : {};

/** Each sum has the ECUs with a value, and says how many these are if it is not all of them. */
const renderSums = (ecus: readonly LandingEcu[]): Html => {
  const sum = (
    name: string,
    values: readonly (number | undefined)[],
    format: (value: number) => string | undefined,
  ): Figure => {
    const known = values.flatMap((value) => value ?? []);
    const total = known.reduce((sum, value) => sum + value, 0);
    const isPart = known.length > 0 && known.length < ecus.length;
    const note = isPart ? `from ${known.length} of ${ecus.length} ECUs` : undefined;
    return { name, value: known.length === 0 ? undefined : format(total), note };
  };
  const current = ecus.map(currentValues);
  const today = ecus.map((ecu, i) => (ecu.isLastDay ? undefined : current[i]?.todayKilowattHours));
  return html`<section class="plant sums" aria-label="All ECUs">
${renderFigures([
  sum(
    "Power now",
    current.map(({ powerWatts }) => powerWatts),
    formatPower,
  ),
  sum("Energy today", today, formatToday),
  sum(
    "Energy in total",
    current.map(({ lifetimeKilowattHours }) => lifetimeKilowattHours),
    formatTotal,
  ),
])}
</section>`;
};

/** What the figures and the roof mean, or why they are unknown. */
const describePlant = (ecu: LandingEcu, roof: LandingRoof | undefined): Html => {
  const { state, stale, readAgeSeconds = 0, reportAgeSeconds = 0, registered } = ecu;
  const say = (text: string, level = "") => html`<p class="state${level}">${text}</p>`;
  if (state === "not read yet")
    return say(
      "Not read yet. The exporter reads the ECU when Prometheus scrapes it, or when you open Metrics.",
    );
  if (stale === "read")
    return say(
      `The last read was ${formatSpan(readAgeSeconds)} ago, so the values of now are unknown. Check whether Prometheus scrapes the exporter, or open Metrics.`,
      " bad",
    );
  if (state === "down")
    return say(
      "The last read of the ECU failed. What was not read is unknown; the table below says what to do.",
      " bad",
    );
  if (state === "waiting for data")
    return say("The ECU has no data yet. After a start, it needs up to 10 minutes.", " fair");
  if (stale === "report")
    return say(
      `By its own clock, the last report of the ECU is ${formatSpan(reportAgeSeconds)} old, so the values of now are unknown. If the ECU hangs, unplug it for a minute; if only the time is wrong, set its time zone.`,
      " bad",
    );
  if (roof !== undefined && roof.missing > 0)
    return say(
      `${formatCount(roof.missing, "inverter")} of ${registered ?? ecu.inverterCount} missing: no reply to the ECU while others give power.`,
      " bad",
    );
  if (roof?.isAsleep) return say("All inverters are offline, as at night.");
  if (ecu.inverterCount === 0) return say("The ECU lists no inverters.", " fair");
  if (state === "partial")
    return say("A part of the last read failed; the table below says what to do.", " fair");
  if (reportAgeSeconds <= -60)
    return say(`The clock of the ECU is ${formatSpan(-reportAgeSeconds)} ahead.`, " fair");
  return say(`Reported by the ECU ${formatSpan(reportAgeSeconds)} ago.`, " good");
};

const formatPower = (watts: number | undefined): string | undefined => {
  if (watts === undefined) return undefined;
  return watts < 10_000 ? `${Math.round(watts)} W` : `${(watts / 1000).toFixed(1)} kW`;
};

/** @param decimals Those of a small value: an ECU counts today's energy in steps of 0.01 kWh, the total in steps of 0.1 kWh */
const formatEnergy = (kilowattHours: number | undefined, decimals: number): string | undefined => {
  if (kilowattHours === undefined) return undefined;
  if (kilowattHours >= 10_000) return `${(kilowattHours / 1000).toFixed(1)} MWh`;
  return `${kilowattHours.toFixed(kilowattHours < 100 ? decimals : 0)} kWh`;
};
const formatToday = (kilowattHours: number | undefined) => formatEnergy(kilowattHours, 2);
const formatTotal = (kilowattHours: number | undefined) => formatEnergy(kilowattHours, 1);
