/**
 * What the engine tells its users: two interfaces, called synchronously from `Connection.recv`.
 *
 * Per frame there is one method call with integers and offsets: no object, no closure, no promise.
 */

import type { ErrorCode } from "./error-code.ts";
import type { HeaderList } from "./hpack/header-list.ts";
import type { Stream } from "./stream/stream.ts";

/** Why a stream ended without END_STREAM from the peer. */
export interface StreamFailure {
  readonly code: ErrorCode;
  /** `remote`: RST_STREAM; `library`: we refused what came; `transport`: the connection ended. */
  readonly by: "remote" | "library" | "transport";
  /** The peer provably did nothing with it: it may be sent again elsewhere. RFC 9113 §8.7. */
  readonly isUnprocessed: boolean;
  /** One clause for people. */
  readonly reason: string;
}

/** The user of one stream. Each method may call any method of the stream. */
export interface StreamEvents {
  /** The final response headers (client role only). */
  onHeaders(list: HeaderList, isEnd: boolean): void;
  /** A 1xx response (client role only). */
  onInformational(list: HeaderList): void;
  /**
   * Payload bytes[start, end), to be read only until this returns; maybe empty with `isEnd`.
   * Returns how many bytes are done with; the rest must be given to `Stream.credit` later.
   */
  onData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number;
  /** Trailers; the peer's side has ended. */
  onTrailers(list: HeaderList): void;
  /** The stream is gone; nothing follows. */
  onReset(failure: StreamFailure): void;
  /** `bytes` that `Stream.sendData` had kept waiting have left. */
  onWritable(bytes: number): void;
}

/** Why a connection ended, or is about to. */
export interface ConnectionFailure {
  readonly code: ErrorCode;
  readonly by: "remote" | "library" | "transport";
  readonly reason: string;
}

/** The user of one connection. */
export interface ConnectionEvents {
  /** A new request (server role only). The returned object hears of the stream from then on. */
  onStream(stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents;
  /** The peer's first SETTINGS arrived: the connection is usable. */
  onReady(): void;
  /** The peer's limit on streams changed, or a stream ended: `canOpen` may have become true. */
  onCapacity(): void;
  /** The peer sent GOAWAY: no new streams here; those above its last id were reported as reset. */
  onGoAway(code: ErrorCode, debugData: string): void;
  /** There is output to take; called once until the transport has taken it. */
  onDirty(): void;
  /** The peer answered our PING. */
  onPong(): void;
  /** A drain is complete: no stream is open and none will be. The socket can be closed. */
  onDrained(): void;
  /** The engine gave up on the connection; its GOAWAY is in the output. All streams were reset. */
  onFailure(failure: ConnectionFailure): void;
}
