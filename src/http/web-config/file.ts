/**
 * Reads and validates the web configuration file. Its format is that of the Prometheus exporter toolkit
 * (docs/web-configuration.md and web/tls_config.go of github.com/prometheus/exporter-toolkit).
 */
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { type ParseResult, parseYaml } from "../../config/yaml-file.ts";
import { fileStamp, readRegularFile } from "../../files.ts";
import { goDuration } from "./duration.ts";
import { boolean, createTlsSchema, type ReadReferencedFile } from "./tls.ts";

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
    const schema = createSchema(readReferenced);
    return {
      result: parseYaml(read(path, MAX_KIB), path, schema, { textKeys: HEADER_NAMES }),
      files,
    };
  } catch (error) {
    return { result: { problems: [`${path}: ${(error as Error).message}`] }, files };
  }
};

/**
 * Each step doubles the time of a check: about 2 seconds at 14, and half a minute at 18, the maximum. During a check, no other
 * password is checked.
 */
const SLOW_COST = 14;
const MAX_COST = 18;
const BCRYPT_HASH = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** The cost of a bcrypt hash; NaN if it is not one. */
const parseCost = (text: string): number => Number(BCRYPT_HASH.exec(text)?.[1] ?? Number.NaN);

const hash = z.string().superRefine((text, { addIssue }) => {
  const cost = parseCost(text);
  if (Number.isNaN(cost) || cost < 4)
    addIssue(
      "is not a bcrypt hash, which starts with $2y$10$ or similar; see docs/web-configuration.md",
    );
  else if (cost > MAX_COST)
    addIssue(
      `has a cost of ${cost}; the maximum is ${MAX_COST}, with which a check takes about half a minute`,
    );
});
const user = z.string().refine((name) => name !== "" && !/[:\p{Cc}]/u.test(name), {
  error: "is not a valid user name: it must not be empty or contain a colon or control characters",
});

/** The characters that HTTP allows in a header value (RFC 9110, 5.5). */
const header = z
  .string()
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, {
    error: "contains a character that is not allowed in a header",
  })
  .nullish();
const headers = z.strictObject({
  "Content-Security-Policy": header,
  "X-Frame-Options": z.enum(["deny", "sameorigin"]).optional(),
  "X-Content-Type-Options": z.enum(["nosniff"]).optional(),
  "X-XSS-Protection": header,
  "Strict-Transport-Security": header,
});
/** Their values are texts: `X-XSS-Protection: 1` needs no quotes. */
const HEADER_NAMES = new Set(Object.keys(headers.shape));

const interval = z.union([z.string(), z.literal(0)]).transform((text, { addIssue }) => {
  try {
    return goDuration(String(text));
  } catch (error) {
    addIssue(`"${text}" ${(error as Error).message}`);
    return z.NEVER;
  }
});
/** Without an interval, there is no limit. */
const rateLimit = z
  .strictObject({ interval: interval.default(0), burst: z.int().min(0).default(0) })
  .refine(({ interval, burst }) => interval === 0 || burst > 0, {
    path: ["burst"],
    error: "must be at least 1; otherwise every request is rejected",
  });

const createSchema = (read: ReadReferencedFile) =>
  z
    .strictObject({
      tls_server_config: createTlsSchema(read).optional(),
      http_server_config: z
        .strictObject({
          http2: boolean
            .refine((isOn) => !isOn, {
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
        ([, value]) => value, // "Unset if blank."
      ) as [name: string, value: string][],
      rateLimit: file.rate_limit && {
        intervalMs: file.rate_limit.interval,
        burst: file.rate_limit.burst,
      },
      users: new Map(Object.entries(file.basic_auth_users ?? {})),
    }));

/** Describes settings that are valid but slow or unsafe, one line each. */
export const findWarnings = ({ tls, users }: WebConfig): readonly string[] => [
  ...(tls?.clientAuthType.includes("Verify") && tls.context.ca === undefined
    ? [
        `tls_server_config: ${tls.clientAuthType} without client_ca_file accepts the certificates of all public authorities`,
      ]
    : []),
  ...[...users]
    .map(([name, hash]) => ({ name, cost: parseCost(hash) }))
    .filter(({ cost }) => cost > SLOW_COST)
    .map(
      ({ name, cost }) =>
        `basic_auth_users.${name}: with a cost of ${cost}, the first check of a password takes longer than a scrape; use 10 to 12`,
    ),
];
