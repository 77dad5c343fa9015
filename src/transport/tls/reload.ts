/**
 * A value made from files, made anew when they change; the last good one stays in use meanwhile.
 *
 * Files are polled, not watched: Kubernetes swaps a secret by moving a symbolic link, which file
 * watchers report differently on every system, or not at all on some mounts. A poll is a few
 * `stat` calls. Not a general cache: it exists for certificates.
 */
import type { Clock, Logger, Timer } from "../../base/index.ts";
import { TlsFileError } from "./error.ts";
import { hashOf, readTlsFile, stampOf, type TlsFile } from "./files.ts";

/** How often the files are looked at. A renewed certificate is in use after at most this time. */
export const TLS_POLL_MS = 2000;

/** What `ServerTls` and `ClientTls` need from outside. */
export interface TlsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** `TLS_POLL_MS` unless given. */
  readonly pollMs?: number;
  /** Called after each attempt to take up changed files; false: the last good ones stay in use. */
  readonly onReload?: (isGood: boolean) => void;
}

/** Holds the current value of `make(texts)`, where `texts` are the files' contents in order. */
export class Reloaded<T> {
  readonly #files: readonly TlsFile[];
  readonly #make: (texts: readonly string[]) => T;
  readonly #deps: TlsDeps;
  readonly #onChange: (value: T) => void;
  #value: T;
  #stamp: string;
  /** Of the value in use. */
  #hash: string;
  /** Of the contents that failed last, so that each failure is told once. */
  #failedHash = "";
  #timer: Timer | null = null;

  /**
   * @param make throws TlsFileError when the contents are of no use.
   * @param onChange called with each later good value, not with the first.
   * @throws TlsFileError when the files cannot be used now.
   */
  constructor(
    files: readonly TlsFile[],
    make: (texts: readonly string[]) => T,
    deps: TlsDeps,
    onChange: (value: T) => void,
  ) {
    this.#files = files;
    this.#make = make;
    this.#deps = deps;
    this.#onChange = onChange;
    // The stamp is taken before the read: a change in between makes the next poll read again.
    this.#stamp = stampOf(files);
    const texts = files.map(readTlsFile);
    this.#hash = hashOf(texts);
    this.#value = make(texts);
    if (files.length > 0) this.#arm();
  }

  /** The last good value. */
  get value(): T {
    return this.#value;
  }

  /** Stops looking at the files. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(): void {
    this.#timer = this.#deps.clock.setTimer(this.#deps.pollMs ?? TLS_POLL_MS, () => {
      this.#arm();
      this.#poll();
    });
    this.#timer.unref();
  }

  #poll(): void {
    const stamp = stampOf(this.#files);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    let hash = stamp;
    try {
      const texts = this.#files.map(readTlsFile);
      hash = hashOf(texts);
      if (hash === this.#hash) {
        this.#failedHash = "";
        return;
      }
      this.#value = this.#make(texts);
    } catch (error) {
      if (hash !== this.#failedHash) this.#keepLastGood(error);
      this.#failedHash = hash;
      return;
    }
    this.#hash = hash;
    this.#failedHash = "";
    this.#deps.log.info("certificate files changed and are in use", {
      files: this.#files.map((file) => file.path),
    });
    this.#onChange(this.#value);
    this.#deps.onReload?.(true);
  }

  #keepLastGood(error: unknown): void {
    // Anything else would be a bug of ours; it must not take the process down either.
    const reason = error instanceof TlsFileError ? error.message : String(error);
    this.#deps.log.warn("certificate files changed but cannot be used; the last good ones stay", {
      reason,
    });
    this.#deps.onReload?.(false);
  }
}
