/**
 * Reads and validates the web configuration file. Its format is that of the Prometheus exporter toolkit
 * (docs/web-configuration.md and web/tls_config.go of github.com/prometheus/exporter-toolkit).
 */
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { duration } from "../../config/values.ts";
import { type ParseResult, parseYaml } from "../../config/yaml-file.ts";
import { fileStamp, readRegularFile } from "../../files.ts";
import { createTlsSchema, type ReadReferencedFile } from "./tls.ts";

/** The result, and the stamp of every file involved from before it was read. */
export interface LoadedWebConfig {
  readonly result: ParseResult<WebConfig>;
  readonly files: ReadonlyMap<string, string>;
}

export type WebConfig = z.output<ReturnType<typeof createSchema>>;

/** Enough for hundreds of users. A changed file is parsed between two requests, so it must not take long. */
const MAX_KIB = 64;

/** Reads the file and the files that it refers to. Relative paths are relative to its folder. */
export const loadWebConfig = (path: string): LoadedWebConfig => {
  const files = new Map<string, string>();
  const read = (file: string, maxKib?: number): Buffer => {
    files.set(file, fileStamp(file));
    return readRegularFile(file, maxKib);
  };
  const readReferenced: ReadReferencedFile = (name) =>
    read(resolve(dirname(path), name)).toString();
  try {
    return { result: parseYaml(read(path, MAX_KIB), path, createSchema(readReferenced)), files };
  } catch (error) {
    return { result: { problems: [`${path}: ${(error as Error).message}`] }, files };
  }
};

/** Each step doubles the time of a check. At 14 it is one or two seconds, during which no other password is checked. */
const MAX_COST = 14;
const BCRYPT_HASH = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

const hash = z.string().superRefine((text, { addIssue }) => {
  const cost = Number(BCRYPT_HASH.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(cost) || cost < 4)
    addIssue(
      "is not a bcrypt hash, which starts with $2y$10$ or similar; see docs/web-configuration.md",
    );
  else if (cost > MAX_COST)
    addIssue(
      `has a cost of ${cost}; the maximum is ${MAX_COST}, as a check must not take longer than a scrape`,
    );
});
const user = z.string().refine((name) => name !== "" && !/[:\p{Cc}]/u.test(name), {
  error: "is not a valid user name: it must not be empty or contain a colon or control characters",
});

/** The characters that HTTP allows in a header value (RFC 9110, 5.5). */
const header = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, {
  error: "contains a character that is not allowed in a header",
});
const headers = z.strictObject({
  "Content-Security-Policy": header.optional(),
  "X-Frame-Options": z.enum(["deny", "sameorigin"]).optional(),
  "X-Content-Type-Options": z.enum(["nosniff"]).optional(),
  "X-XSS-Protection": header.optional(),
  "Strict-Transport-Security": header.optional(),
});

const rateLimit = z.strictObject({
  interval: z.union([z.string(), z.literal(0)]).transform((text, { addIssue }) => {
    try {
      return text === 0 || text === "0" ? 0 : duration({ min: "0s", max: "1h" })(text);
    } catch (error) {
      addIssue(`"${text}" ${(error as Error).message}`);
      return z.NEVER;
    }
  }),
  burst: z.int().min(1),
});

const createSchema = (read: ReadReferencedFile) =>
  z
    .strictObject({
      tls_server_config: createTlsSchema(read).optional(),
      http_server_config: z
        .strictObject({
          http2: z
            .literal(false, {
              error: "is not supported: the exporter uses HTTP/1.1 only; remove this setting",
            })
            .optional(),
          headers: headers.optional(),
        })
        .optional(),
      rate_limit: rateLimit.optional(),
      basic_auth_users: z.record(user, hash).optional(),
    })
    .transform((file) => ({
      tls: file.tls_server_config,
      headers: Object.entries(file.http_server_config?.headers ?? {}).filter(
        ([, value]) => value !== undefined && value !== "", // "Unset if blank."
      ) as [name: string, value: string][],
      rateLimit: file.rate_limit && {
        intervalMs: file.rate_limit.interval,
        burst: file.rate_limit.burst,
      },
      users: new Map(Object.entries(file.basic_auth_users ?? {})),
    }));
