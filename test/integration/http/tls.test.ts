/** The web server over TLS: versions, client certificates, renewal. The certificates are created with openssl. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type SecureVersion, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ClientAuthType, ClientCertRules } from "../../../src/http/web-config/client-certs.ts";
import { type AccessRules, unrestricted } from "../../../src/http/web-config/middleware.ts";
import { startServer } from "../../http/start-server.ts";
import { type CertificateFiles, createCertifier } from "../../support/certificates.ts";
import { hasProgram } from "../../support/programs.ts";

/** Test vectors of the bcrypt in OpenBSD: the passwords "a" and "abc" at a cost of 6. */
const HASH_OF_A = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";
const HASH_OF_ABC = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";

const basic = (text: string) => ({
  headers: { authorization: `Basic ${Buffer.from(text).toString("base64")}` },
});
const users = new Map([
  ["alice", HASH_OF_A],
  ["bob", HASH_OF_ABC],
]);
describe.skipIf(!hasProgram("openssl", "version"))("over TLS", () => {
  let folder = "";
  let ca: CertificateFiles;
  let server1: CertificateFiles;
  let server2: CertificateFiles;
  /** For each client, its TLS options. */
  let clients: Record<"nobody" | "stranger" | "prometheus", RequestOptions>;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "access-"));
    const certify = createCertifier(folder);
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

  const createRules = (
    rules: Partial<ClientCertRules> & {
      server?: CertificateFiles;
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

  it("the metrics are served with the configured certificate", async () => {
    await using server = await startServer(createRules());
    expect(await server.get("/metrics", clients.nobody)).toMatchObject({ status: 200 });
    await expect(server.get("/metrics")).rejects.toThrow(/unable to verify/);
  });

  it("a password is required as without TLS", async () => {
    await using server = await startServer({ ...createRules(), users });
    expect((await server.get("/metrics", clients.nobody)).status).toBe(401);
    const right = { ...clients.nobody, ...basic("alice:a") };
    expect((await server.get("/metrics", right)).status).toBe(200);
  });

  /** The same as ClientAuthType in crypto/tls of Go. */
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
  it.each(rows)("$type over $max accepts the right clients", async ({ type, max }) => {
    await using server = await startServer(createRules({ clientAuthType: type, max }));
    for (const [who, status] of Object.entries(matrix[type])) {
      const response = await server.get("/metrics", clients[who as keyof typeof clients]);
      expect([who, response.status]).toEqual([who, status]);
    }
  });

  it("a client without an accepted certificate gets an error at every path, its connection is closed, and one line is logged", async () => {
    await using server = await startServer(
      createRules({ clientAuthType: "RequireAndVerifyClientCert" }),
    );
    for (const path of ["/metrics", "/-/healthy", "/nothing"]) {
      const { status, headers, text } = await server.get(path, clients.stranger);
      expect([status, headers.connection, text]).toEqual([
        403,
        "close",
        "A client certificate that this exporter accepts is required.\n",
      ]);
    }
    expect(server.logged).toEqual([
      {
        level: 40,
        from: "127.0.0.1",
        times: 1,
        msg: "a client without an accepted certificate was rejected",
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
  ] as const)("with the allowed names $sans, $who gets $status", async ({ sans, who, status }) => {
    await using server = await startServer(
      createRules({ clientAuthType: "RequireAndVerifyClientCert", allowedSans: sans }),
    );
    expect((await server.get("/metrics", clients[who])).status).toBe(status);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "a resumed %s session has the same rights as the first one",
    async (max) => {
      await using server = await startServer(
        createRules({ clientAuthType: "RequireAndVerifyClientCert", max }),
      );
      const resume = async (options: RequestOptions) => {
        const address = { host: "127.0.0.1", port: server.port, ...(options as ConnectionOptions) };
        const first = await sendRequest(connect(address));
        const second = await sendRequest(connect({ ...address, session: first.session }));
        return [first.status, second.resumed, second.status];
      };
      expect(await resume(clients.prometheus)).toEqual(["200", true, "200"]);
      expect(await resume(clients.nobody)).toEqual(["403", true, "403"]);
      expect(await resume(clients.stranger)).toEqual(["403", true, "403"]);
    },
  );

  it("versions outside the configured range are rejected", async () => {
    await using old = await startServer(createRules({ max: "TLSv1.2" }));
    await expect(old.get("/metrics", { ...clients.nobody, minVersion: "TLSv1.3" })).rejects.toThrow(
      /protocol version/,
    );
    await using modern = await startServer(createRules({ min: "TLSv1.3" }));
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

  it.each(["GET", "HEAD", "POST", "PUT"])(
    "a %s request over plain HTTP gets one sentence",
    async (method) => {
      await using server = await startServer({ ...createRules(), users });
      const socket = connectTcp(server.port, "127.0.0.1");
      socket.write(`${method} /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
      let text = "";
      for await (const chunk of socket) text += chunk;
      expect(text.split("\r\n")).toEqual([
        "HTTP/1.1 400 Bad Request",
        "Connection: close",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "This port requires HTTPS; use https:// instead of http://.\n",
      ]);
      expect(server.logged).toEqual([
        {
          level: 40,
          from: "127.0.0.1",
          times: 1,
          msg: "a client used plain HTTP where HTTPS is required",
        },
      ]);
      expect((await server.get("/metrics", clients.nobody)).status).toBe(401);
    },
  );

  it("the next connection gets a new certificate", async () => {
    let access = createRules();
    await using server = await startServer(() => access);
    const getServerName = async () => {
      const socket = connect({ host: "127.0.0.1", port: server.port, ca: ca.cert });
      await once(socket, "secureConnect");
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return CN;
    };
    expect([await getServerName(), await getServerName()]).toEqual(["server1", "server1"]);
    access = createRules({ server: server2 });
    expect(await getServerName()).toBe("server2");
  });

  it("a stricter rule for certificates applies to existing connections", async () => {
    let access = createRules({ clientAuthType: "RequestClientCert" });
    await using server = await startServer(() => access);
    const socket = connect({ host: "127.0.0.1", port: server.port, ca: ca.cert });
    expect((await sendRequest(socket)).status).toBe("200");
    access = createRules({
      clientAuthType: "RequireAndVerifyClientCert",
      allowedSans: ["DNS:other.lan"],
    });
    const closed = once(socket, "close");
    socket.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await closed; // so that the client can present another certificate in the next handshake
    expect((await server.get("/metrics", clients.prometheus)).status).toBe(403);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "a removed authority ends the %s connections that it allowed, at the latest with their next request",
    async (max) => {
      const withCa = (authority: CertificateFiles): AccessRules => {
        const rules = createRules({ clientAuthType: "RequireAndVerifyClientCert", max });
        const { tls = { context: {}, clientAuthType: "NoClientCert" } } = rules;
        return { ...rules, tls: { ...tls, context: { ...tls.context, ca: authority.cert } } };
      };
      let access = withCa(ca);
      await using server = await startServer(() => access);
      const address = {
        host: "127.0.0.1",
        port: server.port,
        ...(clients.prometheus as ConnectionOptions),
      };
      const [used, idle] = [connect(address), connect(address)];
      const { status, session } = await sendRequest(used);
      expect([status, (await sendRequest(idle)).status]).toEqual(["200", "200"]);

      access = withCa(server2);
      const closed = Promise.all([once(used, "close"), once(idle, "close")]);
      let text = "";
      used.on("data", (chunk) => {
        text += chunk;
      });
      used.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await closed;
      expect(text).toBe("");
      expect((await server.get("/metrics", clients.prometheus)).status).toBe(403);
      const resumed = await sendRequest(connect({ ...address, session }));
      expect([resumed.resumed, resumed.status]).toEqual([false, "403"]);
    },
  );

  it("a removed authority does not cut off a response in flight", async () => {
    const rules = (authority: CertificateFiles): AccessRules => {
      const { tls = { context: {}, clientAuthType: "NoClientCert" }, ...rest } = createRules({
        clientAuthType: "RequireAndVerifyClientCert",
      });
      return { ...rest, tls: { ...tls, context: { ...tls.context, ca: authority.cert } }, users };
    };
    let access = rules(ca);
    let finish = (_isRight: boolean): void => {};
    const compare = () =>
      new Promise<boolean>((resolve) => {
        finish = resolve;
        access = rules(server2);
      });
    await using server = await startServer(() => access, { compare });
    const slow = server.get("/metrics", { ...clients.prometheus, ...basic("alice:a") });
    while (access.tls?.context.ca === ca.cert) await new Promise(setImmediate);
    expect((await server.get("/metrics", clients.prometheus)).status).toBe(403);
    finish(true);
    expect((await slow).status).toBe(200);
  });

  it("the server closes connections with an unfinished handshake when it stops", async () => {
    const server = await startServer(createRules());
    const socket = connectTcp(server.port, "127.0.0.1");
    await once(socket, "connect");
    await server.get("/metrics", clients.nobody);
    const closed = once(socket, "close");
    await server[Symbol.asyncDispose]();
    await closed;
  });
});

/** Sends one request over a TLS connection. */
const sendRequest = async (socket: TLSSocket) => {
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
