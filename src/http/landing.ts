/**
 * The landing page: the power and energy of the plant, its roof, and the state of each ECU at its last read. No JavaScript.
 * Links are relative, so that they work behind a reverse proxy, which may serve the page at any path with a slash at its
 * end.
 */
import { formatCount, formatSpan, NOT_MEASURED } from "../text.ts";
import { type Html, html, joinHtml } from "./html.ts";
import type { LandingEcu, LandingInverter, LandingProblem } from "./landing-data.ts";
import { renderOverview } from "./overview.ts";
import { css } from "./page.css.ts";

export interface LandingPage {
  readonly version: string;
  readonly telemetryPath: string;
  readonly ecus: readonly LandingEcu[];
  /** Unix time in seconds, to which the ages refer. */
  readonly now: number;
  /** Whether the browser reloads the page. */
  readonly reloads: boolean;
  /** If set, the page shows only this ECU, with all its inverters. */
  readonly only?: LandingEcu | undefined;
}

/** Interval at which the browser reloads the page. */
export const RELOAD_SECONDS = 30;
/**
 * With more inverters than this in total, the page has a link per ECU instead of its inverters. Collapsed sections would
 * still be megabytes, and would collapse again at every reload.
 */
const MAX_INVERTERS = 100;

/** The page as HTML. */
export const renderLandingPage = (page: LandingPage): string => {
  const { version, telemetryPath, only, now } = page;
  const title = only === undefined ? "APsystems ECU exporter" : `${only.name} – ECU exporter`;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="${SUN_ICON}">
<style>${{ markup: css }}</style>
</head>
<body>
<header>
<h1>APsystems ECU exporter</h1>
<nav aria-label="Pages">
<ul>
<li><a href=".${telemetryPath}">Metrics</a></li>
<li><a href="./-/healthy">Health</a></li>
<li><a href="./-/ready">Readiness</a></li>
${only === undefined ? "" : html`<li><a href="${pageUrl({ ...page, only: undefined })}">All ECUs</a></li>\n`}</ul>
</nav>
</header>
<main>
${renderOverview(listShown(page), { hasRoofs: ecusHaveRoofs(page) })}
${renderTable(page)}
<p>The exporter reads ${describeEcuCount(page.ecus.length)} when Prometheus scrapes it. This page shows the last read and does not start a new one.</p>
<p>As of ${renderTime(now)}. ${renderReloadNote(page)}</p>${renderQuietNote(page)}
</main>
<footer>
<p>Version ${version}. The README of the exporter describes the metrics, and what to do if an ECU does not reply.</p>
</footer>
</body>
</html>
`.markup;
};

const SUN_ICON: Html = {
  markup:
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='%23f2a900'/%3E%3C/svg%3E",
};

const describeEcuCount = (count: number): string => {
  if (count === 0) return "no APsystems ECU";
  return count === 1 ? "an APsystems ECU" : `${count} APsystems ECUs`;
};

const renderReloadNote = (page: LandingPage): Html => {
  const url = pageUrl({ ...page, reloads: !page.reloads });
  return page.reloads
    ? html`This page reloads every ${RELOAD_SECONDS} s. <a href="${url}">Stop reloading</a>`
    : html`This page does not reload. <a href="${url}">Reload every ${RELOAD_SECONDS} s</a>`;
};

const renderQuietNote = (page: LandingPage): string | Html =>
  listShown(page).some(({ quietUntil }) => quietUntil !== undefined)
    ? html`\n<p>An ECU is read less often while all its inverters are offline. Until the time in the table, scrapes get the last read.</p>`
    : "";

/** The ECUs in the table. */
const listShown = ({ only, ecus }: LandingPage): readonly LandingEcu[] =>
  only === undefined ? ecus : [only];

const pageUrl = ({ only, reloads }: Pick<LandingPage, "only" | "reloads">): string => {
  const query = new URLSearchParams({
    ...(only && { ecu: only.name }),
    ...(!reloads && { refresh: "off" }),
  });
  return query.size === 0 ? "./" : `./?${query}`;
};

/** @param seconds Unix time */
const renderTime = (seconds: number, { withDate = true } = {}): Html => {
  const iso = new Date(seconds * 1000).toISOString();
  const date = withDate ? `${iso.slice(0, 10)} ` : "";
  return html`<time datetime="${iso}">${date}${iso.slice(11, 19)} UTC</time>`;
};

/** Shown beside each value on a narrow screen, and as table headings on a wide one. */
const columns = ["State", "Power", "Age of data", "Temperature", "Signal", "Channels"] as const;
type Column = (typeof columns)[number];
const COLUMN_COUNT = columns.length + 1;

/** With more ECUs than this, the page has no roofs; the page of an ECU has. */
const MAX_ROOFS = 3;

const ecusHaveRoofs = (page: LandingPage): boolean =>
  page.only !== undefined ||
  (page.ecus.length <= MAX_ROOFS && countInverters(page) <= MAX_INVERTERS);

const countInverters = (page: LandingPage): number =>
  listShown(page).reduce((sum, ecu) => sum + ecu.inverterCount, 0);

/** The roles repeat those of the elements: some browsers drop them if the style sheet shows rows as blocks. */
const renderTable = (page: LandingPage): Html => {
  const ecus = listShown(page);
  const showInverters = page.only !== undefined || countInverters(page) <= MAX_INVERTERS;
  const headings = ["ECU, inverter", ...columns].map(
    (name) => html`<th role="columnheader" scope="col">${name}</th>`,
  );
  const groups = ecus.map((ecu) => renderEcu(ecu, showInverters, page));
  return html`<table role="table">
<caption>ECUs and their inverters at the last read</caption>
<thead role="rowgroup"><tr role="row">${headings}</tr></thead>
${groups.length === 0 ? EMPTY_GROUP : joinHtml(groups, "\n")}
</table>`;
};

const renderEcu = (ecu: LandingEcu, showInverters: boolean, page: LandingPage): Html => {
  const rows = [
    renderEcuRow(ecu),
    ...(ecu.problem === undefined ? [] : [renderProblemRow(ecu.problem)]),
    ...(ecu.notes?.length ? [renderNotesRow(ecu.notes)] : []),
    ...(showInverters ? ecu.inverters().map((inverter) => renderInverterRow(inverter, ecu)) : []),
    ...(showInverters || ecu.inverterCount === 0 ? [] : [renderLinkRow(ecu, page)]),
  ];
  return html`<tbody role="rowgroup">\n${joinHtml(rows, "\n")}\n</tbody>`;
};

const renderEcuRow = (ecu: LandingEcu): Html => {
  const { powerWatts, todayKilowattHours, invertersOnline, registered } = ecu;
  const online = `${formatValue(invertersOnline)} of ${formatValue(registered)} online`;
  const day = ecu.isLastDay ? "on the last day" : "today";
  const today = `${todayKilowattHours?.toFixed(2) ?? NOT_MEASURED} kWh ${day}`;
  const cells = [
    renderCell(
      "State",
      renderState(ecu.state),
      (invertersOnline ?? registered) === undefined ? "" : online,
    ),
    renderCell(
      "Power",
      formatValue(powerWatts, "W"),
      (powerWatts ?? todayKilowattHours) === undefined ? "" : today,
    ),
    renderCell("Age of data", formatAge(ecu.reportAgeSeconds), renderReadTimes(ecu)),
  ];
  return html`<tr role="row" class="ecu">${renderEcuHeading(ecu)}${cells}<td role="cell" colspan="3"></td></tr>`;
};

/** The age of the last read, and how long scrapes get it although the minimum interval has passed. */
const renderReadTimes = ({ readAgeSeconds, quietUntil }: LandingEcu): string | Html => {
  if (readAgeSeconds === undefined) return "";
  const read = `read ${formatSpan(readAgeSeconds)} ago`;
  return quietUntil === undefined
    ? read
    : html`${read}<br>next after ${renderTime(quietUntil, { withDate: false })}`;
};

const renderEcuHeading = (ecu: LandingEcu): Html => {
  const { name, model, firmware, probePath } = ecu;
  const versions = [model, firmware].filter((text) => text !== undefined);
  const links =
    probePath === undefined
      ? ""
      : html`<small>${renderProbeLink(probePath, "Probe", ecu)} · ${renderProbeLink(`${probePath}&debug=true`, "Probe in detail", ecu)}</small>`;
  return html`<th role="rowheader" scope="rowgroup"><b><bdi>${name}</bdi></b>${versions.length === 0 ? "" : html`<small>${joinHtml(versions, " · ")}</small>`}${links}</th>`;
};

/** The links of all ECUs have the same text; the label for screen readers adds the name. */
const renderProbeLink = (path: string, text: string, { name }: LandingEcu): Html =>
  html`<a href="${path}" aria-label="${text}: ${name}">${text}</a>`;

const renderProblemRow = ({ message, reason, remedy }: LandingProblem): Html => {
  const label = reason === undefined ? "" : html` <span>${reason}</span>`;
  return html`<tr role="row" class="detail">${renderWideCell(
    html`<dl><dt class="bad">Last error</dt><dd><bdi>${message}</bdi>${label}</dd><dt>What to do</dt><dd>${remedy}</dd></dl>`,
  )}</tr>`;
};

/** More notes than this would hide the inverters; the log has all of them. */
const MAX_NOTES = 5;

const renderNotesRow = (notes: readonly string[]): Html => {
  const shown = notes.slice(0, MAX_NOTES).map((note) => html`<dd><bdi>${note}</bdi></dd>`);
  const more = notes.length - shown.length;
  return html`<tr role="row" class="detail">${renderWideCell(
    html`<dl><dt class="fair">Unexpected</dt>${shown}${more > 0 ? html`<dd>${more} more: see the log</dd>` : ""}</dl>`,
  )}</tr>`;
};

const renderLinkRow = (ecu: LandingEcu, page: LandingPage): Html => {
  const text = formatCount(ecu.inverterCount, "inverter");
  const url = pageUrl({ ...page, only: ecu });
  return html`<tr role="row">${renderWideCell(html`<a href="${url}" aria-label="${text} of ${ecu.name}">${text}</a>`)}</tr>`;
};

const renderInverterRow = (inverter: LandingInverter, ecu: LandingEcu): Html => {
  const { uid, model, state, watts, temperatureCelsius, signalRatio } = inverter;
  const percent = signalRatio === undefined ? undefined : Math.round(signalRatio * 100);
  const cells = [
    renderCell("State", renderState(state, ecu.stale === undefined)),
    renderCell("Power", formatValue(watts, "W")),
    renderCell("Age of data", state === "online" ? formatAge(ecu.reportAgeSeconds) : NOT_MEASURED),
    renderCell("Temperature", formatValue(temperatureCelsius, "°C")),
    renderCell("Signal", formatValue(percent, "%")),
    renderChannelsCell(inverter.channels),
  ];
  return html`<tr role="row" class="inverter"><th role="rowheader" scope="row">${uid}<small>${model}</small></th>${cells}</tr>`;
};

const renderChannelsCell = (channels: LandingInverter["channels"]): Html => {
  const items = channels.map(
    ({ name, watts }) => html`<li><span>${name}</span> ${formatValue(watts, "W")}</li>`,
  );
  return html`<td role="cell" class="wide" data-label="Channels">${items.length === 0 ? NOT_MEASURED : html`<ul>${items}</ul>`}</td>`;
};

const renderCell = (label: Column, value: string | Html, detail: string | Html = ""): Html =>
  html`<td role="cell" class="number" data-label="${label}">${value}${detail && html`<small>${detail}</small>`}</td>`;

const renderWideCell = (content: string | Html): Html =>
  html`<td role="cell" colspan="${COLUMN_COUNT}">${content}</td>`;

const EMPTY_GROUP = html`<tbody role="rowgroup"><tr role="row">${renderWideCell("No ECU is configured.")}</tr></tbody>`;

const formatValue = (value: number | undefined, unit = ""): string =>
  value === undefined ? NOT_MEASURED : `${Math.round(value * 10) / 10} ${unit}`.trimEnd();

const stateClasses: Readonly<Record<LandingEcu["state"] | LandingInverter["state"], string>> = {
  up: " good",
  partial: " fair",
  "waiting for data": " fair",
  down: " bad",
  "not read yet": "",
  online: " good",
  offline: "",
  unknown: "",
};

/** @param isCurrent whether the read is recent; an old state may have changed, so it has no colour */
const renderState = (state: keyof typeof stateClasses, isCurrent = true): Html =>
  html`<span class="state${isCurrent ? stateClasses[state] : ""}">${state}</span>`;

/** A time less than a minute ahead counts as now; more than that, the clock of the ECU is wrong. */
const formatAge = (seconds: number | undefined): string => {
  if (seconds === undefined) return NOT_MEASURED;
  return seconds <= -60 ? `${formatSpan(-seconds)} ahead` : formatSpan(seconds);
};
