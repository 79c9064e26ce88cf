/** The record of an inverter in the table of a simulated ECU (docs/protocol.md#offline-records). */
import { recordFormats, recordLayouts } from "../protocol/layouts.ts";
import type { InverterRecord } from "../protocol/replies.ts";
import type { Family } from "./behaviours.ts";
import type { InverterState, PlantInverter } from "./plant.ts";

/** The record of an inverter that has not replied: zeros, which mean -100 °C. */
export const unheardRecord = ({ uid, model }: PlantInverter): InverterRecord => ({
  uid,
  online: false,
  typeCode: model.typeCode,
  layout: model.layout,
  guessed: false,
  frequencyHertz: 0,
  temperatureCelsius: -100,
  powerWatts: Array<number>(model.channels).fill(0),
  gridVolts: Array<number>(recordFormats[model.layout].voltages).fill(0),
});

interface NextRecordOptions {
  readonly inverter: PlantInverter;
  readonly state: InverterState;
  readonly last: InverterRecord;
  readonly family: Family;
}

/** The record of an inverter after a query. @param options.last the record before it */
export const nextRecord = ({
  inverter,
  state,
  last,
  family,
}: NextRecordOptions): InverterRecord => {
  const { model } = inverter;
  if (model.layout === "none") return last;
  if (!state.online) return family === "L" ? unheardRecord(inverter) : staleRecord(last);
  const [firstVolts = 0] = state.gridVolts;
  return {
    ...last,
    online: true,
    frequencyHertz: state.frequencyHertz,
    temperatureCelsius: state.temperatureCelsius,
    powerWatts: [...state.channelWatts],
    gridVolts:
      recordLayouts[model.layout].phases === 1
        ? last.gridVolts.map(() => firstVolts)
        : [...state.gridVolts],
  };
};

/** An ECU-R clears only some fields of an inverter that does not reply; the others keep their last values. */
const staleRecord = (last: InverterRecord): InverterRecord => ({
  ...last,
  online: false,
  frequencyHertz: 0,
  temperatureCelsius: 0,
  powerWatts: last.powerWatts.map((watts, i) => (i < 2 ? 0 : watts)),
  gridVolts:
    last.layout !== undefined && recordLayouts[last.layout].phases > 1
      ? last.gridVolts
      : last.gridVolts.map(() => 0),
});
