import { readFileSync } from "node:fs";

/** Version of this package, from its own manifest. */
export const version: string = (() => {
  const manifest = new URL("../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return version;
})();

/** What the build was made from, where it was told: a commit. */
export const revision = process.env["APSYSTEMS_EXPORTER_REVISION"] ?? "unknown";
