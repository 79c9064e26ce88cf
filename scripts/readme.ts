/** Tables in README and docs, generated from the tables of the source. */
import { serve } from "../src/commands/serve.ts";
import { envName, type Setting } from "../src/config/setting.ts";
import { errorReasons } from "../src/ecu/errors.ts";
import { catalogue, type Metric } from "../src/metrics/catalogue.ts";
import { faults } from "../src/simulator/faults.ts";
import { code, table } from "./markdown.ts";

const metricTable = (): string =>
  table(
    ["Name", "Type", "Labels", "Meaning"],
    Object.entries<Metric>(catalogue).map(([name, { type, labels, help }]) => [
      code(name),
      type,
      labels.map(code).join(" "),
      help,
    ]),
  );

const settingTable = (rows: readonly Setting<unknown>[]): string =>
  table(
    ["Flag", "Variable", "Default", "Meaning"],
    rows.map(({ flag, value, help, fallback, defaultText }) => [
      code(`--${flag}=${value}`),
      code(envName(flag)),
      fallback === undefined ? (defaultText ?? "") : code(fallback),
      help,
    ]),
  );

const settingTables = (): string => settingTable(Object.values(serve.settings));

const reasonTable = (): string =>
  table(
    ["Reason", "What happened", "What to do"],
    Object.entries(errorReasons).map(([reason, { happened, remedy }]) => [
      code(reason),
      happened,
      remedy,
    ]),
  );

const faultTable = (): string =>
  table(
    ["Fault", "The simulated ECU"],
    Object.entries<{ about: string }>(faults).map(([name, { about }]) => [code(name), about]),
  );

/** Generated parts of pages, by page and by the name in their marks. */
export const generatedParts: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  "README.md": { metrics: metricTable, settings: settingTables, reasons: reasonTable },
  "docs/simulator.md": { faults: faultTable },
};

/** Replaces the generated parts of a page. @throws Error if the marks of a part are missing */
export const regenerate = (
  page: string,
  parts: Readonly<Record<string, () => string>> = {},
): string => {
  let text = page;
  for (const [name, generate] of Object.entries(parts)) {
    const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from === -1 || to < from) throw new Error(`the page has no marks for ${name}`);
    text = `${text.slice(0, from + begin.length)}\n${generate()}\n${text.slice(to)}`;
  }
  return text;
};
