import { createHash } from "node:crypto";
import { MAX_COLUMNS } from "./roof.ts";

/** Widths of a tile in pixels. If it is less than `WORDS_TILE`, a tile has only one short text. */
const MIN_TILE = 18;
const WORDS_TILE = 52;
const MAX_TILE = 104;
/** The policy forbids styles in elements, so that the width of a grid has to follow from a class. */
const gridWidths = Array.from({ length: MAX_COLUMNS }, (_, i) => i + 1)
  .map((n) => {
    const size = n > 16 ? 9 : 11; // 100 is 18 pixels wide at most
    return `.c${n} { min-width: ${n * MIN_TILE}px; max-width: ${n * MAX_TILE}px; }
@container (max-width: ${n * WORDS_TILE - 1}px) {
  .c${n} text { display: none; }
  .c${n} text.narrow { display: inline; font-size: ${size}px; }
}`;
  })
  .join("\n");

/** The style sheet. A narrow screen shows each table row as a block, with each value below its column's name. */
export const css = `
:root {
  color-scheme: light dark;
  --back: #fbfbf9; --group: #f1f1ec; --line: #deded6; --text: #1d1f22; --quiet: #565b62;
  --link: #0b57a4; --good: #19713a; --fair: #805300; --bad: #b3261e;
  --tile: #e9e9e2; --level: #ffd35c; --night: #3a4663;
  font: 16px/1.5 system-ui, sans-serif; background: var(--back); color: var(--text);
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #15171a; --group: #1e2125; --line: #33383e; --text: #e7e7e3; --quiet: #a8adb4;
    --link: #85bdff; --good: #62cc80; --fair: #e9b94b; --bad: #ff958b;
    --tile: #2a2f35; --level: #755a00; --night: #2f3a57;
  }
}
* { box-sizing: border-box; }
body { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1.25rem; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.125rem; line-height: 1.25; color: var(--quiet); }
h2 { margin: 1rem 0 .5rem; font-size: 1.375rem; line-height: 1.25; }
h3 { margin: 1rem 0 .375rem; font-size: 1rem; }
h3 small { display: inline; margin-left: .5rem; font-weight: 400; }
p { margin: .5rem 0; max-width: 44rem; }
a { color: var(--link); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .25rem 0; padding: 0; list-style: none; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem 1.25rem; margin: .75rem 0; }
.figures dt { color: var(--quiet); font-size: .875rem; }
.figures dd { margin: 0; white-space: nowrap; font-size: 1.5rem; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.figures small { display: inline; font-weight: 400; }
.figures dd.unknown { color: var(--quiet); font-weight: 400; }
.sums dd, .plant:first-child dd { font-size: 2.25rem; }
.sums small { display: block; }
.panels { overflow-x: auto; container-type: inline-size; }
.panels > svg { display: block; }
.tiles { display: flex; flex-wrap: wrap; gap: 4px; margin-top: 4px; }
svg text { fill: var(--text); font-size: 12px; }
svg text.value, svg text.word { font-size: 15px; font-weight: 600; }
svg text.narrow { display: none; text-anchor: middle; font-variant-numeric: tabular-nums; }
.tile { fill: var(--tile); }
.level { fill: var(--level); stroke: var(--fair); stroke-opacity: .5; }
.asleep { fill: var(--night); }
.asleep ~ text { fill: #fff; }
.missing, .offline, .unlisted, .unknown { stroke-width: 4px; }
.missing { stroke: var(--bad); }
.missing ~ line { stroke: var(--bad); stroke-opacity: .3; stroke-width: 2px; }
.missing ~ text.word { fill: var(--bad); }
.offline { stroke: var(--quiet); stroke-dasharray: 8 5; }
.unlisted, .unknown { stroke: var(--quiet); stroke-dasharray: 2 5; }
.legend { margin: 1rem 0; font-size: .875rem; }
.legend div { display: flex; gap: .25rem .75rem; margin: .25rem 0; }
.legend dt { flex: none; display: flex; align-items: center; gap: .5rem; width: 6.5rem; }
.legend dd { margin: 0; color: var(--quiet); }
${gridWidths}
table { width: 100%; margin: 1.5rem 0; border-collapse: collapse; }
caption { padding: .25rem 0 .5rem; text-align: left; font-size: 1.125rem; font-weight: 600; }
th, td { padding: .45rem .75rem; text-align: left; vertical-align: top; font-weight: inherit; }
thead th { color: var(--quiet); font-size: .875rem; white-space: nowrap; }
tbody tr { border-top: 1px solid var(--line); }
tbody th { min-width: 11rem; }
tbody tr.ecu { background: var(--group); }
tbody tr.ecu > th > b { font-size: 1.0625rem; }
tbody tr.detail { background: var(--group); border-top: 0; }
tr.detail dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .75rem; margin: 0; }
tr.detail dt { font-weight: 600; }
tr.detail dd { grid-column: 2; margin: 0; max-width: 46rem; }
tr.detail dd::first-letter { text-transform: uppercase; }
tr.inverter > th { padding-left: 1.75rem; }
b { font-weight: 600; }
small { display: block; color: var(--quiet); font-size: .875rem; }
td { font-variant-numeric: tabular-nums; }
td.number, td.number small { white-space: nowrap; }
td ul { display: flex; flex-wrap: wrap; gap: 0 .75rem; margin: 0; padding: 0; list-style: none; }
td li span, dd span { color: var(--quiet); font-size: .875rem; }
.state { color: var(--quiet); }
.state::before { content: ""; display: inline-block; width: .6em; height: .6em; margin-right: .45em;
  border: 2px solid currentColor; border-radius: 50%; }
.good { color: var(--good); } .fair { color: var(--fair); } .bad { color: var(--bad); }
.good::before, .fair::before, .bad::before { background: currentColor; }
footer { color: var(--quiet); font-size: .875rem; }
@media (max-width: 60rem) {
  body { padding: 1rem .75rem; }
  svg text { font-size: 11px; }
  svg text.value { font-size: 13px; }
  svg text.word { font-size: 11px; font-weight: 400; }
  .legend text.narrow { display: inline; }
  .sums dd, .plant:first-child dd { font-size: 1.75rem; }
  table, caption, tbody, tbody th, tbody td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody { margin-bottom: 1rem; border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; }
  tbody tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.25rem, 1fr)); gap: .35rem .75rem; padding: .6rem .75rem; }
  tbody tr:first-child { border-top: 0; }
  tbody th, tbody td, tr.inverter > th { min-width: 0; padding: 0; }
  tbody th, tbody td[colspan], td.wide { grid-column: 1 / -1; }
  td:empty { display: none; }
  td.number small { white-space: normal; }
  tr.inverter small { display: inline; margin-left: .5rem; }
  td[data-label]::before { content: attr(data-label); display: block; color: var(--quiet); font-size: .8125rem; }
  tr.detail { padding-top: 0; }
  tr.detail dl { grid-template-columns: 1fr; gap: 0; }
  tr.detail dd { grid-column: 1; }
  tr.detail dd + dd { margin-top: .15rem; }
  tr.detail dd + dt { margin-top: .35rem; }
}
`;

/** The hash source for the Content-Security-Policy, which allows only this style sheet. */
export const hashCss = (): string =>
  `'sha256-${createHash("sha256").update(css).digest("base64")}'`;
