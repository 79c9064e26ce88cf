import { pino } from "pino";
import { describe, expect, it, vi } from "vitest";
import { createWebServer } from "../../src/http/server.ts";
import { type AccessRules, unrestricted } from "../../src/http/web-config/middleware.ts";
import { startServer } from "./start-server.ts";

/** Test vectors of the bcrypt in OpenBSD: the passwords "a" and "abc" at a cost of 6. */
const HASH_OF_A = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";
const HASH_OF_ABC = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
/** The password "zoë:1", hashed by crypt(3). */
const HASH_OF_ZOE = "$2y$05$abcdefghijklmnopqrstuuWrrGof0Fjd87GY4CLEdk3vWKYQmxVPi";

const basic = (text: string) => ({
  headers: { authorization: `Basic ${Buffer.from(text).toString("base64")}` },
});
const users = new Map([
  ["alice", HASH_OF_A],
  ["bob", HASH_OF_ABC],
]);

/** Checks of passwords that can be paused; "a" is the only right one. */
const pauseChecks = () => {
  const waiting: (() => void)[] = [];
  let isPaused = false;
  return {
    compare: async (password: string) => {
      if (isPaused) await new Promise<void>((resolve) => waiting.push(resolve));
      return password === "a";
    },
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
      for (const resume of waiting) resume();
    },
    waiting: (checks: number) => vi.waitFor(() => expect(waiting).toHaveLength(checks)),
  };
};

describe("without rules", () => {
  it("the server accepts every request over plain HTTP", async () => {
    await using server = await startServer(unrestricted);
    expect(await server.get("/metrics")).toMatchObject({ status: 200, text: "ecu_up 1\n" });
  });
});

it("all addresses share one rate limit, and close together", async () => {
  const server = createWebServer((_request, response) => response.end("ok"), {
    access: () => rules,
    server: {},
    writeTimeoutMs: 10_000,
    log: pino({ level: "silent" }),
    now: () => 0,
  });
  const rules = { ...unrestricted, rateLimit: { intervalMs: 1_000, burst: 1 } };
  const urls: string[] = [];
  for (const host of ["127.0.0.1", "127.0.0.2"])
    urls.push(`http://${host}:${(await server.listen({ host, port: 0 }))?.port}`);
  const statuses: number[] = [];
  for (const url of urls) statuses.push((await fetch(url)).status);
  expect(statuses).toEqual([200, 429]);
  await server.close();
  for (const url of urls) await expect(fetch(url)).rejects.toThrow("fetch failed");
});

describe("a password", () => {
  it.each(["/metrics", "/", "/-/healthy", "/-/ready", "/nothing", "/%E0%A4%A"])(
    "is required at %s",
    async (path) => {
      await using server = await startServer({ ...unrestricted, users });
      const { status, headers, text } = await server.get(path);
      expect([status, headers["www-authenticate"], headers["content-type"], text]).toEqual([
        401,
        'Basic realm="apsystems-ecu-exporter", charset="UTF-8"',
        "text/plain; charset=utf-8",
        "A valid user name and password are required.\n",
      ]);
    },
  );

  it.each([
    { who: "the right user with the right password", header: basic("alice:a"), status: 200 },
    { who: "another user", header: basic("bob:abc"), status: 200 },
    { who: "the password of another user", header: basic("alice:abc"), status: 401 },
    { who: "no password", header: basic("alice:"), status: 401 },
    { who: "an unknown user", header: basic("carol:a"), status: 401 },
    { who: "the name in another case", header: basic("Alice:a"), status: 401 },
    { who: "the hash as the password", header: basic(`alice:${HASH_OF_A}`), status: 401 },
    { who: "no colon", header: basic("alice"), status: 401 },
    { who: "no credentials", header: { headers: { authorization: "Basic " } }, status: 401 },
    { who: "invalid Base64", header: { headers: { authorization: "Basic !!" } }, status: 401 },
    {
      who: "a bearer token",
      header: { headers: { authorization: "Bearer YWxpY2U6YQ==" } },
      status: 401,
    },
    {
      who: "the scheme in lower case",
      header: { headers: { authorization: "basic YWxpY2U6YQ==" } },
      status: 200,
    },
  ])("with $who: $status", async ({ header, status }) => {
    await using server = await startServer({ ...unrestricted, users });
    expect((await server.get("/metrics", header)).status).toBe(status);
  });

  it("may contain colons and non-ASCII letters", async () => {
    await using server = await startServer({
      ...unrestricted,
      users: new Map([["zoë", HASH_OF_ZOE]]),
    });
    expect((await server.get("/metrics", basic("zoë:zoë:1"))).status).toBe(200);
    expect((await server.get("/metrics", basic("zoë:zoë"))).status).toBe(401);
  });

  it("takes as much work to check for an unknown user as for a known one", async () => {
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

  it("of an unknown user is checked at the cost of one of the users, always the same", async () => {
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

  it("of an unknown user is rejected even if the comparison succeeds", async () => {
    await using server = await startServer(
      { ...unrestricted, users },
      { compare: () => Promise.resolve(true) },
    );
    expect((await server.get("/metrics", basic("nobody:a"))).status).toBe(401);
  });

  it("is cached if it is correct, and hashed each time if it is wrong", async () => {
    let comparisons = 0;
    await using server = await startServer(
      { ...unrestricted, users },
      {
        compare: (password) => {
          comparisons++;
          return Promise.resolve(password === "a");
        },
      },
    );
    for (const _ of [1, 2, 3]) await server.get("/metrics", basic("alice:a"));
    expect(comparisons).toBe(1);
    for (const _ of [1, 2, 3]) await server.get("/metrics", basic("alice:b"));
    expect(comparisons).toBe(4);
  });

  it("is rejected after it was changed or its user was removed, even if cached", async () => {
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

  it("waits in a queue; if it is full, 503 is returned, except for cached passwords", async () => {
    const checks = pauseChecks();
    await using server = await startServer(
      { ...unrestricted, users },
      { maxWaiting: 1, compare: checks.compare },
    );
    expect((await server.get("/metrics", basic("alice:a"))).status).toBe(200);
    checks.pause();
    const queued = [1, 2, 3].map((i) => server.get("/metrics", basic(`bob:${i}`)));
    const rejected = await Promise.race(queued);
    expect([rejected.status, rejected.headers["retry-after"], rejected.text]).toEqual([
      503,
      "1",
      "Too many password checks are pending; try again in a second.\n",
    ]);
    expect((await server.get("/metrics", basic("alice:a"))).status).toBe(200);
    checks.resume();
    expect((await Promise.all(queued)).map(({ status }) => status).sort()).toEqual([401, 401, 503]);
    expect((await server.get("/metrics", basic("bob:4"))).status).toBe(401);
  });

  it("that is right is accepted for the first time during a flood of wrong ones", async () => {
    const checks = pauseChecks();
    await using server = await startServer({ ...unrestricted, users }, { compare: checks.compare });
    checks.pause();
    const flood = Array.from({ length: 9 }, (_, i) => server.get("/metrics", basic(`bob:${i}`)));
    await checks.waiting(1);
    const right = server.get("/metrics", basic("alice:a"));
    setTimeout(checks.resume, 100); // by then the request waits
    expect((await right).status).toBe(200);
    for (const { status } of await Promise.all(flood)) expect(status).toBe(401);
  });

  it("that is wrong is logged at most once a minute, with a count and without the password", async () => {
    let time = 0;
    await using server = await startServer({ ...unrestricted, users }, { now: () => time });
    const wrong = basic(`\u001b[31mmallory\n${"x".repeat(100)}:s3cret`);
    await server.get("/metrics"); // not an attempt: the first request of a browser has no password
    for (const _ of [1, 2, 3]) await server.get("/metrics", wrong);
    time = 59_999;
    await server.get("/metrics", wrong);
    time = 60_000;
    await server.get("/metrics", wrong);
    const line = {
      level: 40,
      user: `\u{fffd}[31mmallory\u{fffd}${"x".repeat(27)}`,
      from: "127.0.0.1",
      msg: "a wrong user name or password was rejected",
    };
    expect(server.logged).toEqual([
      { ...line, times: 1 },
      { ...line, times: 4 },
    ]);
    expect(JSON.stringify(server.logged)).not.toContain("s3cret");
  });

  it("is rejected with 500 if the check fails", async () => {
    await using server = await startServer(
      { ...unrestricted, users },
      { compare: () => Promise.reject(new Error("a bug")) },
    );
    expect(await server.get("/metrics", basic("alice:a"))).toMatchObject({
      status: 500,
      text: "Internal error; see the log of the exporter.\n",
    });
    expect(server.logged).toMatchObject([{ level: 50, err: { message: "a bug" } }]);
  });
});

describe("headers", () => {
  it("are set on every response, and override those of the app", async () => {
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
  it("accepts a burst, then one request per interval", async () => {
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
      text: "Too many requests; try again later.\n",
    });
  });

  it("is not used up by requests that are rejected", async () => {
    await using server = await startServer({
      ...unrestricted,
      users,
      rateLimit: { intervalMs: 1_000, burst: 1 },
    });
    for (const options of [{}, basic("alice:b"), basic("nobody:a"), basic("alice:c")])
      expect((await server.get("/metrics", options)).status).toBe(401);
    expect((await server.get("/metrics", basic("alice:a"))).status).toBe(200);
    expect((await server.get("/metrics", basic("alice:a"))).status).toBe(429);
    expect((await server.get("/metrics", basic("alice:b"))).status).toBe(401);
  });

  it("with interval 0 has no effect", async () => {
    await using server = await startServer({
      ...unrestricted,
      rateLimit: { intervalMs: 0, burst: 1 },
    });
    for (const _ of [1, 2, 3]) expect((await server.get("/metrics")).status).toBe(200);
  });
});
