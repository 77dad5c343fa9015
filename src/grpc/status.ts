/**
 * gRPC status codes, their names, and the mappings from HTTP and HTTP/2 to them.
 *
 * There is no mapping the other way: "the mappings are neither symmetric nor 1-to-1", and a gRPC
 * answer has HTTP status 200 whatever its own status is.
 */

/** https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
export const Status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** One of the 17 codes. */
export type Status = (typeof Status)[keyof typeof Status];

const NAMES: readonly string[] = Object.keys(Status);

/** The name as it stands in metrics and logs, such as "UNAVAILABLE"; "UNKNOWN" for other codes. */
export function statusName(code: number): string {
  return NAMES[code] ?? "UNKNOWN";
}

/**
 * The code in a `grpc-status` field: "a decimal-encoded integer as an ASCII string, without any
 * leading zeros". What is none of the 17 codes counts as UNKNOWN.
 */
export function parseGrpcStatus(value: string): Status {
  if (value === "0") return Status.OK;
  if (!/^[1-9][0-9]?$/.test(value)) return Status.UNKNOWN;
  const code = Number(value);
  return code < NAMES.length ? (code as Status) : Status.UNKNOWN;
}

/**
 * The status of an answer that has no `grpc-status`, from its HTTP status.
 * https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
 *
 * 200 is UNKNOWN too: an answer that is truly OK would have said so.
 */
export function statusFromHttp(httpStatus: number): Status {
  switch (httpStatus) {
    case 400:
    case 431:
      return Status.INTERNAL;
    case 401:
      return Status.UNAUTHENTICATED;
    case 403:
      return Status.PERMISSION_DENIED;
    case 404:
      return Status.UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
      return Status.UNAVAILABLE;
    default:
      return Status.UNKNOWN;
  }
}

/**
 * By HTTP/2 error code, RFC 9113 §7. NO_ERROR is INTERNAL because "an explicit gRPC status of OK
 * should have been sent". The protocol maps neither STREAM_CLOSED, HTTP_1_1_REQUIRED nor codes to
 * come; the first two are INTERNAL as in grpc-go.
 */
const FROM_HTTP2: readonly Status[] = [
  Status.INTERNAL, // NO_ERROR
  Status.INTERNAL, // PROTOCOL_ERROR
  Status.INTERNAL, // INTERNAL_ERROR
  Status.INTERNAL, // FLOW_CONTROL_ERROR
  Status.INTERNAL, // SETTINGS_TIMEOUT
  Status.INTERNAL, // STREAM_CLOSED
  Status.INTERNAL, // FRAME_SIZE_ERROR
  Status.UNAVAILABLE, // REFUSED_STREAM: "no processing occurred and the request can be retried"
  Status.CANCELLED, // CANCEL
  Status.INTERNAL, // COMPRESSION_ERROR
  Status.INTERNAL, // CONNECT_ERROR
  Status.RESOURCE_EXHAUSTED, // ENHANCE_YOUR_CALM
  Status.PERMISSION_DENIED, // INADEQUATE_SECURITY
  Status.INTERNAL, // HTTP_1_1_REQUIRED
];

/**
 * The status of a call that ended with RST_STREAM, from its error code; UNKNOWN for other codes.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Errors"
 */
export function statusFromHttp2(errorCode: number): Status {
  return FROM_HTTP2[errorCode] ?? Status.UNKNOWN;
}
