/**
 * Reading plain TCP and Unix sockets into one buffer of the process instead of a new one per read.
 *
 * The engine keeps nothing of what it is given, so all connections can share the buffer. Node
 * offers it for sockets that we connect (`onread`) and not for those that a server accepts; these
 * are given what `onread` would have given them, where this Node is found to work as expected, and
 * read in the ordinary way where not. Not for TLS.
 */

import { type OnReadOpts, Socket } from "node:net";

/** What one read takes at most: libuv's own choice. */
const READ_BYTES = 65_536;

let shared: Buffer | null = null;

function sharedBuffer(): Buffer {
  shared ??= Buffer.allocUnsafeSlow(READ_BYTES);
  return shared;
}

/** Who takes what was read: bytes[0, length), to be used only until it returns. */
export type ReadSink = (bytes: Buffer, length: number) => void;

/** The reading side of one socket; made before the socket, attached once it is connected. */
export class SharedRead {
  #sink: ReadSink | null = null;

  /** For `net.connect`. */
  options(): OnReadOpts {
    return {
      buffer: sharedBuffer(),
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

/** Where a socket keeps the two parts of its `onread` option. */
export interface OnReadPlaces {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** A socket as far as its insides matter here; anything may be missing in another Node. */
interface OpenSocket {
  readonly _handle?: { useUserBuffer?: (buffer: Buffer) => void } | null;
  [place: symbol]: unknown;
}

/** Looks where a socket made with `onread` keeps it; null when it does so otherwise than known. */
export function findOnReadPlaces(): OnReadPlaces | null {
  const onread = { buffer: Buffer.allocUnsafeSlow(1), callback: () => true };
  const socket = new Socket({ onread } as ConstructorParameters<typeof Socket>[0]);
  const places = Object.getOwnPropertySymbols(socket);
  const held = socket as unknown as OpenSocket;
  const buffer = places.filter((place) => held[place] === onread.buffer);
  const callback = places.filter((place) => held[place] === onread.callback);
  socket.destroy();
  if (buffer.length !== 1 || callback.length !== 1) return null;
  return { buffer: buffer[0]!, callback: callback[0]! };
}

let places: OnReadPlaces | null | undefined;

/**
 * Makes an accepted socket read into the shared buffer, as if it had been made with `onread`. Call
 * before its first read is reported. Null when that cannot be: read its `data` events instead.
 */
export function shareAcceptedRead(
  socket: Socket,
  where: OnReadPlaces | null = (places ??=
    findOnReadPlaces()),
): SharedRead | null {
  const open = socket as unknown as OpenSocket;
  const handle = open._handle;
  if (where === null || typeof handle?.useUserBuffer !== "function") return null;
  // Both are there and empty in a socket without `onread`.
  if (open[where.buffer] !== null || open[where.callback] !== null) return null;
  const read = new SharedRead();
  const { buffer, callback } = read.options();
  open[where.buffer] = buffer;
  open[where.callback] = callback;
  handle.useUserBuffer(buffer as Buffer);
  return read;
}
