import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { pino } from "pino";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { type AppOptions, createApp } from "../../src/http/app.ts";
import { poll } from "../support/programs.ts";

const TEXT = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const noInverters = { inverterCount: 0, inverters: () => [] };

const appWith = (change: Partial<AppOptions> = {}) =>
  createApp({
    version: "1.2.3",
    routePrefix: "",
    externalPrefix: "",
    telemetryPath: "/metrics",
    contentTypes: [TEXT, OPENMETRICS],
    scrape: (contentType) => Promise.resolve({ contentType, text: `# ${contentType}\n` }),
    scrapeSelf: (contentType) => Promise.resolve({ contentType, text: "# self\n" }),
    probe: (targets, contentType) =>
      Promise.resolve({ contentType, text: `# ${targets}\n`, explanation: "The read succeeded." }),
    listTargetGroups: () => [],
    defaultTimeoutMs: 9_500,
    maxRequests: 40,
    listEcus: () => [{ name: "roof", state: "not read yet", ...noInverters }],
    isReady: () => true,
    log: pino({ level: "silent" }),
    ...change,
  });

/** Scrapes that end when the test says so. */
const stallScrapes = () => {
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let count = 0;
  return {
    finish,
    scrape: async (contentType: string) => {
      count++;
      await finished;
      return { contentType, text: "" };
    },
    started: (scrapes: number) =>
      poll(
        10,
        () => Promise.resolve(count === scrapes || undefined),
        () => `${count} of ${scrapes} scrapes started`,
      ),
  };
};

describe("the routes", () => {
  it.each([
    { path: "/metrics", status: 200, type: TEXT, body: /^# text\/plain/ },
    { path: "/self", status: 200, type: TEXT, body: /^# self\n$/ },
    {
      path: "/-/healthy",
      status: 200,
      type: "text/plain; charset=utf-8",
      body: /^The exporter is running\.\n$/,
    },
    {
      path: "/-/ready",
      status: 200,
      type: "text/plain; charset=utf-8",
      body: /^The exporter is ready\.\n$/,
    },
    {
      path: "/",
      status: 200,
      type: "text/html; charset=utf-8",
      body: /<h1>APsystems ECU exporter<\/h1>/,
    },
    {
      path: "/nothing",
      status: 404,
      type: "text/plain; charset=utf-8",
      body: /^Not found: \/nothing\. The metrics are at \/metrics\.\n$/,
    },
    {
      path: "/-/reload",
      status: 405,
      type: "text/plain; charset=utf-8",
      body: /^Method not allowed; use POST or PUT\.\n$/,
    },
    {
      path: "/%E0%A4%A",
      status: 404,
      type: "text/plain; charset=utf-8",
      body: /^Not found: \/%E0%A4%A\./,
    },
  ])("GET $path: $status", async ({ path, status, type, body }) => {
    const response = await request(appWith()).get(path);
    expect(response.status).toBe(status);
    expect(response.headers["content-type"]).toBe(type);
    expect(response.text).toMatch(body);
  });

  it("respond to HEAD as to GET, without a body", async () => {
    const response = await request(appWith()).head("/metrics");
    expect([response.status, response.headers["content-type"], response.text]).toEqual([
      200,
      TEXT,
      undefined,
    ]);
  });

  it.each(["post", "put", "delete", "patch", "options"] as const)("reject %s", async (method) => {
    const response = await request(appWith())[method]("/metrics");
    expect(response.status).toBe(405);
    expect(response.headers["allow"]).toBe("GET, HEAD");
    expect(response.text).toBe("Method not allowed; use GET or HEAD.\n");
  });

  it("report healthy but not ready during startup and shutdown", async () => {
    const app = appWith({ isReady: () => false });
    expect((await request(app).get("/-/healthy")).status).toBe(200);
    const response = await request(app).get("/-/ready");
    expect([response.status, response.text]).toEqual([
      503,
      "The exporter is starting or stopping.\n",
    ]);
  });

  it("serve the metrics only at the configured path", async () => {
    const app = appWith({ telemetryPath: "/solar/metrics" });
    expect((await request(app).get("/solar/metrics")).status).toBe(200);
    expect((await request(app).get("/metrics")).status).toBe(404);
    expect((await request(app).get("/")).text).toContain('href="./solar/metrics"');
  });

  describe("with the prefix /ecu", () => {
    const app = appWith({ routePrefix: "/ecu", externalPrefix: "/home/ecu" });

    it.each([
      "/ecu/",
      "/ecu/metrics",
      "/ecu/probe",
      "/ecu/self",
      "/ecu/sd",
      "/ecu/-/healthy",
      "/ecu/-/ready",
    ])("serve %s", async (path) => {
      expect((await request(app).get(path)).status).toBe(200);
    });

    it.each(["/metrics", "/-/healthy", "/ecuador", "/ecu/ecu/"])(
      "do not serve %s",
      async (path) => {
        const response = await request(app).get(path);
        expect([response.status, response.text]).toEqual([
          404,
          `Not found: ${path}. The metrics are at /home/ecu/metrics.\n`,
        ]);
      },
    );

    it.each([
      ["/", "/ecu/"],
      ["/ecu", "/ecu/"],
      ["/ecu?ecu=roof&refresh=off", "/ecu/?ecu=roof&refresh=off"],
    ])("redirect %s to %s", async (path, location) => {
      const response = await request(app).get(path);
      expect([response.status, response.headers["location"]]).toEqual([302, location]);
    });

    it("reload the configuration only below it", async () => {
      const reloading = appWith({ routePrefix: "/ecu", reload: () => Promise.resolve([]) });
      expect((await request(reloading).post("/ecu/-/reload")).status).toBe(200);
      expect((await request(reloading).post("/-/reload")).status).toBe(405);
    });
  });

  it("read ECUs only for the metrics", async () => {
    let scrapes = 0;
    const app = appWith({
      scrape: (contentType) => {
        scrapes++;
        return Promise.resolve({ contentType, text: "" });
      },
    });
    for (const path of ["/", "/-/healthy", "/-/ready", "/favicon.ico"])
      await request(app).get(path);
    expect(scrapes).toBe(0);
  });

  it("respond 500 to an internal error, and log it", async () => {
    const lines = new PassThrough();
    const app = appWith({
      scrape: () => Promise.reject(new Error("a bug")),
      log: pino(lines),
    });
    const logged = once(lines, "data");
    const response = await request(app).get("/metrics");
    expect([response.status, response.text]).toEqual([
      500,
      "Internal error; see the log of the exporter.\n",
    ]);
    expect(String(await logged)).toContain("a bug");
  });

  it("reject requests above the limit until others have finished, except for health and reload", async () => {
    const stalled = stallScrapes();
    const app = appWith({
      maxRequests: 2,
      scrape: stalled.scrape,
      reload: () => Promise.resolve([]),
    });
    const server = app.listen(0, "127.0.0.1");
    const scrapes = [request(server).get("/metrics"), request(server).get("/metrics")];
    const responses = Promise.all(scrapes);
    await stalled.started(2);
    const rejected = await request(server).get("/metrics");
    expect([rejected.status, rejected.headers["retry-after"], rejected.text]).toEqual([
      503,
      "1",
      "Too many simultaneous requests; try again in a second.\n",
    ]);
    for (const path of ["/-/healthy", "/-/ready"]) {
      expect((await request(server).get(path)).status).toBe(200);
      expect((await request(server).head(path)).status).toBe(200);
    }
    expect((await request(server).post("/-/reload")).status).toBe(200);
    stalled.finish();
    expect((await responses).map(({ status }) => status)).toEqual([200, 200]);
    expect((await request(server).get("/metrics")).status).toBe(200);
    server.close();
  });

  it("do not count a request of a client that disconnected, even if it sent several at once", async () => {
    const stalled = stallScrapes();
    const app = appWith({ maxRequests: 2, scrape: stalled.scrape });
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const [connection] = (await once(server, "connection")) as [Socket];
    client.write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2));
    await stalled.started(2);
    client.destroy();
    await once(connection, "close");
    const scrapes = [request(server).get("/metrics"), request(server).get("/metrics")];
    const responses = Promise.all(scrapes);
    await stalled.started(4);
    stalled.finish();
    expect((await responses).map(({ status }) => status)).toEqual([200, 200]);
    server.close();
  });

  it("do not name the web framework", async () => {
    expect((await request(appWith()).get("/")).headers).not.toHaveProperty("x-powered-by");
  });
});

describe("the content type", () => {
  it.each([
    { accept: undefined, expected: TEXT },
    { accept: "*/*", expected: TEXT },
    { accept: "text/html", expected: TEXT },
    { accept: "text/plain;version=0.0.4", expected: TEXT },
    { accept: "application/openmetrics-text", expected: OPENMETRICS },
    { accept: "application/openmetrics-text;version=2.0.0", expected: TEXT },
    { accept: "application/openmetrics-text;q=0.1,text/plain;q=0.9", expected: TEXT },
    {
      accept:
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      expected: OPENMETRICS,
    },
    {
      accept:
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
      expected: OPENMETRICS,
    },
  ])("is $expected for Accept: $accept", async ({ accept, expected }) => {
    const get = request(appWith()).get("/metrics");
    if (accept !== undefined) get.set("Accept", accept);
    const response = await get;
    expect(response.headers["content-type"]).toBe(expected);
    expect(response.headers["vary"]).toContain("Accept");
  });

  it("is compressed if the client accepts gzip", async () => {
    const text = "ecu_up 1\n".repeat(500);
    const app = appWith({ scrape: (contentType) => Promise.resolve({ contentType, text }) });
    const zipped = await request(app).get("/metrics").set("Accept-Encoding", "gzip");
    expect([zipped.headers["content-encoding"], zipped.text]).toEqual(["gzip", text]);
    const plain = await request(app).get("/metrics").set("Accept-Encoding", "identity");
    expect([plain.headers["content-encoding"], plain.text]).toEqual([undefined, text]);
  });
});

describe("the timeout of a scrape", () => {
  it.each([
    { header: undefined, ms: 9_500 },
    { header: "10", ms: 9_500 },
    { header: "3", ms: 2_500 },
    { header: "1", ms: 500 },
    { header: "0.4", ms: 200 },
    { header: "60.5", ms: 60_000 },
    { header: "0", ms: 9_500 },
    { header: "-5", ms: 9_500 },
    { header: "soon", ms: 9_500 },
    { header: "Infinity", ms: 9_500 },
    { header: "1e99", ms: 600_000 },
  ])("is $ms ms if the header is $header", async ({ header, ms }) => {
    let received = 0;
    const app = appWith({
      scrape: (contentType, timeoutMs) => {
        received = timeoutMs;
        return Promise.resolve({ contentType, text: "" });
      },
    });
    const get = request(app).get("/metrics");
    if (header !== undefined) get.set("X-Prometheus-Scrape-Timeout-Seconds", header);
    await get;
    expect(received).toBe(ms);
  });
});

describe("the landing page", () => {
  const roof = { name: "roof", state: "up", powerWatts: 78, ...noInverters } as const;
  const hostile = {
    name: "<i>&",
    state: "down",
    probePath: "./probe?target=1",
    ...noInverters,
  } as const;
  const app = appWith({ listEcus: () => [roof, hostile] });
  const extractLinks = (text: string) =>
    [...text.matchAll(/<a href="([^"]+)"/g)].map(([, href]) => href);

  it("shows version, links and each ECU, and escapes names", async () => {
    const { text } = await request(app).get("/");
    expect(text).toContain("Version 1.2.3");
    expect(text).toContain("<b><bdi>roof</bdi></b>");
    expect(text).toContain("<b><bdi>&lt;i&gt;&amp;</bdi></b>");
    expect(extractLinks(text)).toEqual([
      "./metrics",
      "./-/healthy",
      "./-/ready",
      "./probe?target=1",
      "./probe?target=1&amp;debug=true",
      "./?refresh=off",
    ]);
  });

  it("reloads every 30 s unless disabled, and is not cached", async () => {
    const on = await request(app).get("/");
    expect([on.headers["refresh"], on.headers["cache-control"]]).toEqual(["30", "no-store"]);
    const off = await request(app).get("/?refresh=off");
    expect([off.headers["refresh"], off.headers["cache-control"]]).toEqual([undefined, "no-store"]);
    expect(extractLinks(off.text)).toContain("./");
  });

  it("shows one ECU if the query has its name, and responds 404 to unknown names", async () => {
    const { text } = await request(app).get("/").query({ ecu: "<i>&" });
    expect(text).toContain("<title>&lt;i&gt;&amp; – ECU exporter</title>");
    expect(text).not.toContain("roof");
    expect(extractLinks(text)).toContain("./?ecu=%3Ci%3E%26&amp;refresh=off");
    for (const query of ["ecu=barn", "ecu=roof&ecu=roof", "ecu="]) {
      const { status, headers, text } = await request(app).get(`/?${query}`);
      expect([status, headers["content-type"]]).toEqual([404, "text/plain; charset=utf-8"]);
      expect(text).toBe("No ECU has this name. The page without ?ecu= lists all ECUs.\n");
    }
  });
});

describe("every response", () => {
  const POLICY = "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'";

  it.each(["/", "/metrics", "/-/healthy", "/nothing"])(
    "has headers that allow a browser only to show it: %s",
    async (path) => {
      const { headers, text } = await request(appWith()).get(path);
      const [style] = /(?<=<style>).*(?=<\/style>)/s.exec(text) ?? [];
      expect(style !== undefined).toBe(path === "/");
      const hash = createHash("sha256")
        .update(style ?? "")
        .digest("base64");
      const ofPage = path === "/" ? `;style-src 'sha256-${hash}';img-src data:` : "";
      expect(headers).toMatchObject({
        "content-security-policy": `${POLICY}${ofPage}`,
        "cross-origin-resource-policy": "same-origin",
        "origin-agent-cluster": "?1",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-dns-prefetch-control": "off",
        "x-download-options": "noopen",
        "x-frame-options": "DENY",
        "x-permitted-cross-domain-policies": "none",
        "x-xss-protection": "0",
      });
      for (const name of ["strict-transport-security", "cross-origin-opener-policy"])
        expect(headers).not.toHaveProperty(name);
    },
  );

  it("has these headers also if the request is rejected", async () => {
    for (const app of [appWith({ maxRequests: 0 }), appWith()]) {
      const { headers } = await request(app).post("/");
      expect(headers).toHaveProperty("content-security-policy");
    }
  });
});

describe("a probe", () => {
  it("passes on all target parameters, decoded", async () => {
    const received: (readonly string[])[] = [];
    const app = appWith({
      probe: (targets, contentType) => {
        received.push(targets);
        return Promise.resolve({ contentType, text: "# one\n", explanation: "" });
      },
    });
    await request(app).get("/probe?target=house");
    await request(app).get("/probe?target=a&x=1&target=b%20c");
    await request(app).get("/probe");
    await request(app).get("/probe?target[]=a&target[0]=b");
    expect(received).toEqual([["house"], ["a", "b c"], [], []]);
  });

  it("uses the requested format; with debug=true, an explanation precedes the metrics", async () => {
    const plain = await request(appWith())
      .get("/probe?target=house")
      .set("Accept", "application/openmetrics-text; version=1.0.0");
    expect([plain.status, plain.headers["content-type"], plain.text]).toEqual([
      200,
      OPENMETRICS,
      "# house\n",
    ]);
    const debug = await request(appWith()).get("/probe?target=house&debug=true");
    expect([debug.headers["content-type"], debug.text]).toEqual([
      "text/plain; charset=utf-8",
      "The read succeeded.\n\n# house\n",
    ]);
  });

  it("tells the client why its target is rejected, but not the details of an internal error", async () => {
    const failing = (error: Error) => appWith({ probe: () => Promise.reject(error) });
    const targetError = Object.assign(new Error("No such ECU."), { status: 403 });
    const rejected = await request(failing(targetError)).get("/probe?target=x");
    expect([rejected.status, rejected.text]).toEqual([403, "No such ECU.\n"]);
    const failed = await request(failing(new Error("secret"))).get("/probe?target=x");
    expect(failed.status).toBe(500);
    expect(failed.text).not.toContain("secret");
  });
});

it("lists the targets for service discovery as JSON; the list may be empty", async () => {
  const group = { targets: ["house"], labels: { __meta_apsystems_address: "192.168.1.50:8899" } };
  const response = await request(appWith({ listTargetGroups: () => [group] })).get("/sd");
  expect([response.status, response.body]).toEqual([200, [group]]);
  expect(response.headers["content-type"]).toBe("application/json; charset=utf-8");
  expect((await request(appWith()).get("/sd")).text).toBe("[]");
});

describe("a reload request", () => {
  it("is rejected unless enabled", async () => {
    const { status, text } = await request(appWith()).post("/-/reload");
    expect([status, text]).toEqual([
      403,
      "Reloading by request is disabled; --web.enable-lifecycle enables it.\n",
    ]);
  });

  it("gets a confirmation, or all problems of the configuration", async () => {
    const reloaded = await request(appWith({ reload: () => Promise.resolve([]) })).post(
      "/-/reload",
    );
    expect([reloaded.status, reloaded.text]).toEqual([200, "The configuration was reloaded.\n"]);
    const invalid = await request(appWith({ reload: () => Promise.resolve(["one", "two"]) })).post(
      "/-/reload",
    );
    expect([invalid.status, invalid.text]).toEqual([
      500,
      "The old configuration stays in effect:\none\ntwo\n",
    ]);
  });

  it.each([
    { sender: "a program", headers: {}, status: 200 },
    {
      sender: "a page of the exporter",
      headers: { Origin: "http://solar.lan:10899" },
      status: 200,
    },
    { sender: "a page of another host", headers: { Origin: "http://evil.example" }, status: 403 },
    { sender: "a page at another port", headers: { Origin: "http://solar.lan:8080" }, status: 403 },
    { sender: "a page without an origin", headers: { Origin: "null" }, status: 403 },
    {
      sender: "a page at the same place",
      headers: { "Sec-Fetch-Site": "same-origin" },
      status: 200,
    },
    { sender: "the user", headers: { "Sec-Fetch-Site": "none" }, status: 200 },
    { sender: "a page of a sibling", headers: { "Sec-Fetch-Site": "same-site" }, status: 403 },
    { sender: "a page of another site", headers: { "Sec-Fetch-Site": "cross-site" }, status: 403 },
  ])("from $sender ($headers) gets $status", async ({ headers, status }) => {
    for (const method of ["post", "put"] as const) {
      let times = 0;
      const app = appWith({
        reload: () => {
          times++;
          return Promise.resolve([]);
        },
      });
      const response = await request(app)
        [method]("/-/reload")
        .set({ Host: "Solar.lan:10899", ...headers });
      expect([response.status, times]).toEqual([status, status === 200 ? 1 : 0]);
      if (status === 403)
        expect(response.text).toBe("Reloading from another site is not allowed.\n");
    }
  });

  it("must be a POST or PUT", async () => {
    let times = 0;
    const app = appWith({
      reload: () => {
        times++;
        return Promise.resolve([]);
      },
    });
    for (const method of ["get", "head", "delete"] as const) {
      const { status, headers } = await request(app)[method]("/-/reload");
      expect([status, headers["allow"]]).toEqual([405, "POST, PUT"]);
    }
    expect((await request(app).post("/-/reload/now")).status).toBe(405);
    expect(times).toBe(0);
  });
});
