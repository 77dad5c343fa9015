/**
 * Certificate files as they lie on disk: read whole, checked, and told apart by stamp and by hash.
 *
 * Reads are synchronous: the files are small and local, they are read at start and when their stamp
 * changes, and a reload that cannot interleave with itself needs no states. Pipes and huge files
 * are refused, because they would block the event loop.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  X509Certificate,
} from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { TlsFileError, type TlsFileKind, type TlsSide } from "./error.ts";

/** No bundle of certificates comes near it; the system's CA bundle has about 0.25 MB. */
const TLS_FILE_BYTES_MAX = 4 * 1024 * 1024;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** One file and what it is for. */
export interface TlsFile {
  readonly side: TlsSide;
  readonly kind: TlsFileKind;
  readonly path: string;
}

/**
 * Reads a whole file as text.
 * @throws TlsFileError when it is missing, no regular file, not readable, empty or too large.
 */
export function readTlsFile(file: TlsFile): string {
  try {
    const stat = statSync(file.path);
    if (!stat.isFile()) throw problem(file, "is not a regular file");
    if (stat.size > TLS_FILE_BYTES_MAX) {
      throw problem(file, `is larger than ${TLS_FILE_BYTES_MAX} bytes`);
    }
    const text = readFileSync(file.path, "utf8");
    if (text.trim() === "") throw problem(file, "is empty");
    return text;
  } catch (error) {
    if (error instanceof TlsFileError) throw error;
    throw problem(file, `cannot be read: ${systemReason(error)}`, error);
  }
}

/**
 * Changes whenever any of the files does: size, inode (a swapped symbolic link leads to another
 * one) and nanosecond times. A file that is not there has a stamp too.
 */
export function stampOf(files: readonly TlsFile[]): string {
  let stamp = "";
  for (const file of files) {
    try {
      const s = statSync(file.path, { bigint: true });
      stamp += `${s.dev}:${s.ino}:${s.size}:${s.mtimeNs}:${s.ctimeNs};`;
    } catch (error) {
      stamp += `${systemReason(error)};`;
    }
  }
  return stamp;
}

/** A digest of all texts together. */
export function hashOf(texts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest("hex");
}

/**
 * All certificates of a PEM text, in its order.
 * @throws TlsFileError when there is none, or one cannot be parsed.
 */
export function parseCertificates(file: TlsFile, text: string): X509Certificate[] {
  const blocks = text.match(PEM_CERTIFICATE);
  if (blocks === null) throw problem(file, "holds no PEM certificate (BEGIN CERTIFICATE)");
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw problem(file, `is damaged: its certificate ${index + 1} cannot be parsed`, error);
    }
  });
}

/**
 * Checks that `key` is a private key without a passphrase and that it fits the first certificate.
 * @throws TlsFileError naming the key file.
 */
export function checkKey(
  certificateFile: TlsFile,
  certificate: X509Certificate,
  keyFile: TlsFile,
  keyText: string,
): void {
  const key = parsePrivateKey(keyFile, keyText);
  // Compared as public keys: `checkPrivateKey` would leave errors in OpenSSL's queue.
  if (!createPublicKey(key).equals(certificate.publicKey)) {
    throw problem(keyFile, `does not belong to certificate file ${certificateFile.path}`);
  }
}

function parsePrivateKey(file: TlsFile, text: string): KeyObject {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw problem(file, "holds no PEM private key (BEGIN PRIVATE KEY)");
  }
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text)) {
    throw problem(file, "is encrypted; a key without passphrase is needed");
  }
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw problem(file, "is damaged: its private key cannot be parsed", error);
  }
}

/**
 * The PEM of each certificate, one a line ending: OpenSSL silently stops at the first of two that
 * were joined without a line break.
 */
export function cleanPem(certificates: readonly X509Certificate[]): string[] {
  return certificates.map((certificate) => certificate.toString());
}

/** Makes the error for a file. */
export function problem(file: TlsFile, text: string, cause?: unknown): TlsFileError {
  return new TlsFileError(file.side, file.kind, file.path, text, cause);
}

const SYSTEM_REASONS: Record<string, string> = {
  ENOENT: "no such file",
  EACCES: "permission denied",
  ENOTDIR: "a part of the path is not a directory",
  ELOOP: "too many symbolic links",
};

function systemReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  return (code && SYSTEM_REASONS[code]) ?? code ?? String(error);
}
