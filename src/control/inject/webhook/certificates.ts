/**
 * The webhook's certificates: an authority of our own, and a certificate of it for the names by
 * which an API server reaches us. Made here, renewed here, known to nobody else.
 */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** All PEM. The keys are secrets. */
export interface WebhookCertificates {
  readonly cert: string;
  readonly key: string;
  /** What API servers trust: the authority in use first, then one that was in use before. */
  readonly ca: string;
  readonly caKey: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
/** How long a certificate is good for; it is renewed after two thirds of that. */
export const CERTIFICATE_MS = 90 * DAY_MS;
/** The same of the authority. */
export const AUTHORITY_MS = 730 * DAY_MS;
/** Clocks of machines differ. */
const SKEW_MS = DAY_MS / 24;

/**
 * Makes what is missing or due.
 * @param old what is in use; null: nothing.
 * @param names DNS names and IP addresses.
 * @returns null when nothing is due.
 */
export async function renewCertificates(
  old: WebhookCertificates | null,
  names: readonly string[],
  wallMs: number,
): Promise<WebhookCertificates | null> {
  x509.cryptoProvider.set(webcrypto);
  const authority = old === null ? null : await readAuthority(old);
  const isAuthorityDue = authority === null || isDue(authority.cert, AUTHORITY_MS, wallMs);
  const leaf = old === null ? null : tryRead(old.cert);
  const isGood = leaf !== null && !isDue(leaf, CERTIFICATE_MS, wallMs) && hasNames(leaf, names);
  if (!isAuthorityDue && isGood) return null;
  if (!isAuthorityDue) return { ...old!, ...(await issue(authority, names, wallMs)) };
  const made = await newAuthority(wallMs);
  const before = authority === null ? "" : `${authority.cert.toString("pem")}\n`;
  return {
    ...(await issue(made, names, wallMs)),
    ca: `${made.cert.toString("pem")}\n${before}`,
    caKey: await pemOf(made.keys),
  };
}

interface Authority {
  readonly cert: x509.X509Certificate;
  readonly keys: CryptoKeyPair;
}

type CryptoKeyPair = webcrypto.CryptoKeyPair;

/** Null when it cannot be used: it is then made anew. */
async function readAuthority({ ca, caKey }: WebhookCertificates): Promise<Authority | null> {
  const cert = tryRead(ca);
  if (cert === null) return null;
  try {
    const der = x509.PemConverter.decodeFirst(caKey);
    const privateKey = await webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, true, ["sign"]);
    const publicKey = await cert.publicKey.export(ALGORITHM, ["verify"]);
    return { cert, keys: { privateKey, publicKey } };
  } catch {
    return null;
  }
}

function tryRead(pem: string): x509.X509Certificate | null {
  try {
    return new x509.X509Certificate(x509.PemConverter.decodeFirst(pem));
  } catch {
    return null;
  }
}

function isDue(cert: x509.X509Certificate, lifeMs: number, wallMs: number): boolean {
  return cert.notAfter.getTime() - wallMs < lifeMs / 3;
}

function hasNames(cert: x509.X509Certificate, names: readonly string[]): boolean {
  const known = cert.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  return names.every((name) => known.some(({ value }) => value === name));
}

async function newAuthority(wallMs: number): Promise<Authority> {
  const keys = await newKeys();
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: "CN=fairlead webhook CA",
    notBefore: new Date(wallMs - SKEW_MS),
    notAfter: new Date(wallMs + AUTHORITY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert, keys };
}

async function issue(authority: Authority, names: readonly string[], wallMs: number) {
  const keys = await newKeys();
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: "CN=fairlead webhook",
    issuer: authority.cert.subject,
    notBefore: new Date(wallMs - SKEW_MS),
    notAfter: new Date(Math.min(wallMs + CERTIFICATE_MS, authority.cert.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map(generalName)),
      await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
    ],
  });
  return { cert: `${cert.toString("pem")}\n`, key: await pemOf(keys) };
}

function generalName(value: string): x509.JsonGeneralName {
  return { type: /^[\d.]+$|:/.test(value) ? "ip" : "dns", value };
}

function newKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function pemOf({ privateKey }: CryptoKeyPair): Promise<string> {
  const der = await webcrypto.subtle.exportKey("pkcs8", privateKey);
  return `${x509.PemConverter.encode(der, "PRIVATE KEY")}\n`;
}

/** RFC 5280 §4.1.2.2: positive, at most 20 bytes. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0]! &= 0x7f;
  return Buffer.from(bytes).toString("hex");
}
