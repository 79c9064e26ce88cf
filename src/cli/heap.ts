/** The heap of the JavaScript engine, on machines with little memory. */
import { setFlagsFromString } from "node:v8";

/**
 * Keeps the heap near the size of the live data: by default the engine grows it to several times that size before it collects,
 * and does not shrink it. Both settings are relative to the live data and limit nothing, so a thousand ECUs get what they
 * need. They cost a few percent of the time of a scrape. Must be called before the rest of the code is loaded.
 */
export const keepHeapSmall = (): void => {
  setFlagsFromString("--semi-space-growth-factor=1"); // the space of new objects stays at its first size, 1 MB
  setFlagsFromString("--heap-growing-percent=20");
};
