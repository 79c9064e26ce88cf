import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders, type RequestListener } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type SecureVersion, type TLSSocket } from "node:tls";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWebServer, type WebServerOptions } from "../../src/http/server.ts";
import type { ClientAuthType, ClientCertRules } from "../../src/http/web-config/client-certs.ts";
import { type AccessRules, unrestricted } from "../../src/http/web-config/middleware.ts";
import { certifier, type Pair } from "../support/certificates.ts";
import { hasProgram } from "../support/programs.ts";

/** Of the test vectors of OpenBSD's bcrypt: of the passwords "a" and "abc", both with a cost of 6. */
const HASH_OF_A = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";
const HASH_OF_ABC = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
/** Of "zoë:1", by crypt(3). */
const HASH_OF_ZOE = "$2y$05$abcdefghijklmnopqrstuuWrrGof0Fjd87GY4CLEdk3vWKYQmxVPi";

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A running server; what is asked goes over a connection of its own. */
interface World extends AsyncDisposable {
  readonly port: number;
  readonly logged: Record<string, unknown>[];
  get(path: string, options?: RequestOptions): Promise<Answer>;
  destroyConnections(): void;
}

const metrics: RequestListener = (request, response) => {
  response.setHeader("X-Frame-Options", "sameorigin");
  response.writeHead(request.url === "/nothing" ? 404 : 200);
  response.end("ecu_up 1\n");
};

const startServer = async (
  rules: AccessRules | (() => AccessRules),
  options: Partial<WebServerOptions> = {},
): Promise<World> => {
  const access = typeof rules === "function" ? rules : () => rules;
  const logged: Record<string, unknown>[] = [];
  const log = pino(
    { base: null, timestamp: false },
    { write: (line) => void logged.push(JSON.parse(line)) },
  );
  const { server, destroyConnections } = createWebServer(metrics, {
    access,
    server: { requestTimeout: 5_000 },
    log,
    now: () => 0,
    ...options,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const get = (path: string, more: RequestOptions = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const send = access().tls === undefined ? httpRequest : httpsRequest;
      const request = send({
        host: "127.0.0.1",
        port,
        path,
        agent: false,
        timeout: 10_000,
        ...more,
      });
      request.on("timeout", () => request.destroy(new Error("no answer")));
      request.on("error", reject);
      request.on("response", async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode, headers: response.headers, text });
      });
      request.end();
    });
  return {
    port,
    logged,
    get,
    destroyConnections,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      destroyConnections();
      await closed;
    },
  };
};

const basic = (text: string) => ({
  headers: { authorization: `Basic ${Buffer.from(text).toString("base64")}` },
});
const users = new Map([
  ["alice", HASH_OF_A],
  ["bob", HASH_OF_ABC],
]);

describe("without rules", () => {
  it("anybody is answered over plain HTTP", async () => {
    await using server = await startServer(unrestricted);
    expect(await server.get("/metrics")).toMatchObject({ status: 200, text: "ecu_up 1\n" });
  });
});

describe("a password", () => {
  it.each(["/metrics", "/", "/-/healthy", "/-/ready", "/nothing", "/%E0%A4%A"])(
    "is asked for at %s",
    async (path) => {
      await using server = await startServer({ ...unrestricted, users });
      const { status, headers, text } = await server.get(path);
      expect([status, headers["www-authenticate"], headers["content-type"], text]).toEqual([
        401,
        'Basic realm="apsystems-ecu-exporter", charset="UTF-8"',
        "text/plain; charset=utf-8",
        "This exporter asks for a user name and a password.\n",
      ]);
    },
  );

  it.each([
    { who: "the right user with the right password", header: basic("alice:a"), status: 200 },
    { who: "another one", header: basic("bob:abc"), status: 200 },
    { who: "the password of another user", header: basic("alice:abc"), status: 401 },
    { who: "no password", header: basic("alice:"), status: 401 },
    { who: "an unknown user", header: basic("carol:a"), status: 401 },
    { who: "the name in capitals", header: basic("Alice:a"), status: 401 },
    { who: "the hash for a password", header: basic(`alice:${HASH_OF_A}`), status: 401 },
    { who: "no colon", header: basic("alice"), status: 401 },
    { who: "nothing", header: { headers: { authorization: "Basic " } }, status: 401 },
    { who: "no Base64", header: { headers: { authorization: "Basic !!" } }, status: 401 },
    { who: "a token", header: { headers: { authorization: "Bearer YWxpY2U6YQ==" } }, status: 401 },
    {
      who: "small letters",
      header: { headers: { authorization: "basic YWxpY2U6YQ==" } },
      status: 200,
    },
  ])("with $who: $status", async ({ header, status }) => {
    await using server = await startServer({ ...unrestricted, users });
    expect((await server.get("/metrics", header)).status).toBe(status);
  });

  it("may have colons and letters of any language in it", async () => {
    await using server = await startServer({
      ...unrestricted,
      users: new Map([["zoë", HASH_OF_ZOE]]),
    });
    expect((await server.get("/metrics", basic("zoë:zoë:1"))).status).toBe(200);
    expect((await server.get("/metrics", basic("zoë:zoë"))).status).toBe(401);
  });

  it("costs the same work for an unknown user as for a wrong password", async () => {
    const costs: string[] = [];
    await using server = await startServer(
      { ...unrestricted, users },
      {
        compare: (_password, hash) => {
          costs.push(hash.slice(0, 7));
          expect(hash).toHaveLength(60);
          return Promise.resolve(false);
        },
      },
    );
    await server.get("/metrics", basic("alice:wrong"));
    await server.get("/metrics", basic("nobody:wrong"));
    await server.get("/metrics", basic("nobody:wrong"));
    expect(costs).toEqual(["$2a$06$", "$2a$06$", "$2a$06$"]);
  });

  it("of an unknown user is checked at a cost that a user has, and at the same one each time", async () => {
    const costs: string[] = [];
    const mixed = new Map([...users, ["carol", HASH_OF_ZOE]]);
    await using server = await startServer(
      { ...unrestricted, users: mixed },
      {
        compare: (_password, hash) => {
          costs.push(hash.slice(0, 7));
          return Promise.resolve(false);
        },
      },
    );
    const names = Array.from({ length: 60 }, (_, i) => basic(`nobody${i}:x`));
    for (const name of names) await server.get("/metrics", name);
    for (const name of names) await server.get("/metrics", name);
    expect([...new Set(costs)].sort()).toEqual(["$2a$06$", "$2y$05$"]);
    expect(costs.slice(0, 60)).toEqual(costs.slice(60));
  });

  it("is never taken from an unknown user, whatever the comparison says", async () => {
    await using server = await startServer(
      { ...unrestricted, users },
      { compare: () => Promise.resolve(true) },
    );
    expect((await server.get("/metrics", basic("nobody:a"))).status).toBe(401);
  });

  it("that was right is not computed again, and a wrong one is", async () => {
    let computed = 0;
    await using server = await startServer(
      { ...unrestricted, users },
      {
        compare: (password) => {
          computed++;
          return Promise.resolve(password === "a");
        },
      },
    );
    for (const _ of [1, 2, 3]) await server.get("/metrics", basic("alice:a"));
    expect(computed).toBe(1);
    for (const _ of [1, 2, 3]) await server.get("/metrics", basic("alice:b"));
    expect(computed).toBe(4);
  });

  it("that was right is wrong once it was changed, and once its user is gone", async () => {
    let access: AccessRules = { ...unrestricted, users };
    await using server = await startServer(() => access);
    const status = async () => (await server.get("/metrics", basic("alice:a"))).status;
    expect(await status()).toBe(200);
    access = { ...unrestricted, users: new Map([["alice", HASH_OF_ABC]]) };
    expect(await status()).toBe(401);
    access = { ...unrestricted, users: new Map([["bob", HASH_OF_A]]) };
    expect(await status()).toBe(401);
    access = { ...unrestricted, users };
    expect(await status()).toBe(200);
  });

  it("waits in a short line: who comes beyond it is told to come back, who was right is not held up", async () => {
    let finish = (): void => {};
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let running = 0;
    await using server = await startServer(
      { ...unrestricted, users },
      {
        maxPending: 2,
        compare: async (password) => {
          running++;
          expect(running).toBe(1); // never two at one time
          if (password !== "a") await slow;
          running--;
          return password === "a";
        },
      },
    );
    expect((await server.get("/metrics", basic("alice:a"))).status).toBe(200);
    const line = [1, 2, 3].map((i) => server.get("/metrics", basic(`bob:${i}`)));
    const refused = await Promise.race(line);
    expect([refused.status, refused.headers["retry-after"], refused.text]).toEqual([
      503,
      "1",
      "Too many passwords wait to be checked; ask again in a second.\n",
    ]);
    expect((await server.get("/metrics", basic("alice:a"))).status).toBe(200);
    finish();
    expect((await Promise.all(line)).map(({ status }) => status).sort()).toEqual([401, 401, 503]);
    expect((await server.get("/metrics", basic("bob:4"))).status).toBe(401);
  });

  it("that is wrong is logged once a minute, with the count and without the password", async () => {
    let time = 0;
    await using server = await startServer({ ...unrestricted, users }, { now: () => time });
    const wrong = basic(`\u001b[31mmallory\n${"x".repeat(100)}:s3cret`);
    await server.get("/metrics"); // a browser's first request has none: that is no attempt
    for (const _ of [1, 2, 3]) await server.get("/metrics", wrong);
    time = 59_999;
    await server.get("/metrics", wrong);
    time = 60_000;
    await server.get("/metrics", wrong);
    const line = {
      level: 40,
      user: `\u{fffd}[31mmallory\u{fffd}${"x".repeat(27)}`,
      from: "127.0.0.1",
      msg: "a wrong user name or password was refused",
    };
    expect(server.logged).toEqual([
      { ...line, times: 1 },
      { ...line, times: 4 },
    ]);
    expect(JSON.stringify(server.logged)).not.toContain("s3cret");
  });

  it("whose check fails is the exporter's fault, and lets nobody in", async () => {
    await using server = await startServer(
      { ...unrestricted, users },
      { compare: () => Promise.reject(new Error("a bug")) },
    );
    expect(await server.get("/metrics", basic("alice:a"))).toMatchObject({
      status: 500,
      text: "The exporter failed to answer; its log says why.\n",
    });
    expect(server.logged).toMatchObject([{ level: 50, err: { message: "a bug" } }]);
  });
});

describe("headers", () => {
  it("are on every response, and nobody changes them", async () => {
    await using server = await startServer({
      ...unrestricted,
      users,
      headers: [
        ["X-Frame-Options", "deny"],
        ["Strict-Transport-Security", "max-age=60"],
      ],
    });
    for (const [path, header] of [
      ["/metrics", basic("alice:a")],
      ["/nothing", basic("alice:a")],
      ["/metrics", {}],
    ] as const)
      expect((await server.get(path, header)).headers).toMatchObject({
        "x-frame-options": "deny",
        "strict-transport-security": "max-age=60",
      });
  });
});

describe("a rate limit", () => {
  it("lets a burst through, then one request each interval", async () => {
    let time = 0;
    await using server = await startServer(
      { ...unrestricted, rateLimit: { intervalMs: 1_000, burst: 2 } },
      { now: () => time },
    );
    const statuses: (number | undefined)[] = [];
    for (const at of [0, 0, 0, 500, 1_000, 1_001, 9_000, 9_000, 9_000]) {
      time = at;
      statuses.push((await server.get("/metrics")).status);
    }
    expect(statuses).toEqual([200, 200, 429, 429, 200, 429, 200, 200, 429]);
    expect(await server.get("/metrics")).toMatchObject({
      status: 429,
      text: "Too many requests; ask again later.\n",
    });
  });

  it("of 0 is none", async () => {
    await using server = await startServer({
      ...unrestricted,
      rateLimit: { intervalMs: 0, burst: 1 },
    });
    for (const _ of [1, 2, 3]) expect((await server.get("/metrics")).status).toBe(200);
  });
});

describe.skipIf(!hasProgram("openssl", "version"))("over TLS", () => {
  let folder = "";
  let ca: Pair;
  let server1: Pair;
  let server2: Pair;
  /** Who a client is → what it shows. */
  let clients: Record<"nobody" | "stranger" | "prometheus", RequestOptions>;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "access-"));
    const certify = certifier(folder);
    ca = certify("ca");
    const other = certify("other-ca");
    const sans = ["IP:127.0.0.1", "DNS:localhost"];
    server1 = certify("server1", { by: ca, sans });
    server2 = certify("server2", { by: ca, sans });
    const client = certify("client", {
      by: ca,
      sans: ["DNS:prometheus.lan", "IP:192.0.2.7", "URI:spiffe://lan/prometheus"],
    });
    const stranger = certify("stranger", { by: other, sans: ["DNS:prometheus.lan"] });
    clients = {
      nobody: { ca: ca.cert },
      stranger: { ca: ca.cert, cert: stranger.cert, key: stranger.key },
      prometheus: { ca: ca.cert, cert: client.cert, key: client.key },
    };
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const tlsWith = (
    rules: Partial<ClientCertRules> & {
      server?: Pair;
      min?: SecureVersion;
      max?: SecureVersion;
    } = {},
  ): AccessRules => {
    const { server = server1, clientAuthType = "NoClientCert", min, max } = rules;
    const isVerified = clientAuthType.includes("Verify");
    return {
      ...unrestricted,
      tls: {
        context: {
          cert: server.cert,
          key: server.key,
          ...(isVerified && { ca: ca.cert }),
          minVersion: min ?? "TLSv1.2",
          maxVersion: max ?? "TLSv1.3",
        },
        clientAuthType,
        allowedSans: rules.allowedSans,
      },
    };
  };

  it("the metrics are served, and the certificate is the one that was given", async () => {
    await using server = await startServer(tlsWith());
    expect(await server.get("/metrics", clients.nobody)).toMatchObject({ status: 200 });
    await expect(server.get("/metrics")).rejects.toThrow(/unable to verify/);
  });

  it("a password is asked for as it is without", async () => {
    await using server = await startServer({ ...tlsWith(), users });
    expect((await server.get("/metrics", clients.nobody)).status).toBe(401);
    const right = { ...clients.nobody, ...basic("alice:a") };
    expect((await server.get("/metrics", right)).status).toBe(200);
  });

  /** Go's crypto/tls, ClientAuthType. */
  const matrix: Record<ClientAuthType, Record<keyof typeof clients, 200 | 403>> = {
    NoClientCert: { nobody: 200, stranger: 200, prometheus: 200 },
    RequestClientCert: { nobody: 200, stranger: 200, prometheus: 200 },
    RequireAnyClientCert: { nobody: 403, stranger: 200, prometheus: 200 },
    VerifyClientCertIfGiven: { nobody: 200, stranger: 403, prometheus: 200 },
    RequireAndVerifyClientCert: { nobody: 403, stranger: 403, prometheus: 200 },
  };
  const rows = (Object.keys(matrix) as ClientAuthType[]).flatMap((type) =>
    (["TLSv1.2", "TLSv1.3"] as const).map((max) => ({ type, max })),
  );
  it.each(rows)("$type over $max accepts whom it says", async ({ type, max }) => {
    await using server = await startServer(tlsWith({ clientAuthType: type, max }));
    for (const [who, status] of Object.entries(matrix[type])) {
      const answer = await server.get("/metrics", clients[who as keyof typeof clients]);
      expect([who, answer.status]).toEqual([who, status]);
    }
  });

  it("a client without an accepted certificate is told so, at every path, and hung up on; one line is logged", async () => {
    await using server = await startServer(
      tlsWith({ clientAuthType: "RequireAndVerifyClientCert" }),
    );
    for (const path of ["/metrics", "/-/healthy", "/nothing"]) {
      const { status, headers, text } = await server.get(path, clients.stranger);
      expect([status, headers.connection, text]).toEqual([
        403,
        "close",
        "This exporter answers clients with an accepted certificate only.\n",
      ]);
    }
    expect(server.logged).toEqual([
      {
        level: 40,
        from: "127.0.0.1",
        times: 1,
        msg: "a client without an accepted certificate was refused",
      },
    ]);
  });

  it.each([
    { sans: ["prometheus.lan"], who: "prometheus", status: 200 },
    { sans: ["other.lan", "192.0.2.7"], who: "prometheus", status: 200 },
    { sans: ["spiffe://lan/prometheus"], who: "prometheus", status: 200 },
    { sans: ["lan", "*.lan", "Prometheus.lan", "192.0.2.70"], who: "prometheus", status: 403 },
    { sans: ["prometheus.lan"], who: "stranger", status: 403 },
    { sans: ["prometheus.lan"], who: "nobody", status: 403 },
  ] as const)("of the names $sans, $who gets $status", async ({ sans, who, status }) => {
    await using server = await startServer(
      tlsWith({ clientAuthType: "RequireAndVerifyClientCert", allowedSans: sans }),
    );
    expect((await server.get("/metrics", clients[who])).status).toBe(status);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "a session of %s that is resumed is worth no more than the first one",
    async (max) => {
      await using server = await startServer(
        tlsWith({ clientAuthType: "RequireAndVerifyClientCert", max }),
      );
      const resume = async (options: RequestOptions) => {
        const link = { host: "127.0.0.1", port: server.port, ...(options as ConnectionOptions) };
        const first = await ask(connect(link));
        const again = await ask(connect({ ...link, session: first.session }));
        return [first.status, again.resumed, again.status];
      };
      expect(await resume(clients.prometheus)).toEqual(["200", true, "200"]);
      expect(await resume(clients.nobody)).toEqual(["403", true, "403"]);
      expect(await resume(clients.stranger)).toEqual(["403", true, "403"]);
    },
  );

  it("older and newer versions than the configured ones are not spoken", async () => {
    await using old = await startServer(tlsWith({ max: "TLSv1.2" }));
    await expect(old.get("/metrics", { ...clients.nobody, minVersion: "TLSv1.3" })).rejects.toThrow(
      /protocol version/,
    );
    await using modern = await startServer(tlsWith({ min: "TLSv1.3" }));
    await expect(
      modern.get("/metrics", { ...clients.nobody, maxVersion: "TLSv1.2" }),
    ).rejects.toThrow(/protocol version/);
    expect(modern.logged).toEqual([
      {
        level: 40,
        from: "127.0.0.1",
        code: "ERR_SSL_UNSUPPORTED_PROTOCOL",
        times: 1,
        msg: "a TLS handshake failed",
      },
    ]);
  });

  it("a new certificate is shown to the next connection", async () => {
    let access = tlsWith();
    await using server = await startServer(() => access);
    const shown = async () => {
      const socket = connect({ host: "127.0.0.1", port: server.port, ca: ca.cert });
      await once(socket, "secureConnect");
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return CN;
    };
    expect([await shown(), await shown()]).toEqual(["server1", "server1"]);
    access = tlsWith({ server: server2 });
    expect(await shown()).toBe("server2");
  });

  it("a stricter rule for certificates holds for connections that are already there", async () => {
    let access = tlsWith({ clientAuthType: "RequestClientCert" });
    await using server = await startServer(() => access);
    const socket = connect({ host: "127.0.0.1", port: server.port, ca: ca.cert });
    expect((await ask(socket)).status).toBe("200");
    access = tlsWith({ clientAuthType: "RequireAndVerifyClientCert" });
    const closed = once(socket, "close");
    expect((await ask(socket)).status).toBe("403");
    await closed; // so that the next handshake can show another one
  });

  it("a client that never ends its handshake is hung up on when the server stops", async () => {
    const server = await startServer(tlsWith());
    const socket = connectTcp(server.port, "127.0.0.1");
    await once(socket, "connect");
    await server.get("/metrics", clients.nobody);
    const closed = once(socket, "close");
    await server[Symbol.asyncDispose]();
    await closed;
  });
});

/** Sends one request over a TLS connection. */
const ask = async (socket: TLSSocket) => {
  let session: Buffer | undefined;
  socket.on("session", (ticket: Buffer) => {
    session = ticket;
  });
  socket.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  let text = "";
  while (!text.includes("\r\n\r\n")) text += String(await once(socket, "data"));
  session ??= socket.getSession();
  return { status: text.split(" ")[1], resumed: socket.isSessionReused(), session };
};
