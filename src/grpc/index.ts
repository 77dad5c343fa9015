/**
 * Room `grpc`: what gRPC puts on top of HTTP/2, as values and functions.
 *
 * What it is: status codes and how they follow from HTTP and HTTP/2 ones, the coding of
 * `grpc-message` and `grpc-timeout`, content types, the header list of a trailers-only answer, the
 * framing of messages, the rules of metadata, and what service config says of methods.
 * Promises: input from peers never throws; a time-out is never made longer by passing it on.
 * Must never: know connections, streams or frames, choose an endpoint, or keep more than the
 * message that is being cut.
 */
export { isGrpcContentType } from "./content-type.ts";
export {
  FramingFault,
  MESSAGE_BYTES_MAX,
  MessageReader,
  PREFIX_BYTES,
  writePrefix,
} from "./framing.ts";
export {
  booleanAt,
  checkNames,
  countAt,
  durationMsAt,
  type Fields,
  fieldsAt,
  listAt,
  numberWithin,
  refuse,
  ServiceConfigError,
  shortened,
  textAt,
  timeMsAt,
} from "./json-fields.ts";
export { decodeGrpcMessage, encodeGrpcMessage, GRPC_MESSAGE_BYTES_MAX } from "./message.ts";
export {
  decodeBinaryValues,
  encodeBinaryValue,
  isBinaryKey,
  isReservedKey,
  metadataKeyProblem,
  metadataValueProblem,
} from "./metadata.ts";
export {
  type MethodConfig,
  type MethodConfigEntry,
  MethodConfigs,
  withAttemptsMax,
} from "./method-config.ts";
export { type HedgingPolicy, POLICY_ATTEMPTS_MAX, type RetryPolicy } from "./retry-policy.ts";
export { parsePushback, parseRetryThrottling, type RetryThrottling } from "./retry-throttling.ts";
export {
  parseGrpcStatus,
  Status,
  statusFromHttp,
  statusFromHttp2,
  statusName,
} from "./status.ts";
export { formatGrpcTimeout, parseGrpcTimeout, TIMEOUT_MS_MAX } from "./timeout.ts";
export { trailersOnly } from "./trailers-only.ts";
