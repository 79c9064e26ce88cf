/** The versions of other programs that the tests run with. One that is missing fails in CI, and skips its tests elsewhere. */
import { describe } from "vitest";
import { cachedPath, newerProgram } from "./newer-programs.ts";
import { hasProgram } from "./programs.ts";

/** A release of Debian, with the programs that `.ci/run` installs or unpacks. */
export interface Release {
  /** Its name in the titles of tests. */
  readonly name: "Debian stable" | "Debian unstable";
  /** The path of one of its programs. */
  readonly path: (program: string) => string;
}

export const releases: readonly Release[] = [
  { name: "Debian stable", path: (program) => program },
  { name: "Debian unstable", path: newerProgram },
];

/** A program of a release, or Node.js from the packages of npm. */
export interface Version {
  readonly program: string;
  readonly from: Release["name"] | "npm" | "this machine";
  /** The package of Debian; for Node.js, the path of the program. */
  readonly source: string;
  /** How its version begins. */
  readonly expected: string;
}

const [stable, unstable] = ["Debian stable", "Debian unstable"] as const;
const node = (major: number): string => cachedPath(`node-${major}/bin/node`);
// biome-ignore format: one program per line
export const versions = {
  node20: { program: "Node.js", from: "this machine", source: process.execPath, expected: "20." },
  node22: { program: "Node.js", from: "npm", source: node(22), expected: "22." },
  node24: { program: "Node.js", from: "npm", source: node(24), expected: "24." },
  prometheus2: { program: "Prometheus", from: stable, source: "prometheus", expected: "2." },
  prometheus3: { program: "Prometheus", from: unstable, source: "prometheus", expected: "3." },
  alertmanagerOld: { program: "Alertmanager", from: stable, source: "prometheus-alertmanager", expected: "0.25" },
  alertmanagerNew: { program: "Alertmanager", from: unstable, source: "prometheus-alertmanager", expected: "0." },
  victoriaOld: { program: "VictoriaMetrics", from: stable, source: "victoria-metrics", expected: "1." },
  victoriaNew: { program: "VictoriaMetrics", from: unstable, source: "victoria-metrics", expected: "1." },
  docker: { program: "Docker Engine", from: stable, source: "docker.io", expected: "20." },
  compose: { program: "Docker Compose", from: unstable, source: "docker-compose", expected: "2." },
  nginx: { program: "nginx", from: stable, source: "nginx-light", expected: "1." },
  chromium: { program: "Chromium", from: stable, source: "chromium", expected: "" },
  systemd: { program: "systemd", from: stable, source: "systemd", expected: "252" },
} as const satisfies Record<string, Version>;

/**
 * Declares the same tests for each release of Debian, with its name at the end of the title. Where one of the programs is
 * missing, they are skipped.
 * @throws Error in CI if a program is missing
 */
export const describeReleases = (
  programs: readonly string[],
  title: string,
  body: (release: Release) => void,
): void => {
  for (const release of releases) {
    const hasAll = programs.every((name) => hasProgram(release.path(name), "--version"));
    describe.skipIf(!hasAll)(`${title} (${release.name})`, () => body(release));
  }
};
