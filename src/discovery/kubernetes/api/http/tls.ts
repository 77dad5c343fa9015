/**
 * TLS towards an API server: which CA to trust, which certificate to show.
 *
 * Files are looked at again when a connection is made, not on a timer: no connection, no need. A
 * change gives a new `TlsSettings`, by which the owner of connections sees that old ones are not to
 * be used for new requests. Not `transport/tls`: that one is HTTP/2's, and pods are no API server.
 */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import tls, { createSecureContext, type SecureContext } from "node:tls";
import type { Clock, Logger } from "../../../../base/index.ts";
import type { ClusterEntry, PemSource, UserEntry } from "../config/entries.ts";
import type { Presented } from "../credentials/credentials.ts";
import { ApiAccessError } from "../error.ts";
import { readSmallFile, stampOf } from "../files.ts";

/** No look at the files is closer to the one before. */
export const TLS_STAT_MS = 2000;
/** As for the certificates of listeners. */
const PEM_BYTES_MAX = 4 * 1024 * 1024;

/** What a TLS connection is made with. Another object means other files. */
export interface TlsSettings {
  readonly secureContext: SecureContext;
}

/** See the head of this file. */
export class ApiTls {
  readonly #cluster: ClusterEntry;
  readonly #user: UserEntry;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #paths: readonly string[];
  #settings: TlsSettings;
  #pluginCert: string | null = null;
  #stamp: string;
  #lookedAtMs: number;

  /** @throws ApiAccessError when a certificate, key or CA cannot be used. */
  constructor(cluster: ClusterEntry, user: UserEntry, deps: { clock: Clock; log: Logger }) {
    this.#cluster = cluster;
    this.#user = user;
    this.#clock = deps.clock;
    this.#log = deps.log;
    const sources = [cluster.ca, user.certificate, user.key];
    this.#paths = sources.flatMap((source) => source?.path ?? []);
    this.#lookedAtMs = this.#clock.nowMs();
    this.#stamp = this.#stampNow();
    this.#settings = this.#make(null);
  }

  /** The settings of now. @param certificate of a plugin; null for the user's own or none. */
  settings(certificate: Presented["certificate"]): TlsSettings {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#lookedAtMs >= TLS_STAT_MS) {
      this.#lookedAtMs = nowMs;
      this.renew();
    }
    const cert = certificate?.cert ?? null;
    if (cert !== this.#pluginCert) {
      this.#settings = this.#make(certificate);
      this.#pluginCert = cert;
    }
    return this.#settings;
  }

  /** Looks at the files at once; true when others are in use now. */
  renew(): boolean {
    const stamp = this.#stampNow();
    if (stamp === this.#stamp) return false;
    this.#stamp = stamp;
    try {
      this.#settings = this.#make(null);
      this.#pluginCert = null;
      this.#log.info("certificate files of the API server changed and are in use");
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.warn("certificate files changed but cannot be used; the last good ones stay", {
        reason,
      });
      return false;
    }
  }

  #make(plugin: Presented["certificate"]): TlsSettings {
    const { ca } = this.#cluster;
    const { certificate, key } = this.#user;
    const own =
      certificate === null || key === null ? { cert: null, key: null } : readPair(certificate, key);
    const cert = plugin?.cert ?? own.cert;
    const secret = plugin?.key.reveal() ?? own.key;
    const authorities = ca === null ? trustedByMachine() : readCertificates(ca);
    return {
      secureContext: createSecureContext({
        ca: authorities,
        ...(cert === null || secret === null ? {} : { cert, key: secret }),
      }),
    };
  }

  #stampNow(): string {
    return this.#paths.map(stampOf).join(";");
  }
}

/** As kubectl: what the system trusts, and what Node brings along. */
function trustedByMachine(): string[] {
  // Not in Node before 22.15: then what Node brings along is all there is.
  const { getCACertificates } = tls as Partial<Pick<typeof tls, "getCACertificates">>;
  if (getCACertificates === undefined) return [...tls.rootCertificates];
  return [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
}

function readPair(certificate: PemSource, key: PemSource): { cert: string; key: string } {
  const certs = readCertificates(certificate);
  const text = readPem(key);
  let parsed: KeyObject;
  try {
    parsed = createPrivateKey(text);
  } catch {
    throw new ApiAccessError(`${key.name}: must be a PEM private key without a passphrase`);
  }
  if (!createPublicKey(parsed).equals(new X509Certificate(certs[0]).publicKey)) {
    throw new ApiAccessError(`${key.name}: does not belong to the certificate ${certificate.name}`);
  }
  return { cert: certs.join("\n"), key: text };
}

function readCertificates(source: PemSource): string[] {
  const blocks = readPem(source).match(
    /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
  );
  if (blocks === null) {
    throw new ApiAccessError(`${source.name}: must hold a PEM certificate (BEGIN CERTIFICATE)`);
  }
  try {
    return blocks.map((block) => new X509Certificate(block).toString());
  } catch {
    throw new ApiAccessError(`${source.name}: holds a certificate that cannot be parsed`);
  }
}

function readPem({ name, path, data }: PemSource): string {
  return data?.reveal() ?? readSmallFile(name, path!, PEM_BYTES_MAX);
}
