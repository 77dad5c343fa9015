/**
 * Certificates that a TLS context names, as PEM texts: inline, secrets of the same server, or files
 * of the bootstrap's `certificate_providers` (gRFC A29).
 */
import type { XdsBootstrap } from "../../discovery/index.ts";
import type { CaSource, CertificateSource, PemPair, TlsContext } from "../../xds/index.ts";
import type { NamedWatches } from "./named-watches.ts";
import { CertificateError, ProviderFiles } from "./provider-files.ts";
import type { SecretResource } from "./secret.ts";

/** Names of secrets that a context needs. */
export function secretsOf({ certificates, ca }: TlsContext, into: Set<string>): void {
  for (const source of certificates) if (source.kind === "secret") into.add(source.name);
  if (ca?.kind === "secret") into.add(ca.name);
}

/** See the head of this file. */
export class Certificates {
  readonly #secrets: NamedWatches<SecretResource>;
  /** Of certificate providers. */
  readonly files: ProviderFiles;

  constructor(bootstrap: XdsBootstrap, secrets: NamedWatches<SecretResource>) {
    this.#secrets = secrets;
    this.files = new ProviderFiles(bootstrap.certificateProviders);
  }

  /** @throws CertificateError */
  pairOf(source: CertificateSource): PemPair {
    if (source.kind === "pem") return source.pair;
    if (source.kind === "provider") return this.files.pairOf(source.name);
    const { value, trouble } = this.#secrets.get(source.name);
    if (value?.kind === "certificate") return value.pair;
    throw new CertificateError(trouble ?? `SDS ${source.name} is no certificate`);
  }

  /** Null: the well-known CAs. @throws CertificateError */
  caOf(source: CaSource): string | null {
    if (source.kind === "system") return null;
    if (source.kind === "pem") return source.ca;
    if (source.kind === "provider") return this.files.caOf(source.name);
    const { value, trouble } = this.#secrets.get(source.name);
    if (value?.kind === "ca") return value.ca;
    throw new CertificateError(trouble ?? `SDS ${source.name} is no validation context`);
  }
}
