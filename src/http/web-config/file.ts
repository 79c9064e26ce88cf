/**
 * The web configuration file → who is let in, and how. Its format is that of Prometheus' exporter-toolkit
 * (docs/web-configuration.md and web/tls_config.go of github.com/prometheus/exporter-toolkit).
 */
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { duration } from "../../config/values.ts";
import { type ParseResult, parseYaml } from "../../config/yaml-file.ts";
import { fileStamp, readRegularFile } from "../../files.ts";
import { createTlsSchema, type ReadReferencedFile } from "./tls.ts";

/** What was found, and every file it is made of, with its stamp before it was read. */
export interface LoadedWebConfig {
  readonly read: ParseResult<WebConfig>;
  readonly files: ReadonlyMap<string, string>;
}

/** What the file says; `http/access.ts` says what each part means. */
export type WebConfig = z.output<ReturnType<typeof createSchema>>;

/** Reads the file and those that it names. Paths are relative to the file. */
export const loadWebConfig = (path: string): LoadedWebConfig => {
  const files = new Map<string, string>();
  const read = (place: string): Buffer => {
    files.set(place, fileStamp(place));
    return readRegularFile(place);
  };
  const readNamed: ReadReferencedFile = (name) => read(resolve(dirname(path), name)).toString();
  try {
    return { read: parseYaml(read(path), path, createSchema(readNamed)), files };
  } catch (error) {
    return { read: { problems: [`${path}: ${(error as Error).message}`] }, files };
  }
};

/** A hash takes twice as long with each step; with 14 it is a second or two, in which nothing else is done. */
const MAX_COST = 14;
const HASH = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

const hash = z.string().superRefine((text, { addIssue }) => {
  const cost = Number(HASH.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(cost) || cost < 4)
    addIssue(
      "is no bcrypt hash, which begins with $2y$10$ or the like; see docs/web-configuration.md",
    );
  else if (cost > MAX_COST)
    addIssue(`has a cost of ${cost}; above ${MAX_COST} a check takes longer than a scrape may`);
});
const user = z.string().refine((name) => name !== "" && !/[:\p{Cc}]/u.test(name), {
  error: "is no name of a user: it must have a character, and no colon",
});

/** Header values as HTTP has them (RFC 9110, 5.5). */
const header = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, {
  error: "has a character in it that no header can have",
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
              error: "cannot be had here, as only HTTP/1.1 is served; leave it out",
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
        ([, text]) => text !== undefined && text !== "", // "Unset if blank."
      ) as [name: string, text: string][],
      rateLimit: file.rate_limit && {
        intervalMs: file.rate_limit.interval,
        burst: file.rate_limit.burst,
      },
      users: new Map(Object.entries(file.basic_auth_users ?? {})),
    }));
