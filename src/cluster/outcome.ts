/**
 * How an attempt ended, as a gRPC status: its `grpc-status`, and for calls that are not gRPC by
 * their HTTP status.
 */

import type { Outcome } from "../balancing/index.ts";
import { isGrpcContentType, parseGrpcStatus, Status, statusFromHttp } from "../grpc/index.ts";
import type { HeaderList } from "../http2/index.ts";

/**
 * Judges a complete response by the list that ended it (trailers, or headers of a response without
 * a body; null when it ended with data) and by its headers. A call that is not gRPC went well
 * (OK) with an HTTP status below 500.
 */
export function responseStatus(
  last: HeaderList | null,
  response: HeaderList | null,
  request: HeaderList,
): Status {
  if (last !== null && last.grpcStatus !== null) return parseGrpcStatus(last.grpcStatus.value);
  const httpStatus = Number(response?.status?.value ?? 0);
  if (!isGrpcRequest(request) && httpStatus < 500) return Status.OK;
  return statusFromHttp(httpStatus);
}

/**
 * Whether a status says more of the endpoint than of the call: it could not do what others could.
 * What a method answers on purpose (NOT_FOUND, INVALID_ARGUMENT) is no fault, nor is a cancel.
 */
export function isEndpointFault(status: Status): boolean {
  switch (status) {
    case Status.UNKNOWN:
    case Status.DEADLINE_EXCEEDED:
    case Status.RESOURCE_EXHAUSTED:
    case Status.INTERNAL:
    case Status.UNAVAILABLE:
    case Status.DATA_LOSS:
      return true;
    default:
      return false;
  }
}

/**
 * What outlier detection makes of a status. A50 knows success, which is OK, and failure, which is
 * all else; of these the endpoint's faults count in a row too, as Envoy's 5xx do.
 *
 * CANCELLED counts as nothing, whoever said it: nearly always the caller gave up, and the endpoint
 * could do nothing about it. Where A50 counts it, a client that hangs up ejects good endpoints.
 * DEADLINE_EXCEEDED counts: a pod that hangs shows itself in no other way. Under hedging it does
 * not even so where another attempt is answered: the loser is cancelled before its deadline, and
 * losing says only that another was faster.
 */
export function outcomeOf(status: Status): Outcome {
  if (status === Status.OK) return "success";
  if (status === Status.CANCELLED) return "unknown";
  return isEndpointFault(status) ? "error" : "failure";
}

/** Whether a request is gRPC by its content-type. */
export function isGrpcRequest(list: HeaderList): boolean {
  return list.contentType !== null && isGrpcContentType(list.contentType.value);
}
