/**
 * Files of the bootstrap's `certificate_providers` (gRFC A29), read once for each configuration.
 *
 * Once there was a good one it stays in use while its files are away, half-written or unreadable:
 * connections that are as good as before must not be refused for that.
 */
import type { XdsBootstrap } from "../../discovery/index.ts";
import { readPemCa, readPemPair, TlsFileError } from "../../transport/index.ts";
import type { PemPair } from "../../xds/index.ts";

/** How often the files of certificate providers are read again. */
export const PROVIDER_POLL_MS = 10_000;

/** Why certificates cannot be had. The message is one clause without secrets. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}

/** What files say: a good one, and what is wrong with what is there now. */
interface Read<T> {
  good: T | null;
  trouble: string | null;
  /** Of which round it is. */
  round: number;
}

/** See the head of this file. */
export class ProviderFiles {
  readonly #providers: XdsBootstrap["certificateProviders"];
  /** By the name of a provider. */
  readonly #pairs = new Map<string, Read<PemPair>>();
  readonly #cas = new Map<string, Read<string>>();
  #round = 0;

  constructor(providers: XdsBootstrap["certificateProviders"]) {
    this.#providers = providers;
  }

  /** From now on each file that is asked for is read again, once. */
  readAgain(): void {
    this.#round += 1;
  }

  /** Whether any was asked for since `readAgain`: then they are to be looked at again. */
  get areUsed(): boolean {
    return this.#asked().length > 0;
  }

  /** What is wrong with files whose last good ones are in use. */
  get troubles(): string[] {
    return this.#asked().flatMap(({ good, trouble }) => {
      return good === null || trouble === null
        ? []
        : [`${trouble}; the last good one stays in use`];
    });
  }

  #asked(): Read<unknown>[] {
    const all: Read<unknown>[] = [...this.#pairs.values(), ...this.#cas.values()];
    return all.filter(({ round }) => round === this.#round);
  }

  /** The same object while the files say the same. @throws CertificateError */
  pairOf(name: string): PemPair {
    const { certFile, keyFile } = this.#provider(name);
    if (certFile === null || keyFile === null) {
      throw new CertificateError(`certificate provider ${name} has no certificate_file`);
    }
    return this.#read(this.#pairs, name, (before) => {
      const pair = readPemPair(certFile, keyFile);
      return before?.cert === pair.cert && before.key === pair.key ? before : pair;
    });
  }

  /** @throws CertificateError */
  caOf(name: string): string {
    const { caFile } = this.#provider(name);
    if (caFile === null) {
      throw new CertificateError(`certificate provider ${name} has no ca_certificate_file`);
    }
    return this.#read(this.#cas, name, () => readPemCa(caFile));
  }

  #provider(name: string) {
    const provider = this.#providers.get(name);
    if (provider !== undefined) return provider;
    throw new CertificateError(
      `the bootstrap has no certificate provider ${name} of plugin file_watcher`,
    );
  }

  #read<T>(known: Map<string, Read<T>>, name: string, read: (before: T | null) => T): T {
    const before = known.get(name);
    const now: Read<T> = before ?? { good: null, trouble: null, round: -1 };
    if (now.round !== this.#round) {
      now.round = this.#round;
      now.trouble = null;
      try {
        now.good = read(now.good);
      } catch (error) {
        if (!(error instanceof TlsFileError)) throw error;
        now.trouble = error.message;
      }
      known.set(name, now);
    }
    if (now.good === null) throw new CertificateError(now.trouble!);
    return now.good;
  }
}
