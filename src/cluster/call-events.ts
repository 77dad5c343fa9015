/**
 * What a call tells its caller: the events of its response, and how it ended without one.
 */

import type { Status } from "../grpc/index.ts";
import type { ErrorCode, HeaderList } from "../http2/index.ts";

/** Why a call ended without a response of its own. */
export interface CallFailure {
  /**
   * `refused`: no attempt could be made; `reset`: the server reset the stream; `lost`: the
   * connection ended or the server broke the protocol; `deadline`: time is up; `drained`: we end;
   * `stalled`: its answer was not read while others waited for a stream.
   */
  readonly kind: "refused" | "reset" | "lost" | "deadline" | "drained" | "stalled";
  /** The HTTP/2 code, for a caller that must be told by a reset. */
  readonly code: ErrorCode;
  readonly status: Status;
  /** One clause for people. */
  readonly reason: string;
}

/** The caller's side. Called synchronously; each method may call any method of the call. */
export interface CallEvents {
  /** Final response headers. */
  onResponse(list: HeaderList, isEnd: boolean): void;
  /** A 1xx response. */
  onInformational(list: HeaderList): void;
  /**
   * Response bytes[start, end), to be read only until this returns; returns the bytes done with.
   */
  onResponseData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number;
  /** Response trailers: the response is complete. */
  onResponseTrailers(list: HeaderList): void;
  /** `bytes` of the request that had to wait have left. */
  onRequestWritable(bytes: number): void;
  /** The response is complete and the server wants no more of the request. RFC 9113 §8.1. */
  onRequestStopped(code: ErrorCode): void;
  /** The call ended without a complete response. Nothing follows. */
  onFailed(failure: CallFailure): void;
}
