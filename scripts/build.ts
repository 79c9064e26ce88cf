/**
 * Builds the program: bundles `src` and all libraries to `dist`, so that it starts faster and an installation needs no other
 * package. Code that only some commands need is in files of its own. Types are checked by `npm run types`.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "rolldown";

const FOLDER = "dist";
/** The program, and the files that it runs in threads. */
const ENTRIES = {
  main: "src/main.ts",
  reparse: "src/cli/reparse.ts",
  "bcrypt-thread": "src/http/web-config/bcrypt-thread.js",
};
const LICENSES = "THIRD-PARTY-LICENSES.txt";

/**
 * Code that is always loaded together, with what it imports, is one file, because each file delays the start. The first group
 * that matches gets the code: `start` is loaded before the command line.
 */
const GROUPS = {
  start: /\/src\/cli\/(hangup|heap|source-lines)\.ts$|^\0lazy$/, // LAZY_ID
  "command-line": /\/src\/program\.ts$/,
  log: /\/src\/cli\/log\.ts$/,
  ecu: /\/src\/(ecu|protocol|time)\/[\w-]+\.ts$/,
  exporter: /\/src\/exporter\/exporter\.ts$/,
  simulator: /\/src\/simulator\/[\w-]+\.ts$/,
};

/** Parts of libraries that do nothing here, although other parts of the libraries load them, each with what it is replaced by. */
const UNUSED: Readonly<Record<string, string>> = {
  "body-parser": "{}", // express: no route reads a request body
  qs: "{}", // express: the query parser is the simple one
  send: "{}", // express: no route sends a file
  "serve-static": "{}", // the same
  "content-disposition": "{}", // express: no route sends a download
  "proxy-addr": "{ compile: () => () => false }", // express: no route asks for the address before a proxy
  "@opentelemetry/api": "{}", // prom-client: no metric has exemplars
  "./lib/pushgateway": "{}", // prom-client: metrics are scraped
  "node:child_process": "{}", // commander: no command is a program of its own, and nothing else starts programs
  "./lib/cluster": "{}", // prom-client: the exporter is one process
  tdigest: "{}", // prom-client: no metric is a summary
  "@pinojs/redact": "{}", // pino: no field is hidden
  "thread-stream": "{}", // pino: the log is written by the main thread
  debug: "() => () => {}", // express and its parts: their trace is off, and each has a copy
  depd: "() => () => {}", // express and its parts: warnings about calls that a future version will not accept
};

/** A module of Node.js whose loading delays the start, which few commands use. */
const LAZY = "node:crypto";
const LAZY_ID = "\0lazy";

const loadAtFirstUse: Plugin = {
  name: "load-at-first-use",
  resolveId: (source) => ([LAZY, "crypto"].includes(source) ? LAZY_ID : undefined),
  load: async (id) => {
    if (id !== LAZY_ID) return;
    const names = Object.keys(await import(LAZY)).filter((name) => name !== "default");
    const getters = names.map((name) => `get ${name}() { return load().${name}; },`);
    return `const load = () => process.getBuiltinModule("${LAZY}");
module.exports = {\n${getters.join("\n")}\n};`;
  },
};

/** The types of the responses, without the 2,000 other ones that mime-db knows. */
const SENT_TYPES = /^(text\/(html|plain)|application\/json)$/;

const UNUSED_PREFIX = "\0unused:";

const leaveOutUnused: Plugin = {
  name: "leave-out-unused",
  resolveId: (source) => (Object.hasOwn(UNUSED, source) ? `${UNUSED_PREFIX}${source}` : undefined),
  load: (id) => {
    if (id.startsWith(UNUSED_PREFIX))
      return `module.exports = ${UNUSED[id.slice(UNUSED_PREFIX.length)]};`;
    if (!id.endsWith("/mime-db/db.json")) return;
    const types = Object.entries(JSON.parse(readFileSync(id, "utf8")));
    return JSON.stringify(Object.fromEntries(types.filter(([type]) => SENT_TYPES.test(type))));
  },
};

/** The folder of the package that a file belongs to; `undefined` for the sources of this package. */
const findPackage = (file: string): string | undefined =>
  /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0];

/** The licenses of the packages of these files as one text. @throws Error if a package has none */
const collectLicenses = (files: readonly string[]): string => {
  const folders = [...new Set(files.flatMap((file) => findPackage(file) ?? []))];
  const sections = folders.map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    if (file === undefined) throw new Error(`${folder} has no license file`);
    return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  return sections.toSorted().join(`\n${"-".repeat(80)}\n\n`);
};

/**
 * Escapes all other characters: with one of them, a file takes twice the memory.
 * @throws Error if one is in a raw string, where an escape has no meaning
 */
const toAscii = (code: string): string => {
  const [raw] = /String\.raw`[^`]*[\u0080-\uffff]/.exec(code) ?? [];
  if (raw !== undefined)
    throw new Error(`not ASCII; write the last character as an escape: ${raw}`);
  return code.replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
};

/** Builds the program, and deletes the files of the build before. */
export const buildProgram = async (): Promise<void> => {
  const { output } = await build({
    input: ENTRIES,
    platform: "node",
    transform: { target: "node20.19" },
    resolve: { symlinks: false }, // so that the maps name packages by their paths here
    plugins: [leaveOutUnused, loadAtFirstUse],
    logLevel: "warn",
    output: {
      dir: FOLDER,
      entryFileNames: "[name].js",
      codeSplitting: {
        groups: Object.entries(GROUPS).map(([name, test], i, all) => ({
          name,
          test,
          priority: all.length - i,
        })),
      },
      // Lines and names stay, because Node.js prints the line of an uncaught error.
      comments: false,
      sourcemap: true,
      sourcemapExcludeSources: true,
    },
  });
  const chunks = output.filter((file) => file.type === "chunk");
  for (const { fileName, code } of chunks) writeFileSync(join(FOLDER, fileName), toAscii(code));
  const licenses = collectLicenses(chunks.flatMap(({ moduleIds }) => moduleIds));
  writeFileSync(join(FOLDER, LICENSES), licenses);
  const built = new Set([LICENSES, ...output.map(({ fileName }) => fileName)]);
  for (const entry of readdirSync(FOLDER))
    if (!built.has(entry)) rmSync(join(FOLDER, entry), { recursive: true });
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildProgram();
