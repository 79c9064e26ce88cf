/** Writes the files, and the parts of files, that are generated from the source. */
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { readSchema } from "../src/commands/read/json.ts";
import { fileSchema } from "../src/config/file.ts";
import { cliPage } from "./cli.ts";
import { generatedParts, regenerate } from "./readme.ts";
import { linkRunbooks, readDocsBase, runbookFiles } from "./runbooks.ts";

for (const [path, parts] of Object.entries(generatedParts))
  writeFileSync(path, regenerate(readFileSync(path, "utf8"), parts));
const schema = z.toJSONSchema(fileSchema, { io: "input" });
writeFileSync("docs/apsystems.schema.json", `${JSON.stringify(schema, undefined, 2)}\n`);
const readJson = z.toJSONSchema(readSchema);
writeFileSync("docs/read.schema.json", `${JSON.stringify(readJson, undefined, 2)}\n`);
writeFileSync("docs/cli.md", cliPage());
const docsBase = readDocsBase();
for (const path of runbookFiles())
  writeFileSync(path, linkRunbooks(readFileSync(path, "utf8"), docsBase));
