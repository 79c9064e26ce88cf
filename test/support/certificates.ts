import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate and its key, as files and as text. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** Creates certificates in a folder with openssl: self-signed, or signed by `by`. */
export const createCertifier =
  (folder: string) =>
  (
    name: string,
    { by, sans = [] }: { by?: CertificateFiles; sans?: readonly string[] } = {},
  ): CertificateFiles => {
    const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ...["-days", "2", "-subj", `/CN=${name}`, "-out", certFile, "-keyout", keyFile],
        ...(by ? ["-CA", by.certFile, "-CAkey", by.keyFile] : []),
        ...(by ? ["-addext", "basicConstraints=critical,CA:FALSE"] : []),
        ...(sans.length > 0 ? ["-addext", `subjectAltName=${sans.join(",")}`] : []),
      ],
      { stdio: "pipe" },
    );
    return {
      certFile,
      keyFile,
      cert: readFileSync(certFile, "utf8"),
      key: readFileSync(keyFile, "utf8"),
    };
  };
