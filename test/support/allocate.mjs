/** Preloaded: at the end of the program, allocates objects of which some live long, and prints the sizes of the heap in bytes. */
import { writeSync } from "node:fs";
import { getHeapSpaceStatistics } from "node:v8";

process.on("exit", () => {
  const kept = [];
  for (let i = 0; i < 3_000_000; i++) kept[i % 50_000] = { index: i, text: `object ${i}` };
  const sizes = getHeapSpaceStatistics().map((space) => [space.space_name, space.space_size]);
  writeSync(1, `sizes ${JSON.stringify(Object.fromEntries(sizes))}\n`);
});
