/** Decides which client certificates are accepted. */
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";

/** Names and meanings are those of ClientAuthType in Go's crypto/tls. */
export const clientAuthTypes = [
  "NoClientCert",
  "RequestClientCert",
  "RequireAnyClientCert",
  "VerifyClientCertIfGiven",
  "RequireAndVerifyClientCert",
] as const;
export type ClientAuthType = (typeof clientAuthTypes)[number];

export interface ClientCertRules {
  readonly clientAuthType: ClientAuthType;
  /** The certificate must contain one of these alternative names exactly; without a list, any name is accepted. */
  readonly allowedSans?: readonly string[] | undefined;
}

/** Whether the rules accept the certificate of a connection, or the lack of one. */
export const isAcceptedCert = (
  { clientAuthType, allowedSans }: ClientCertRules,
  socket: TLSSocket,
): boolean => {
  const certificate = socket.getPeerX509Certificate();
  // A resumed TLS 1.3 session is `authorized` even without a certificate, so check both.
  const isVerified = certificate !== undefined && socket.authorized;
  const isNameAllowed =
    allowedSans === undefined ||
    (certificate !== undefined && hasAllowedSan(certificate, allowedSans));
  switch (clientAuthType) {
    case "NoClientCert":
    case "RequestClientCert":
      return true;
    case "RequireAnyClientCert":
      return certificate !== undefined && isNameAllowed;
    case "VerifyClientCertIfGiven":
      return certificate === undefined || isVerified;
    case "RequireAndVerifyClientCert":
      return isVerified && isNameAllowed;
  }
};

type Certificate = NonNullable<ReturnType<TLSSocket["getPeerX509Certificate"]>>;

const hasAllowedSan = (certificate: Certificate, allowed: readonly string[]): boolean => {
  const names = new Set(
    [...(certificate.subjectAltName ?? "").matchAll(SAN)].map(([, quoted, plain]) =>
      quoted === undefined ? plain : (JSON.parse(quoted) as string),
    ),
  );
  return allowed.some((name) =>
    isIP(name) === 0 ? names.has(name) : certificate.checkIP(name) !== undefined,
  );
};

/** The format of `subjectAltName` in Node.js: `DNS:a.lan, URI:"with, comma", email:a@b.lan`. */
const SAN = /(?:^|, )(?:DNS|email|URI):(?:("(?:[^"\\]|\\.)*")|([^,]*))/g;
