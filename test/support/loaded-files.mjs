/** Preloaded: writes the path of each file of the program that is loaded to standard output, one a line. */
import { register } from "node:module";

const hook = `export const load = async (url, context, next) => {
  if (url.startsWith("file:")) (await import("node:fs")).writeSync(1, "loaded " + new URL(url).pathname + "\\n");
  return next(url, context);
};`;
register(`data:text/javascript,${encodeURIComponent(hook)}`, import.meta.url);
