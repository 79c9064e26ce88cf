/** What the landing page tells of one ECU. */
export interface LandingEcu {
  readonly ecu: string;
  /** One line: its last state, in words. */
  readonly state: string;
}

/** The page at `/`: what this is, where the metrics are, and how each ECU was when it was last read. */
export const landingPage = (
  version: string,
  telemetryPath: string,
  ecus: readonly LandingEcu[],
): string => `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>APsystems ECU exporter</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
dt { font-weight: 600; margin-top: .75rem; overflow-wrap: anywhere; }
dd { margin: 0; }
footer { margin-top: 2rem; opacity: .75; }
</style>
</head>
<body>
<h1>APsystems ECU exporter</h1>
<p>Asks ${ecus.length === 1 ? "an APsystems ECU" : `${ecus.length} APsystems ECUs`} when Prometheus scrapes it. This page shows what was read last and asks nothing.</p>
<ul>
<li><a href="${escaped(telemetryPath)}">Metrics</a></li>
<li><a href="/-/healthy">Health</a></li>
<li><a href="/-/ready">Readiness</a></li>
</ul>
<h2>ECUs</h2>
<dl>
${ecus.map(({ ecu, state }) => `<dt>${escaped(ecu)}</dt><dd>${escaped(state)}</dd>`).join("\n")}
</dl>
<footer>Version ${escaped(version)}</footer>
</body>
</html>
`;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
