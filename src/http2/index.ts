/**
 * Room `http2`: the wire engine. RFC 9113 and RFC 7541, both roles, sans-I/O.
 *
 * What it is: `Connection` (bytes in, events and bytes out) with its streams, header lists and
 * limits. Promises: bad bytes from a peer never throw; everything a peer can make us hold is
 * bounded by a named value of `limits.ts`; nothing that outlives its frame pins a read buffer; per
 * frame there is no promise, emitter, closure, view or object.
 * Must never: open a socket, start a timer, read a clock, or know what gRPC is.
 */
export { type ConnectionConfig, DEFAULT_CONNECTION_CONFIG, type Role } from "./config.ts";
export { Connection } from "./connection/connection.ts";
export { ErrorCode, errorCodeName } from "./error-code.ts";
export type {
  ConnectionEvents,
  ConnectionFailure,
  StreamEvents,
  StreamFailure,
} from "./events.ts";
export { PREFACE } from "./frame/types.ts";
export { isInformational } from "./headers/validate.ts";
export { Decoder } from "./hpack/decoder.ts";
export { Encoder } from "./hpack/encoder.ts";
export { Field, newField } from "./hpack/field.ts";
export { constantList, HeaderList, headerList } from "./hpack/header-list.ts";
export * as limits from "./limits.ts";
export { NO_EVENTS } from "./no-events.ts";
export { type ChunkTaker, copyBytes, Output, recycleChunk } from "./output.ts";
export { overloadFigures } from "./overload.ts";
export { SendQueue } from "./stream/send-queue.ts";
export { Stream } from "./stream/stream.ts";
