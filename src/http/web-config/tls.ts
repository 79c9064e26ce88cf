/**
 * Converts the TLS part of the web configuration file to settings of a TLS server in Node.js. Its format is that of the
 * Prometheus exporter toolkit (web/tls_config.go of github.com/prometheus/exporter-toolkit).
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { z } from "zod";
import { clientAuthTypes } from "./client-certs.ts";

/** Reads a file that the configuration refers to. @throws Error with a message that follows the name of the file */
export type ReadReferencedFile = (name: string) => string;

const VERSIONS = { TLS12: "TLSv1.2", TLS13: "TLSv1.3" } as const;
type Version = keyof typeof VERSIONS;
/** Versions that the format has, but that the OpenSSL of Node.js does not support. */
const UNSUPPORTED_VERSIONS: readonly string[] = ["TLS10", "TLS11"];

/** Go's names (crypto/tls, CipherSuites()) → OpenSSL's (openssl ciphers -stdname). */
const CIPHERS = {
  TLS_AES_128_GCM_SHA256: "TLS_AES_128_GCM_SHA256",
  TLS_AES_256_GCM_SHA384: "TLS_AES_256_GCM_SHA384",
  TLS_CHACHA20_POLY1305_SHA256: "TLS_CHACHA20_POLY1305_SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
} as const;
const CURVES = {
  X25519: "X25519",
  CurveP256: "P-256",
  CurveP384: "P-384",
  CurveP521: "P-521",
} as const;

const typedKeys = <T extends object>(table: T) =>
  Object.keys(table) as [keyof T & string, ...(keyof T & string)[]];

const version = z.string().transform((text, { addIssue }): Version => {
  if (Object.hasOwn(VERSIONS, text)) return text as Version;
  const all = [...UNSUPPORTED_VERSIONS, ...Object.keys(VERSIONS)].join(", ");
  addIssue(
    UNSUPPORTED_VERSIONS.includes(text)
      ? `"${text}" is not supported by Node.js; use TLS12 or TLS13`
      : `"${text}" is not one of ${all}`,
  );
  return z.NEVER;
});

/** The empty text, or no value, means that the setting is not set. */
const text = z
  .string()
  .nullish()
  .transform((value) => value || undefined);

/** `yes`, `no`, `on` and `off` are also values: the toolkit reads YAML 1.1. */
export const boolean = z.preprocess(
  (value) =>
    typeof value === "string" && /^(y|yes|on|n|no|off)$/i.test(value)
      ? /^(y|on)/i.test(value)
      : value,
  z.boolean(),
);

const tlsSettings = z.strictObject({
  cert_file: text,
  cert: text,
  key_file: text,
  key: text,
  client_auth_type: z
    .preprocess(
      (type) => (type === "" || type === null ? undefined : type),
      z.enum([...clientAuthTypes, "RequireClientCert"]).default("NoClientCert"),
    )
    .transform((type) => (type === "RequireClientCert" ? "RequireAnyClientCert" : type)), // its former name
  client_ca_file: text,
  client_ca: text,
  client_allowed_sans: z.array(z.string().min(1)).min(1).optional(),
  min_version: version.default("TLS12"),
  max_version: version.default("TLS13"),
  cipher_suites: z.array(z.enum(typedKeys(CIPHERS))).default([]),
  curve_preferences: z.array(z.enum(typedKeys(CURVES))).default([]),
  prefer_server_cipher_suites: boolean.default(true),
});
type TlsSettings = z.output<typeof tlsSettings>;

/** Settings that have a `_file` variant. */
type PemSetting = "cert" | "key" | "client_ca";

/** A problem of one setting or, without a key, of the TLS settings as a whole. */
interface TlsProblem {
  readonly key?: keyof TlsSettings;
  readonly message: string;
}

/** @param read reads the files of certificates and keys */
export const createTlsSchema = (read: ReadReferencedFile) =>
  tlsSettings.transform((tls, { addIssue }) => {
    const problems: TlsProblem[] = findContradictions(tls);
    const parsePem = <T>(name: PemSetting, parse: (pem: string) => T) => {
      const result = readPem(tls, name, read, parse);
      if (result?.message === undefined) return result;
      problems.push(result);
      return undefined;
    };
    const cert = parsePem("cert", parseCertificate);
    const key = parsePem("key", parsePrivateKey);
    const ca = parsePem("client_ca", parseCertificate);
    if (cert && key && !cert.parsed.checkPrivateKey(key.parsed))
      problems.push({ key: key.key, message: "does not match the certificate" });
    const context = secureContextOptions(tls, cert?.content, key?.content, ca?.content);
    if (problems.length === 0) {
      try {
        createSecureContext(context);
      } catch (error) {
        problems.push({ message: `is rejected by OpenSSL: ${(error as Error).message}` });
      }
    }
    for (const { key, message } of problems)
      addIssue({ code: "custom", message, path: key === undefined ? [] : [key] });
    return { context, clientAuthType: tls.client_auth_type, allowedSans: tls.client_allowed_sans };
  });

/** Finds settings that are missing, or that contradict each other. */
const findContradictions = (tls: TlsSettings): TlsProblem[] => {
  const { client_auth_type: authType, min_version: min, max_version: max } = tls;
  const caKey = tls.client_ca_file === undefined ? "client_ca" : "client_ca_file";
  const rules: readonly (TlsProblem & { readonly broken: boolean })[] = [
    {
      broken: tls.cert_file === undefined && tls.cert === undefined,
      message: "has no certificate; set cert_file",
    },
    {
      broken: tls.key_file === undefined && tls.key === undefined,
      message: "has no key; set key_file",
    },
    ...(["cert", "key", "client_ca"] as const).map((key) => ({
      key,
      broken: tls[key] !== undefined && tls[`${key}_file`] !== undefined,
      message: `cannot be combined with ${key}_file; remove one of the two`,
    })),
    {
      key: caKey,
      broken: authType === "NoClientCert" && tls[caKey] !== undefined,
      message: "has no effect with client_auth_type NoClientCert; use RequireAndVerifyClientCert",
    },
    {
      key: "client_allowed_sans",
      broken: tls.client_allowed_sans !== undefined && !authType.startsWith("Require"),
      message: "needs client_auth_type RequireAndVerifyClientCert or RequireAnyClientCert",
    },
    { key: "min_version", broken: min > max, message: `${min} is higher than max_version ${max}` },
  ];
  return rules.filter(({ broken }) => broken);
};

/** Reads and parses a certificate or key, from its file or the inline text; `undefined` if neither is set. */
const readPem = <T>(
  tls: TlsSettings,
  name: PemSetting,
  read: ReadReferencedFile,
  parse: (pem: string) => T,
) => {
  const file = tls[`${name}_file`];
  const key = file === undefined ? name : (`${name}_file` as const);
  const inline = tls[name];
  if (file === undefined && inline === undefined) return undefined;
  try {
    const content = file === undefined ? (inline ?? "") : read(file);
    return { key, content, parsed: parse(content) };
  } catch (error) {
    const { message } = error as Error;
    return { key, message: file === undefined ? message : `${file} ${message}` };
  }
};

/** The settings in the form of Node.js. */
const secureContextOptions = (tls: TlsSettings, cert?: string, key?: string, ca?: string) => ({
  cert,
  key,
  ca,
  minVersion: VERSIONS[tls.min_version],
  maxVersion: VERSIONS[tls.max_version],
  honorCipherOrder: tls.prefer_server_cipher_suites,
  ciphers: tls.cipher_suites.map((suite) => CIPHERS[suite]).join(":") || undefined,
  ecdhCurve: tls.curve_preferences.map((curve) => CURVES[curve]).join(":") || undefined,
});

const parseCertificate = (pem: string): X509Certificate => {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new Error("contains no certificate in PEM format", { cause });
  }
};

const parsePrivateKey = (pem: string): KeyObject => {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const isEncrypted = pem.includes("ENCRYPTED"); // in both formats that OpenSSL writes
    throw new Error(
      isEncrypted
        ? "is encrypted with a passphrase; remove the passphrase"
        : "contains no private key in PEM format",
      { cause },
    );
  }
};
