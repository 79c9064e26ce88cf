/** The page at `/`: what this is, where the metrics are, and how each ECU was when it was last read. No JavaScript. */
import { escapeUnprintable, formatSpan, NOT_MEASURED } from "../text.ts";
import { css } from "./page.css.ts";

/** What the page tells of one ECU. What was not measured is absent. */
export interface LandingEcu {
  readonly name: string;
  /** Down is what the metrics call so: an ECU that answered in part is `partly` only where that part was not needed. */
  readonly state: "up" | "partly" | "waiting for data" | "down" | "not read yet";
  readonly model?: string | undefined;
  readonly firmware?: string | undefined;
  readonly powerWatts?: number | undefined;
  readonly todayKilowattHours?: number | undefined;
  readonly registered?: number | undefined;
  readonly invertersOnline?: number | undefined;
  /** Since the round of the ECU that the data are of. */
  readonly reportAgeSeconds?: number | undefined;
  /** Since the ECU was last asked. */
  readonly readAgeSeconds?: number | undefined;
  /** What went wrong in the last read, and what its owner can do about it. */
  readonly problem?: LandingProblem | undefined;
  readonly inverterCount: number;
  /** Asked for where they are shown: a large fleet has many, and its page shows none. */
  readonly inverters: () => readonly LandingInverter[];
  /** Where this ECU alone can be asked, for a link: a path with a query. */
  readonly probePath?: string | undefined;
}

export interface LandingProblem {
  readonly message: string;
  /** The metrics' word for it. */
  readonly reason?: string | undefined;
  readonly remedy: string;
}

export interface LandingInverter {
  readonly uid: string;
  readonly model: string;
  readonly state: "online" | "offline" | "unknown";
  readonly watts?: number | undefined;
  readonly temperatureCelsius?: number | undefined;
  /** 0 to 1. */
  readonly signalRatio?: number | undefined;
  readonly channels: readonly { readonly name: string; readonly watts?: number | undefined }[];
}

export interface LandingPage {
  readonly version: string;
  readonly telemetryPath: string;
  readonly ecus: readonly LandingEcu[];
  /** Unix time in seconds; the ages are as of then. */
  readonly now: number;
  /** Whether it will be loaded anew by itself. */
  readonly reloads: boolean;
  /** The one ECU that was asked for, with all its inverters. */
  readonly only?: LandingEcu | undefined;
}

/** Seconds after which the page is loaded anew. */
export const RELOAD_SECONDS = 30;
/**
 * With more inverters than this in all, the page names the ECUs and links to a page for each. Folded away instead, they
 * would be megabytes all the same, and fold up again with every refresh.
 */
const MAX_INVERTERS = 100;

/** The page as HTML. Whatever it is given, nothing in it is taken for markup. */
export const renderLandingPage = (page: LandingPage): string => {
  const { version, telemetryPath, only, now } = page;
  const title = only === undefined ? "APsystems ECU exporter" : `${only.name} – ECU exporter`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="icon" href="${SUN}">
<style>${css}</style>
</head>
<body>
<header>
<h1>APsystems ECU exporter</h1>
<p>Asks ${describeEcuCount(page.ecus.length)} when Prometheus scrapes it. This page shows what was read last and asks nothing.</p>
<nav aria-label="Pages">
<ul>
<li><a href="${escaped(telemetryPath)}">Metrics</a></li>
<li><a href="/-/healthy">Health</a></li>
<li><a href="/-/ready">Readiness</a></li>
${only === undefined ? "" : `<li><a href="${pageUrl({ ...page, only: undefined })}">All ECUs</a></li>\n`}</ul>
</nav>
</header>
<main>
${renderTable(page)}
<p>As of ${renderTime(now)}. ${renderReloadNote(page)}</p>
</main>
<footer>
<p>Version ${escaped(version)}. What the metrics mean, and what to do about an ECU that does not answer, is in the README that came with the exporter.</p>
</footer>
</body>
</html>
`;
};

const SUN =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='%23f2a900'/%3E%3C/svg%3E";

const describeEcuCount = (count: number): string => {
  if (count === 0) return "no APsystems ECU";
  return count === 1 ? "an APsystems ECU" : `${count} APsystems ECUs`;
};

const renderReloadNote = (page: LandingPage): string => {
  const other = pageUrl({ ...page, reloads: !page.reloads });
  return page.reloads
    ? `This page reloads every ${RELOAD_SECONDS} s. <a href="${other}">Stop reloading</a>`
    : `This page does not reload. <a href="${other}">Reload every ${RELOAD_SECONDS} s</a>`;
};

/** Where a page is, as the value of an attribute. */
const pageUrl = ({ only, reloads }: Pick<LandingPage, "only" | "reloads">): string => {
  const query = new URLSearchParams({
    ...(only && { ecu: only.name }),
    ...(!reloads && { refresh: "off" }),
  });
  return escaped(query.size === 0 ? "/" : `/?${query}`);
};

const renderTime = (now: number): string => {
  const iso = new Date(now * 1000).toISOString();
  return `<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`;
};

/** Shown on a narrow screen beside each value, on a wide one at the top. */
const columns = ["State", "Power", "Age of data", "Temperature", "Signal", "Channels"] as const;
type Column = (typeof columns)[number];
const ALL_COLUMNS = columns.length + 1;

/** The roles are those of the elements: some browsers forget these where the style sheet makes blocks of them. */
const renderTable = (page: LandingPage): string => {
  const shown = page.only === undefined ? page.ecus : [page.only];
  const inverters = shown.reduce((sum, ecu) => sum + ecu.inverterCount, 0);
  const listed = page.only !== undefined || inverters <= MAX_INVERTERS;
  const heads = ["ECU, inverter", ...columns].map(
    (name) => `<th role="columnheader" scope="col">${name}</th>`,
  );
  const groups = shown.map((ecu) => renderEcu(ecu, listed, page));
  return `<table role="table">
<caption>ECUs and their inverters</caption>
<thead role="rowgroup"><tr role="row">${heads.join("")}</tr></thead>
${groups.join("\n") || `<tbody role="rowgroup"><tr role="row">${renderWideCell("No ECU is configured.")}</tr></tbody>`}
</table>`;
};

const renderEcu = (ecu: LandingEcu, listed: boolean, page: LandingPage): string => {
  const rows = [
    renderEcuRow(ecu),
    ...(ecu.problem === undefined ? [] : [renderProblemRow(ecu.problem)]),
    ...(listed ? ecu.inverters().map((inverter) => renderInverterRow(inverter, ecu)) : []),
    ...(listed || ecu.inverterCount === 0 ? [] : [renderLinkRow(ecu, page)]),
  ];
  return `<tbody role="rowgroup">\n${rows.join("\n")}\n</tbody>`;
};

const renderEcuRow = (ecu: LandingEcu): string => {
  const { powerWatts, todayKilowattHours, invertersOnline, registered } = ecu;
  const { readAgeSeconds, probePath } = ecu;
  const about = [ecu.model, ecu.firmware].filter((text) => text !== undefined).map(escaped);
  const links =
    probePath === undefined
      ? ""
      : `<small>${renderProbeLink(probePath, "Probe", ecu)} · ${renderProbeLink(`${probePath}&debug=true`, "Probe in detail", ecu)}</small>`;
  const online = `${formatValue(invertersOnline)} of ${formatValue(registered)} online`;
  const today = `${todayKilowattHours?.toFixed(2) ?? NOT_MEASURED} kWh today`;
  return `<tr role="row" class="ecu"><th role="rowheader" scope="rowgroup"><b><bdi>${escaped(ecu.name)}</bdi></b>${about.length > 0 ? `<small>${about.join(" · ")}</small>` : ""}${links}</th>${[
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
    renderCell(
      "Age of data",
      formatAge(ecu.reportAgeSeconds),
      readAgeSeconds === undefined ? "" : `read ${formatSpan(readAgeSeconds)} ago`,
    ),
  ].join("")}<td role="cell" colspan="3"></td></tr>`;
};

/** The two links of each ECU read alike; what is heard of them tells them apart. */
const renderProbeLink = (path: string, words: string, { name }: LandingEcu): string =>
  `<a href="${escaped(path)}" aria-label="${words}: ${escaped(name)}">${words}</a>`;

const renderProblemRow = ({ message, reason, remedy }: LandingProblem): string => {
  const word = reason === undefined ? "" : ` <span>${escaped(reason)}</span>`;
  return `<tr role="row" class="problem">${renderWideCell(
    `<dl><dt>Last error</dt><dd><bdi>${escaped(message)}</bdi>${word}</dd><dt>What to do</dt><dd>${escaped(remedy)}</dd></dl>`,
  )}</tr>`;
};

const renderLinkRow = (ecu: LandingEcu, page: LandingPage): string => {
  const count = ecu.inverterCount;
  const words = count === 1 ? "1 inverter" : `${count} inverters`;
  const href = pageUrl({ ...page, only: ecu });
  return `<tr role="row">${renderWideCell(`<a href="${href}" aria-label="${words} of ${escaped(ecu.name)}">${words}</a>`)}</tr>`;
};

const renderInverterRow = (inverter: LandingInverter, ecu: LandingEcu): string => {
  const { uid, model, state, watts, temperatureCelsius, signalRatio } = inverter;
  const percent = signalRatio === undefined ? undefined : signalRatio * 100;
  const channels = inverter.channels.map(
    (channel) =>
      `<li><span>${escaped(channel.name)}</span> ${formatValue(channel.watts, "W")}</li>`,
  );
  return `<tr role="row" class="inverter"><th role="rowheader" scope="row">${escaped(uid)}<small>${escaped(model)}</small></th>${[
    renderCell("State", renderState(state)),
    renderCell("Power", formatValue(watts, "W")),
    renderCell("Age of data", state === "online" ? formatAge(ecu.reportAgeSeconds) : NOT_MEASURED),
    renderCell("Temperature", formatValue(temperatureCelsius, "°C")),
    renderCell("Signal", formatValue(percent && Math.round(percent), "%")),
    `<td role="cell" class="wide" data-label="Channels">${channels.length === 0 ? NOT_MEASURED : `<ul>${channels.join("")}</ul>`}</td>`,
  ].join("")}</tr>`;
};

const renderCell = (label: Column, html: string, more = ""): string =>
  `<td role="cell" class="number" data-label="${label}">${html}${more && `<small>${more}</small>`}</td>`;

const renderWideCell = (html: string): string =>
  `<td role="cell" colspan="${ALL_COLUMNS}">${html}</td>`;

const formatValue = (value: number | undefined, unit = ""): string =>
  value === undefined ? NOT_MEASURED : `${Math.round(value * 10) / 10} ${unit}`.trimEnd();

const stateClasses: Readonly<Record<LandingEcu["state"] | LandingInverter["state"], string>> = {
  up: " good",
  partly: " fair",
  "waiting for data": " fair",
  down: " bad",
  "not read yet": "",
  online: " good",
  offline: "",
  unknown: "",
};

const renderState = (state: keyof typeof stateClasses): string =>
  `<span class="state${stateClasses[state]}">${state}</span>`;

/** A stamp a little ahead is of now; one far ahead is of a clock that is wrong. */
const formatAge = (seconds: number | undefined): string => {
  if (seconds === undefined) return NOT_MEASURED;
  return seconds <= -60 ? `${formatSpan(-seconds)} ahead` : formatSpan(seconds);
};

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for an element or a quoted attribute. */
const escaped = (text: string): string =>
  escapeUnprintable(text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char));
