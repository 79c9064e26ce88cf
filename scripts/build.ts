/**
 * Builds the program: bundles `src` and all libraries to `dist`, so that it starts faster and an installation needs no other
 * package. Code that only some commands need is in files of its own. Types are checked by `npm run types`.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Metafile, type Plugin } from "esbuild";

const FOLDER = "dist";
/** The program, and the files that it runs in threads. */
const ENTRIES = ["src/main.ts", "src/cli/reparse.ts", "src/http/web-config/bcrypt-thread.js"];
const LICENSES = "THIRD-PARTY-LICENSES.txt";

/** Parts of libraries that never run here, although other parts of the libraries load them. */
const UNUSED: readonly string[] = [
  "body-parser", // express: no route reads a request body
  "qs", // express: the query parser is the simple one
  "@opentelemetry/api", // prom-client: no metric has exemplars
];

const leaveOutUnused: Plugin = {
  name: "leave-out-unused",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: new RegExp(`^(${UNUSED.join("|")})$`) }, ({ path }) => ({
      path,
      namespace: "unused",
    }));
    onLoad({ filter: /./, namespace: "unused" }, () => ({ contents: "module.exports = {};" }));
  },
};

/** Libraries load parts of Node.js with `require`, which modules do not have. */
const REQUIRE =
  'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

/** The folder of the package that a file belongs to; `undefined` for the sources of this package. */
const findPackage = (file: string): string | undefined =>
  /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0];

/** The licenses of all bundled packages as one text. @throws Error if a package has none */
const collectLicenses = ({ outputs }: Metafile): string => {
  const files = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const folders = [...new Set(files.flatMap((file) => findPackage(file) ?? []))];
  const sections = folders.map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    if (file === undefined) throw new Error(`${folder} has no license file`);
    return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  return sections.toSorted().join(`\n${"-".repeat(80)}\n\n`);
};

/** Builds the program, and deletes the files of the build before. */
export const buildProgram = async (): Promise<void> => {
  const { metafile } = await build({
    entryPoints: ENTRIES,
    outdir: FOLDER,
    entryNames: "[name]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    preserveSymlinks: true, // so that the maps name packages by their paths here
    sourcemap: true,
    sourcesContent: false,
    // Names stay, for error messages. Short lines, because Node.js prints the line of an uncaught error.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120,
    legalComments: "none", // the file of the licenses has them
    banner: { js: REQUIRE },
    plugins: [leaveOutUnused],
    metafile: true,
    logLevel: "warning",
  });
  writeFileSync(join(FOLDER, LICENSES), collectLicenses(metafile));
  const built = new Set([LICENSES, ...Object.keys(metafile.outputs).map((path) => basename(path))]);
  for (const entry of readdirSync(FOLDER))
    if (!built.has(entry)) rmSync(join(FOLDER, entry), { recursive: true });
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildProgram();
