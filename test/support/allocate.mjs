/**
 * Preloaded: at the end of the program, allocates objects of which some live long, and prints sizes of the heap in bytes.
 * `newSpace` is the smallest size of the space of new objects in the second half of this work, because the engine adds pages for a
 * moment while it collects. `oldPeak` is the most that old objects, of which about 16 MiB are in use, took.
 */
import { writeSync } from "node:fs";
import { getHeapSpaceStatistics } from "node:v8";

const OBJECTS = 3_000_000;
const ARRAYS = 200_000;
/** @param {string} name */
const space = (name) => getHeapSpaceStatistics().find(({ space_name }) => space_name === name);

process.on("exit", () => {
  const objects = [];
  let newSpace = Number.POSITIVE_INFINITY;
  for (let i = 0; i < OBJECTS; i++) {
    objects[i % 50_000] = { index: i, text: `object ${i}` };
    if (i < OBJECTS / 2 || i % 10_000 !== 0) continue;
    newSpace = Math.min(newSpace, space("new_space")?.space_size ?? 0);
  }
  objects.length = 0;
  const arrays = [];
  let oldPeak = 0;
  for (let i = 0; i < ARRAYS; i++) {
    arrays[i % 20_000] = Array.from({ length: 100 }, (_, j) => i + j / 2);
    if (i % 500 === 0) oldPeak = Math.max(oldPeak, space("old_space")?.space_used_size ?? 0);
  }
  writeSync(1, `sizes ${JSON.stringify({ newSpace, oldPeak, arrays: arrays.length })}\n`);
});
