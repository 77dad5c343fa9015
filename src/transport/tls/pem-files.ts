/**
 * Certificate files for whoever holds texts, such as those of an xDS bootstrap's certificate
 * providers (gRFC A29): read whole and checked. Not watched, and the last good ones are the
 * caller's to keep.
 */
import type { TlsFileKind } from "./error.ts";
import { checkKey, parseCertificates, readTlsFile, type TlsFile } from "./files.ts";

const fileOf = (kind: TlsFileKind, path: string): TlsFile => ({ side: "client", kind, path });

/**
 * A certificate and its key, as PEM.
 * @throws TlsFileError when one is none, or the key is another's, as while both are written.
 */
export function readPemPair(certFile: string, keyFile: string): { cert: string; key: string } {
  const [certificate, privateKey] = [fileOf("certificate", certFile), fileOf("key", keyFile)];
  const [cert, key] = [readTlsFile(certificate), readTlsFile(privateKey)];
  checkKey(certificate, parseCertificates(certificate, cert)[0]!, privateKey, key);
  return { cert, key };
}

/** Trusted CAs, as PEM. @throws TlsFileError */
export function readPemCa(caFile: string): string {
  const file = fileOf("CA", caFile);
  const ca = readTlsFile(file);
  parseCertificates(file, ca);
  return ca;
}
