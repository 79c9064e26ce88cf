/** Writes the parts of files that are made from the source. */
import { readFileSync, writeFileSync } from "node:fs";
import { withTables } from "./readme.ts";

writeFileSync("README.md", withTables(readFileSync("README.md", "utf8")));
