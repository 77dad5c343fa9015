/**
 * Certificates that a TLS context names, as PEM texts: inline, secrets of the same server, or files
 * of the bootstrap's `certificate_providers` (gRFC A29).
 */
import { readFileSync } from "node:fs";
import type { XdsBootstrap } from "../../discovery/index.ts";
import type { CaSource, CertificateSource, PemPair, TlsContext } from "../../xds/index.ts";
import type { NamedWatches } from "./named-watches.ts";
import type { SecretResource } from "./secret.ts";

/** How often the files of certificate providers are read again. */
export const PROVIDER_POLL_MS = 10_000;

/** Names of secrets that a context needs. */
export function secretsOf({ certificates, ca }: TlsContext, into: Set<string>): void {
  for (const source of certificates) if (source.kind === "secret") into.add(source.name);
  if (ca?.kind === "secret") into.add(ca.name);
}

/** Why certificates cannot be had. The message is one clause without secrets. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}

/** See the head of this file. */
export class Certificates {
  readonly #bootstrap: XdsBootstrap;
  readonly #secrets: NamedWatches<SecretResource>;
  /** Whether any file was asked for: then they are to be looked at again. */
  usesFiles = false;

  constructor(bootstrap: XdsBootstrap, secrets: NamedWatches<SecretResource>) {
    this.#bootstrap = bootstrap;
    this.#secrets = secrets;
  }

  /** @throws CertificateError */
  pairOf(source: CertificateSource): PemPair {
    if (source.kind === "pem") return source.pair;
    if (source.kind === "secret") {
      const { value, trouble } = this.#secrets.get(source.name);
      if (value?.kind === "certificate") return value.pair;
      throw new CertificateError(trouble ?? `SDS ${source.name} is no certificate`);
    }
    const { certFile, keyFile } = this.#provider(source.name);
    if (certFile === null || keyFile === null) {
      throw new CertificateError(`certificate provider ${source.name} has no certificate_file`);
    }
    return { cert: this.#read(certFile), key: this.#read(keyFile) };
  }

  /** Null: the well-known CAs. @throws CertificateError */
  caOf(source: CaSource): string | null {
    if (source.kind === "system") return null;
    if (source.kind === "pem") return source.ca;
    if (source.kind === "secret") {
      const { value, trouble } = this.#secrets.get(source.name);
      if (value?.kind === "ca") return value.ca;
      throw new CertificateError(trouble ?? `SDS ${source.name} is no validation context`);
    }
    const { caFile } = this.#provider(source.name);
    if (caFile === null) {
      throw new CertificateError(`certificate provider ${source.name} has no ca_certificate_file`);
    }
    return this.#read(caFile);
  }

  #provider(name: string) {
    const provider = this.#bootstrap.certificateProviders.get(name);
    if (provider !== undefined) return provider;
    throw new CertificateError(
      `the bootstrap has no certificate provider ${name} of plugin file_watcher`,
    );
  }

  #read(path: string): string {
    this.usesFiles = true;
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new CertificateError(`certificate file ${path} cannot be read: ${code ?? "error"}`);
    }
  }
}
