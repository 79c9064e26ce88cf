/** Events that charts of power show as marks: alerts, and changes of the plant. */
import type { AnnotationQuery } from "@grafana/grafana-foundation-sdk/dashboard";
import { datasource } from "./board.ts";
import { ecuSeries, uidMatcher } from "./promql.ts";

/** What happened before this time is old, and what follows is new. */
const NEW = "20m";
/** How far back something must be missing to be new. */
const OLD = `[1d:15m] offset ${NEW}`;

const label = (expr: string, event: string): string =>
  `label_replace(${expr}, "event", "${event}", "", "")`;

/** The label sets that exist now and did not within the day before, of ECUs that existed before. */
const appeared = (
  name: "ecu_info" | "inverter_online",
  by: string,
  ...matchers: readonly string[]
): string => {
  const series = ecuSeries(name, ...matchers);
  const before = (labels: string, of: string) => `max by (${labels}) (last_over_time(${of}${OLD}))`;
  return (
    `max by (${by}) (${series}) * 0 + 1 unless on (${by}) ${before(by, series)}` +
    ` and on (ecu) ${before("ecu", ecuSeries("ecu_info"))}`
  );
};

/** The inverters that the ECU listed 20 minutes ago and lists no longer. */
const gone = (...matchers: readonly string[]): string => {
  const listed = `last_over_time(${ecuSeries("inverter_online", ...matchers)}[${NEW}]`;
  return (
    `max by (ecu, uid) (${listed} offset ${NEW})) * 0 + 1` +
    ` unless on (ecu, uid) max by (ecu, uid) (${listed}))` +
    ` and on (ecu) max by (ecu) (min_over_time(${ecuSeries("ecu_up")}[${NEW}])) == 1`
  );
};

const withheld = `max by (ecu) (increase(${ecuSeries(
  "apsystems_exporter_rejected_values_total",
  'field="lifetime_energy"',
)}[${NEW}])) > 0`;

/** One mark where an alert became active: `ALERTS_FOR_STATE` is the time at which it did. */
const alerts = (...matchers: readonly string[]): string =>
  `max by (alertname, severity, ecu, uid, channel) (${ecuSeries("ALERTS_FOR_STATE", ...matchers)} * 1000` +
  ` and ignoring (alertstate) ${ecuSeries("ALERTS", 'alertstate="firing"', ...matchers)})`;

const firmware = appeared("ecu_info", "ecu, firmware");
const inverterEvents = (...matchers: readonly string[]): string[] => [
  label(appeared("inverter_online", "ecu, uid", ...matchers), "Inverter added"),
  label(gone(...matchers), "Inverter gone"),
];
const ofPlant = [
  label(firmware, "Firmware changed"),
  ...inverterEvents(),
  label(withheld, "Energy counter withheld"),
];
const ofInverter = [
  label(`${firmware} and on (ecu) ${ecuSeries("inverter_online", uidMatcher)}`, "Firmware changed"),
  ...inverterEvents(uidMatcher),
];

/** Hidden, because two switches take a line of their own on a phone and at 1280 pixels. */
const inPanel = (panel: number) => ({
  datasource,
  enable: true,
  hide: true,
  filter: { exclude: false, ids: [panel] },
});

/**
 * A mark for each alert in one panel.
 * @param panel id of the panel: its number on the dashboard, from 1
 * @param matchers of the alerts; by default all alerts of the selected ECUs
 */
export const alertsIn = (panel: number, ...matchers: readonly string[]): AnnotationQuery => {
  const byValue = { useValueForTime: true }; // the builder does not know this option
  return {
    ...inPanel(panel),
    name: "Alerts",
    iconColor: "red",
    expr: alerts(...matchers),
    titleFormat: "{{alertname}}",
    textFormat: "{{ecu}} {{uid}} {{channel}}",
    step: "60s",
    ...byValue,
  };
};

const eventsIn = (panel: number, events: readonly string[]): AnnotationQuery => ({
  ...inPanel(panel),
  name: "Events",
  iconColor: "blue",
  expr: events.join(" or "),
  titleFormat: "{{event}}",
  textFormat: "{{ecu}} {{uid}} {{firmware}}",
  step: "900s",
});

/** A mark for each event of the selected ECUs in one panel. With hundreds of ECUs the query takes too long. */
export const plantEventsIn = (panel: number): AnnotationQuery => eventsIn(panel, ofPlant);

/** A mark for each event of the selected inverter and its ECU in one panel. */
export const inverterEventsIn = (panel: number): AnnotationQuery => eventsIn(panel, ofInverter);
