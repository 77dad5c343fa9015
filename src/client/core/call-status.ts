/**
 * How a call ended, as a status: from headers that are no gRPC, from trailers, from what became of
 * the attempt. https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
 *
 * Functions of values; what a call does about it is its own business.
 */
import type { CallFailure } from "../../cluster/index.ts";
import {
  decodeGrpcMessage,
  isGrpcContentType,
  parseGrpcStatus,
  Status,
  statusFromHttp,
} from "../../grpc/index.ts";
import type { HeaderList } from "../../http2/index.ts";

/** How a call ended. */
export interface CallStatus {
  readonly code: Status;
  /** For people; "" for none. */
  readonly details: string;
  /** Trailers, or the headers of an answer without a message; null when none came. */
  readonly trailers: HeaderList | null;
}

/** Characters of a server's own words that are shown. */
const SHOWN_MAX = 100;

/** A status with no trailers, for what is decided on this side. */
export function ownStatus(code: Status, details: string): CallStatus {
  return { code, details, trailers: null };
}

/** The end of a call whose response headers are not gRPC's; null for those that are. */
export function statusOfHeaders(list: HeaderList): CallStatus | null {
  const httpStatus = httpStatusOf(list);
  const type = list.contentType?.value;
  if (httpStatus !== 200) {
    return ownStatus(statusFromHttp(httpStatus), `Received HTTP status code ${httpStatus}`);
  }
  // An answer without a content type is taken as it is, as other clients do.
  if (type === undefined || isGrpcContentType(type)) return null;
  const shown = JSON.stringify(type.slice(0, SHOWN_MAX));
  return ownStatus(Status.UNKNOWN, `the answer is no gRPC: its content-type is ${shown}`);
}

/**
 * The status in trailers, or in headers that are all of the answer.
 *
 * @param isCut whether the answer ended inside a message.
 */
export function statusOfTrailers(list: HeaderList, isCut: boolean): CallStatus {
  const field = list.grpcStatus;
  if (field === null) {
    const httpStatus = list.status === null ? 200 : httpStatusOf(list);
    const details =
      httpStatus === 200
        ? "the answer ended without grpc-status"
        : `Received HTTP status code ${httpStatus}`;
    return { code: statusFromHttp(httpStatus), details, trailers: list };
  }
  const code = parseGrpcStatus(field.value);
  if (code === Status.OK && isCut) {
    return { code: Status.INTERNAL, details: "the answer ended inside a message", trailers: list };
  }
  const message = list.get("grpc-message");
  return { code, details: message === null ? "" : decodeGrpcMessage(message), trailers: list };
}

/**
 * The status of a call whose answer was not completed.
 *
 * @param isLate whether its deadline has passed: a server that keeps the deadline itself ends the
 *   stream with CANCEL.
 */
export function statusOfFailure(failure: CallFailure, isLate: boolean): CallStatus {
  const { kind, code, status, reason } = failure;
  if (kind !== "reset") return ownStatus(status, reason);
  const details = `Received RST_STREAM with code ${code}: ${reason}`;
  return ownStatus(isLate ? Status.DEADLINE_EXCEEDED : status, details);
}

function httpStatusOf(list: HeaderList): number {
  return Number(list.status?.value ?? 0);
}
