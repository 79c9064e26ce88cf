/** The exporter behind a real nginx that serves it below a path. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEcu } from "../../simulator/client.ts";
import { startTestExporter, type TestExporter } from "../../support/exporter.ts";
import {
  freePort,
  hasProgram,
  poll,
  type RunningProgram,
  startProgram,
} from "../../support/programs.ts";

const SLOW_MS = 60_000;

/** The location in docs/deployment.md, which removes the path. */
const [, documented = ""] =
  /<!-- nginx: begin -->\n```nginx\n(.*?)```/s.exec(readFileSync("docs/deployment.md", "utf8")) ??
  [];

/** What nginx does with the path, and the settings of the exporter for it. */
const setups = {
  "/ecu": { target: "/", options: {} },
  "/removed-and-told": {
    target: "/",
    options: {
      externalUrl: { href: "http://home.example/removed-and-told/", path: "/removed-and-told" },
      routePrefix: "",
    },
  },
  "/kept": {
    target: "",
    options: { externalUrl: { href: "http://home.example/kept/", path: "/kept" } },
  },
  "/kept/without-url": { target: "", options: { routePrefix: "/kept/without-url" } },
  "/replaced": {
    target: "/other/",
    options: { externalUrl: { href: "/replaced/", path: "/replaced" }, routePrefix: "/other" },
  },
} as const;

describe.skipIf(!hasProgram("nginx", "-v"))("behind nginx", () => {
  const folder = mkdtempSync(join(tmpdir(), "nginx-"));
  const exporters: TestExporter[] = [];
  let ecu: Awaited<ReturnType<typeof startEcu>>;
  let nginx: RunningProgram;
  let url = "";

  beforeAll(async () => {
    ecu = await startEcu();
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const locations: string[] = [];
    for (const [path, { target, options }] of Object.entries(setups)) {
      const exporter = await startTestExporter({ host: "127.0.0.1", port: ecu.port }, options);
      exporters.push(exporter);
      locations.push(
        path === "/ecu"
          ? documented.replace("http://127.0.0.1:10899", exporter.url)
          : `location ${path}/ { proxy_pass ${exporter.url}${target}; }`,
      );
    }
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    writeFileSync(
      join(folder, "nginx.conf"),
      `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr;
events {}
http {
  access_log off; absolute_redirect off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
  server { listen 127.0.0.1:${port}; ${locations.join("\n")} }
}`,
    );
    nginx = startProgram("nginx", ["-p", folder, "-e", "stderr", "-c", `${folder}/nginx.conf`]);
    await poll(20, () => fetch(url), nginx.output);
  }, SLOW_MS);

  afterAll(async () => {
    await nginx[Symbol.asyncDispose]();
    for (const exporter of exporters) await exporter.stop();
    await ecu.close();
    rmSync(folder, { recursive: true });
  }, SLOW_MS);

  /** The URLs of all links in a page. */
  const listLinks = async (page: string): Promise<string[]> =>
    [...(await (await fetch(page)).text()).matchAll(/<a href="([^"]*)"/g)].map(
      ([, href = ""]) => new URL(href.replaceAll("&amp;", "&"), page).href,
    );

  it.each(Object.keys(setups))("every link of the page below %s works", async (path) => {
    const links = await listLinks(`${url}${path}/`);
    expect(links.map((link) => link.replace(`${url}${path}`, ""))).toEqual([
      "/metrics",
      "/-/healthy",
      "/-/ready",
      "/probe?target=roof",
      "/probe?target=roof&debug=true",
      "/?refresh=off",
    ]);
    for (const link of links) {
      const response = await fetch(link);
      expect([link, response.status]).toEqual([link, 200]);
      await response.text();
    }
    expect(await listLinks(`${url}${path}/?ecu=roof&refresh=off`)).toEqual(
      expect.arrayContaining([`${url}${path}/?refresh=off`, `${url}${path}/?ecu=roof`]),
    );
  });

  it.each(Object.keys(setups))("%s without a slash leads to the page", async (path) => {
    const response = await fetch(`${url}${path}`);
    expect([response.status, response.url]).toEqual([200, `${url}${path}/`]);
    expect(await response.text()).toContain("<h1>APsystems ECU exporter</h1>");
  });

  it.each(Object.keys(setups))(
    "an unknown path below %s names the public path of the metrics",
    async (path) => {
      const response = await fetch(`${url}${path}/nothing`);
      expect(response.status).toBe(404);
      const expected = path === "/ecu" ? "/metrics" : `${path}/metrics`;
      expect(await response.text()).toContain(`The metrics are at ${expected}.`);
    },
  );
});
