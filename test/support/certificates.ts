/**
 * Certificates for tests: a CA made on the spot, and what it signs.
 *
 * Short-lived ECDSA keys, nothing kept between runs. Not for anything but tests.
 */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 60 * 60 * 1000;

x509.cryptoProvider.set(webcrypto);

/** A certificate and its private key, both PEM. */
export interface IssuedPair {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface IssueOptions {
  /** DNS names, IP addresses and URIs that it is for. */
  readonly names: readonly string[];
  /** Its subject; the first name unless given. */
  readonly commonName?: string;
  /** Defaults: from a day ago, for ten days. */
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** A certificate authority of one test. */
export interface Authority {
  /** Its own certificate, PEM. */
  readonly cert: string;
  /** Signs a new key for servers and clients. */
  issue(options: IssueOptions): Promise<IssuedPair>;
}

/** Where `writeCertificates` put what it made, all PEM. */
export interface CertificateFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** A CA and one pair of it for `names`, as files in `dir`. */
export async function writeCertificates(
  dir: string,
  names: readonly string[],
): Promise<CertificateFiles> {
  const authority = await createAuthority("a test CA");
  const { cert, key } = await authority.issue({ names });
  const put = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  return {
    caFile: put("ca.crt", authority.cert),
    certFile: put("tls.crt", cert),
    keyFile: put("tls.key", key),
  };
}

let serial = 1;

/** Makes a CA with a new key. */
export async function createAuthority(commonName: string): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const issuer = `CN=${commonName}`;
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerial(),
    name: issuer,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 10 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const signingKey = keys.privateKey;
  return { cert: root.toString("pem"), issue: (options) => issue(issuer, signingKey, options) };
}

async function issue(
  issuer: string,
  signingKey: webcrypto.CryptoKey,
  options: IssueOptions,
): Promise<IssuedPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: nextSerial(),
    subject: `CN=${options.commonName ?? options.names[0] ?? "nobody"}`,
    issuer,
    notBefore: options.notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: options.notAfter ?? new Date(Date.now() + 10 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension(
        options.names.map((name) => ({ type: typeOf(name), value: name })),
      ),
    ],
  });
  const der = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { cert: cert.toString("pem"), key: x509.PemConverter.encode(der, "PRIVATE KEY") };
}

function typeOf(name: string): "url" | "ip" | "dns" {
  if (name.includes("://")) return "url";
  return /^[\d.]+$/.test(name) || name.includes(":") ? "ip" : "dns";
}

function nextSerial(): string {
  serial += 1;
  return serial.toString(16).padStart(4, "0");
}
