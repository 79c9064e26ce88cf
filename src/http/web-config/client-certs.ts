/** Which client certificates are accepted. */
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";

/** As Go's crypto/tls names and means them (ClientAuthType). */
export type ClientAuthType =
  | "NoClientCert"
  | "RequestClientCert"
  | "RequireAnyClientCert"
  | "VerifyClientCertIfGiven"
  | "RequireAndVerifyClientCert";

export interface ClientCertRules {
  readonly clientAuthType: ClientAuthType;
  /** One of these must be among the certificate's alternative names, letter by letter. */
  readonly allowedSans?: readonly string[] | undefined;
}

/** Whether a client may come in with the certificate that it showed, or without one. */
export const isAcceptedCert = (
  { clientAuthType, allowedSans }: ClientCertRules,
  socket: TLSSocket,
): boolean => {
  const given = socket.getPeerX509Certificate();
  // A resumed session of TLS 1.3 is `authorized` without any certificate: look at both.
  const verified = given !== undefined && socket.authorized;
  const named =
    allowedSans === undefined || (given !== undefined && hasAllowedSan(given, allowedSans));
  switch (clientAuthType) {
    case "NoClientCert":
    case "RequestClientCert":
      return true;
    case "RequireAnyClientCert":
      return given !== undefined && named;
    case "VerifyClientCertIfGiven":
      return given === undefined || verified;
    case "RequireAndVerifyClientCert":
      return verified && named;
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

/** `DNS:a.lan, URI:"with, comma", email:a@b.lan`, as Node.js writes them down. */
const SAN = /(?:^|, )(?:DNS|email|URI):(?:("(?:[^"\\]|\\.)*")|([^,]*))/g;
