/**
 * The part of the web configuration file that is about TLS → the settings of a TLS server. Its format is that of Prometheus'
 * exporter-toolkit (web/tls_config.go of github.com/prometheus/exporter-toolkit).
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { z } from "zod";

/** Reads a file that the configuration names. @throws Error whose message completes «FILE …» */
export type ReadReferencedFile = (name: string) => string;

const CLIENT_TYPES = [
  "NoClientCert",
  "RequestClientCert",
  "RequireAnyClientCert",
  "VerifyClientCertIfGiven",
  "RequireAndVerifyClientCert",
] as const;

const VERSIONS = { TLS12: "TLSv1.2", TLS13: "TLSv1.3" } as const;
type Version = keyof typeof VERSIONS;
/** Old versions are part of the format, and need a weaker OpenSSL than Node.js comes with. */
const OLD_VERSIONS: readonly string[] = ["TLS10", "TLS11"];

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

const keysOf = <T extends object>(table: T) =>
  Object.keys(table) as [keyof T & string, ...(keyof T & string)[]];

const version = z.string().transform((text, { addIssue }): Version => {
  if (Object.hasOwn(VERSIONS, text)) return text as Version;
  const known = [...OLD_VERSIONS, ...Object.keys(VERSIONS)].join(", ");
  addIssue(
    OLD_VERSIONS.includes(text)
      ? `"${text}" is not served by Node.js; take TLS12 or TLS13`
      : `"${text}" is none of ${known}`,
  );
  return z.NEVER;
});

const text = z.string().min(1);

const tlsSettings = z.strictObject({
  cert_file: text.optional(),
  cert: text.optional(),
  key_file: text.optional(),
  key: text.optional(),
  client_auth_type: z
    .enum([...CLIENT_TYPES, "RequireClientCert"])
    .transform((type) => (type === "RequireClientCert" ? "RequireAnyClientCert" : type)) // its name of old
    .default("NoClientCert"),
  client_ca_file: text.optional(),
  client_ca: text.optional(),
  client_allowed_sans: z.array(text).min(1).optional(),
  min_version: version.default("TLS12"),
  max_version: version.default("TLS13"),
  cipher_suites: z.array(z.enum(keysOf(CIPHERS))).default([]),
  curve_preferences: z.array(z.enum(keysOf(CURVES))).default([]),
  prefer_server_cipher_suites: z.boolean().default(true),
});
type TlsSettings = z.output<typeof tlsSettings>;

/** What is wrong with one setting, or with all of them together. */
interface TlsProblem {
  readonly key?: keyof TlsSettings;
  readonly message: string;
}

/** The settings of TLS, whose files are read with `read`. */
export const createTlsSchema = (read: ReadReferencedFile) =>
  tlsSettings.transform((tls, { addIssue }) => {
    const faults: TlsProblem[] = findContradictions(tls);
    const pem = <T>(name: "cert" | "key" | "client_ca", parse: (pem: string) => T) => {
      const found = readPem(tls, name, read, parse);
      if (found?.message === undefined) return found;
      faults.push(found);
      return undefined;
    };
    const cert = pem("cert", parseCertificate);
    const key = pem("key", parsePrivateKey);
    const ca = pem("client_ca", parseCertificate);
    if (cert && key && !cert.parsed.checkPrivateKey(key.parsed))
      faults.push({ key: key.key, message: "is not the key of the certificate" });
    const context = secureContextOptions(tls, cert?.content, key?.content, ca?.content);
    if (faults.length === 0) {
      try {
        createSecureContext(context);
      } catch (error) {
        faults.push({ message: `is refused by OpenSSL: ${(error as Error).message}` });
      }
    }
    for (const { key, message } of faults)
      addIssue({ code: "custom", message, path: key === undefined ? [] : [key] });
    return { context, clientAuthType: tls.client_auth_type, allowedSans: tls.client_allowed_sans };
  });

/** What no setting says alone. */
const findContradictions = (tls: TlsSettings): TlsProblem[] => {
  const { client_auth_type: clients, min_version: min, max_version: max } = tls;
  const caKey = tls.client_ca_file === undefined ? "client_ca" : "client_ca_file";
  const rules: readonly (TlsProblem & { readonly broken: boolean })[] = [
    {
      broken: tls.cert_file === undefined && tls.cert === undefined,
      message: "names no certificate; give it a cert_file",
    },
    {
      broken: tls.key_file === undefined && tls.key === undefined,
      message: "names no key; give it a key_file",
    },
    ...(["cert", "key", "client_ca"] as const).map((key) => ({
      key,
      broken: tls[key] !== undefined && tls[`${key}_file`] !== undefined,
      message: `stands beside ${key}_file; one of the two must go`,
    })),
    {
      key: "client_auth_type",
      broken: clients.includes("Verify") && tls[caKey] === undefined,
      message: `${clients} needs a client_ca_file: who signs for the clients`,
    },
    {
      key: caKey,
      broken: clients === "NoClientCert" && tls[caKey] !== undefined,
      message:
        "is of no use while client_auth_type is NoClientCert; take RequireAndVerifyClientCert",
    },
    {
      key: "client_allowed_sans",
      broken: tls.client_allowed_sans !== undefined && !clients.startsWith("Require"),
      message: "needs a client_auth_type of RequireAndVerifyClientCert or RequireAnyClientCert",
    },
    { key: "min_version", broken: min > max, message: `${min} is above max_version ${max}` },
  ];
  return rules.filter(({ broken }) => broken);
};

/** What a file holds, or the text that stands in its place; `undefined` where neither is given. */
const readPem = <T>(
  tls: TlsSettings,
  name: "cert" | "key" | "client_ca",
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

/** In the words of Node.js. */
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
    throw new Error("holds no certificate in PEM form", { cause });
  }
};

const parsePrivateKey = (pem: string): KeyObject => {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const locked = pem.includes("ENCRYPTED"); // in both forms that OpenSSL writes
    throw new Error(
      locked ? "is locked with a passphrase; take it off" : "holds no private key in PEM form",
      { cause },
    );
  }
};
