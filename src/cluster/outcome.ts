/**
 * Whether an attempt ended well: `grpc-status` 0, or for calls that are not gRPC an HTTP status
 * below 500.
 */

import { isGrpcContentType } from "../grpc/index.ts";
import type { HeaderList } from "../http2/index.ts";

/**
 * Judges a complete response by the list that ended it (trailers, or headers of a response without
 * a body; null when it ended with data) and by its headers.
 */
export function isOkResponse(
  last: HeaderList | null,
  response: HeaderList | null,
  request: HeaderList,
): boolean {
  if (last !== null && last.grpcStatus !== null) return last.grpcStatus.value === "0";
  if (isGrpcRequest(request)) return false;
  return Number(response?.status?.value ?? 0) < 500;
}

/** Whether a request is gRPC by its content-type. */
export function isGrpcRequest(list: HeaderList): boolean {
  return list.contentType !== null && isGrpcContentType(list.contentType.value);
}
