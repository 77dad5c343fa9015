/**
 * What a connection needs of a socket: the part of `net.Socket` that it uses, TLS sockets included.
 *
 * Not a socket of its own. It says how little there is to it, so that a simulation can bring one
 * whose bytes travel in virtual time, and run everything above it as it is.
 */

/** Bytes both ways, in order; `net.Socket` is one, and says what each member means. */
export interface ByteSocket {
  readonly destroyed: boolean;
  /** Bytes that were written and that the kernel has not taken. */
  readonly writableLength: number;
  readonly writableEnded: boolean;
  setNoDelay(isOn: boolean): unknown;
  on(event: "data", listener: (bytes: Buffer) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  /** "end": the peer has said its last; "close": nothing follows, after an error too. */
  on(event: "end" | "close", listener: () => void): unknown;
  cork(): void;
  uncork(): void;
  /** `bytes` must not change before `onWritten`, or before `writableLength` is 0. */
  write(bytes: Uint8Array, onWritten: () => void): unknown;
  end(lastBytes?: string | Uint8Array): unknown;
  destroy(): unknown;
}
