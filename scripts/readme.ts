/** The README's tables, made from the tables of the source. */
import { serve } from "../src/commands/serve.ts";
import { envName, type Setting } from "../src/config/setting.ts";
import { errorReasons } from "../src/ecu/errors.ts";
import { catalogue, type Metric } from "../src/metrics/catalogue.ts";
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

/** Parts of the README that are written from the source, by the name in their marks. */
const parts: Readonly<Record<string, () => string>> = {
  metrics: metricTable,
  settings: settingTables,
  reasons: reasonTable,
};

/** The README with its generated parts made anew. @throws Error where a part's marks are missing. */
export const withTables = (readme: string): string => {
  let text = readme;
  for (const [name, make] of Object.entries(parts)) {
    const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from === -1 || to < from) throw new Error(`the README has no marks for ${name}`);
    text = `${text.slice(0, from + begin.length)}\n${make()}\n${text.slice(to)}`;
  }
  return text;
};
