/**
 * Reading plain TCP sockets into one buffer of the process instead of a new one per read.
 *
 * The engine keeps nothing of what it is given, so all connections can share the buffer. Node
 * offers it for sockets that we connect (`onread`), not for those that a server accepts, nor for
 * TLS.
 */

import type { OnReadOpts } from "node:net";

/** What one read takes at most: libuv's own choice. */
const READ_BYTES = 65_536;

let shared: Buffer | null = null;

/** Who takes what was read: bytes[0, length), to be used only until it returns. */
export type ReadSink = (bytes: Buffer, length: number) => void;

/** The reading side of one socket; made before the socket, attached once it is connected. */
export class SharedRead {
  #sink: ReadSink | null = null;

  /** For `net.connect`. */
  options(): OnReadOpts {
    shared ??= Buffer.allocUnsafeSlow(READ_BYTES);
    return {
      buffer: shared,
      callback: (length, bytes) => {
        this.#sink?.(bytes as Buffer, length);
        return true;
      },
    };
  }

  /** From now on `sink` takes what is read. */
  attach(sink: ReadSink): void {
    this.#sink = sink;
  }
}
