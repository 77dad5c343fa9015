/**
 * Messages that wait to be sent on one call: references to parts, in order, nothing copied.
 *
 * What many calls send is there once, however many of them are slow: a part is copied only when a
 * frame of it is made. It bounds nothing: who sends looks at `bytes`.
 */
import { copyBytes } from "../http2/index.ts";

/** See the head of this file. */
export class Outbox {
  #parts: Uint8Array[] = [];
  /** The first part that is not wholly taken, and how much of it is. */
  #index = 0;
  #offset = 0;
  /** Bytes that wait. */
  bytes = 0;

  /** Adds a part behind all others. It must not be changed afterwards. */
  push(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.bytes += part.length;
  }

  /** Moves what fits of the front into `target`, from its start; returns how many bytes. */
  take(target: Buffer): number {
    let at = 0;
    while (at < target.length && this.#index < this.#parts.length) {
      const part = this.#parts[this.#index]!;
      const count = Math.min(part.length - this.#offset, target.length - at);
      copyBytes(part, this.#offset, this.#offset + count, target, at);
      at += count;
      this.#offset += count;
      if (this.#offset < part.length) break;
      this.#index += 1;
      this.#offset = 0;
    }
    this.bytes -= at;
    if (this.bytes === 0) this.clear();
    return at;
  }

  /** Drops everything. */
  clear(): void {
    this.#parts = [];
    this.#index = 0;
    this.#offset = 0;
    this.bytes = 0;
  }
}
