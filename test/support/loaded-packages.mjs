/** Preloaded: writes the name of each package that the program imports to standard output, one a line. */
import { register } from "node:module";

const hook = `export const load = async (url, context, next) => {
  const [, name] = /\\/node_modules\\/([^/]+)\\//.exec(url) ?? [];
  if (name !== undefined) (await import("node:fs")).writeSync(1, "loaded " + name + "\\n");
  return next(url, context);
};`;
register(`data:text/javascript,${encodeURIComponent(hook)}`, import.meta.url);
