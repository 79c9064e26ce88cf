/**
 * Preloaded: at the end of the program, allocates objects of which some live long, and prints the sizes of the heap in bytes:
 * of each space the smallest of the second half of this work, because the engine adds pages for a moment while it collects.
 */
import { writeSync } from "node:fs";
import { getHeapSpaceStatistics } from "node:v8";

const OBJECTS = 3_000_000;

process.on("exit", () => {
  const kept = [];
  /** @type {Record<string, number>} */
  const sizes = {};
  for (let i = 0; i < OBJECTS; i++) {
    kept[i % 50_000] = { index: i, text: `object ${i}` };
    if (i < OBJECTS / 2 || i % 10_000 !== 0) continue;
    for (const { space_name: name, space_size: size } of getHeapSpaceStatistics()) {
      sizes[name] = Math.min(sizes[name] ?? size, size);
    }
  }
  writeSync(1, `sizes ${JSON.stringify(sizes)}\n`);
});
