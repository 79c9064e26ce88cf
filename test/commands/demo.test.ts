/** The roof of the demo. Expected values are written by hand. */
import { expect, it } from "vitest";
import { describePanels } from "../../src/commands/demo.ts";
import { createPlant } from "../../src/simulator/plant.ts";

const site = { latitude: 28, longitude: 5 };

it("has arrays of two directions, with two rows each, or one row of up to four panels", () => {
  const plant = createPlant(
    [
      ["QS1", 2],
      ["DS3", 2],
    ],
    site,
    1,
  );
  const [qs1, other, first, second] = plant.inverters.map(({ uid }) => uid);
  const places = describePanels(plant).map(
    ({ uid, channel, panel, array, row, column }) =>
      `${uid}/${channel}=${panel}/${array}/${row}/${column}`,
  );
  expect(places).toEqual([
    `${qs1}/1=A1/southeast 330 W/1/1`,
    `${qs1}/2=A2/southeast 330 W/1/2`,
    `${qs1}/3=A3/southeast 330 W/1/3`,
    `${qs1}/4=A4/southeast 330 W/1/4`,
    `${other}/1=A5/southeast 330 W/2/1`,
    `${other}/2=A6/southeast 330 W/2/2`,
    `${other}/3=A7/southeast 330 W/2/3`,
    `${other}/4=A8/southeast 330 W/2/4`,
    `${first}/1=B1/west 430 W/1/1`,
    `${first}/2=B2/west 430 W/1/2`,
    `${second}/1=B3/west 430 W/1/3`,
    `${second}/2=B4/west 430 W/1/4`,
  ]);
});

it("has an array for each size of panels in a direction", () => {
  const plant = createPlant(
    [
      ["QS1", 3],
      ["DS3", 4],
    ],
    site,
    1,
  );
  const counts = new Map<string, number>();
  for (const { array } of describePanels(plant)) counts.set(array, (counts.get(array) ?? 0) + 1);
  expect([...counts]).toEqual([
    ["southeast 330 W", 12],
    ["southeast 430 W", 2],
    ["west 430 W", 6],
  ]);
});

it("has one array for one inverter, no panel for one without channels, and at most ten panels in a row", () => {
  expect(describePanels(createPlant([["DS3", 1]], site, 1)).map(({ array }) => array)).toEqual([
    "southeast 430 W",
    "southeast 430 W",
  ]);
  expect(describePanels(createPlant([["UNCONTACTED", 1]], site, 1))).toEqual([]);
  const columns = describePanels(createPlant([["QS1", 40]], site, 1)).map(({ column }) => column);
  expect(columns).toHaveLength(160);
  expect(Math.max(...columns.map(Number))).toBe(10);
});
