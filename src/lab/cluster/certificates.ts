/**
 * The certificates of the lab's API server: an authority made on the spot, and what it signs.
 *
 * Keys live in memory and for days, and nothing trusts them but who is told to.
 */
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 60 * 60 * 1000;

type X509 = typeof import("@peculiar/x509");

/** The library is large, and a lab without TLS does not need it. */
async function loadX509(): Promise<X509> {
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto);
  return x509;
}

/** A certificate and its key, both PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** What signs. */
export interface LabAuthority {
  /** Its own certificate, PEM. */
  readonly cert: string;
  /** For a server of these DNS names and addresses. */
  issueServer(names: readonly string[]): Promise<CertificatePair>;
  /** For a client: the name is the user's, the organizations are his groups. */
  issueClient(name: string, groups?: readonly string[]): Promise<CertificatePair>;
}

/**
 * Makes an authority with a new key, good from a day before to ten days after.
 *
 * @param wallMs the time now, ms since 1970.
 */
export async function createLabAuthority(wallMs: number): Promise<LabAuthority> {
  const x509 = await loadX509();
  const keys = await newKeys();
  const span = { notBefore: new Date(wallMs - DAY_MS), notAfter: new Date(wallMs + 10 * DAY_MS) };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ serialNumber: serial(), name: "CN=fairlead lab", ...span },
    ...{ signingAlgorithm: ALGORITHM, keys },
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const issue = async (subject: string, names: readonly string[]): Promise<CertificatePair> => {
    const own = await newKeys();
    const cert = await x509.X509CertificateGenerator.create({
      ...{ serialNumber: serial(), subject, issuer: root.subject, ...span },
      ...{ signingAlgorithm: ALGORITHM, publicKey: own.publicKey, signingKey: keys.privateKey },
      extensions: extensions(x509, names),
    });
    const der = await webcrypto.subtle.exportKey("pkcs8", own.privateKey);
    return { cert: cert.toString("pem"), key: x509.PemConverter.encode(der, "PRIVATE KEY") };
  };
  return {
    cert: root.toString("pem"),
    issueServer: (names) => issue(`CN=${names[0]}`, names),
    issueClient: (name, groups = []) =>
      issue([`CN=${name}`, ...groups.map((group) => `O=${group}`)].join(", "), []),
  };
}

function extensions(x509: X509, names: readonly string[]) {
  const isServer = names.length > 0;
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.ExtendedKeyUsageExtension([isServer ? serverAuth : clientAuth]),
    ...(isServer
      ? [
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
          ),
        ]
      : []),
  ];
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

/** Positive, as RFC 5280 wants it, and of 64 random bits. */
function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(8));
  bytes[0] = (bytes[0]! & 0x7f) | 0x01;
  return Buffer.from(bytes).toString("hex");
}
