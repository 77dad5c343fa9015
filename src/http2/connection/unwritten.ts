/**
 * What the transport has not taken yet: streams that provably never left. RFC 9113 §8.7.
 *
 * Such streams may be sent again elsewhere, so their HEADERS must not leave here afterwards.
 */

import type { Role } from "../config.ts";
import { writePreface, writeSettings } from "../frame/writer.ts";
import type { Output } from "../output.ts";

/** Follows what a connection has written; a server's streams are not ours to send again. */
export class Unwritten {
  readonly #isClient: boolean;
  /** The highest stream id that was handed to the kernel. */
  #writtenId = 0;
  /** The transport took output before, so the preface is out. */
  #isTaken = false;

  constructor(role: Role) {
    this.#isClient = role === "client";
  }

  /** The transport took all output; `lastId` is the highest stream id so far. */
  noteTaken(lastId: number): void {
    this.#isTaken = true;
    this.#writtenId = lastId;
  }

  /** Whether nothing of the stream was ever written. */
  has(streamId: number): boolean {
    return streamId > this.#writtenId;
  }

  /** Drops output that holds streams which were never written. The connection is about to end. */
  drop(output: Output, lastId: number): void {
    if (!this.#isClient || !this.has(lastId)) return;
    output.drop();
    if (this.#isTaken) return;
    // RFC 9113 §3.4: nothing goes before the preface and SETTINGS, not even GOAWAY.
    writePreface(output);
    writeSettings(output, []);
  }
}
