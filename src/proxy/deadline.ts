/** When a call's time is up. gRPC over HTTP/2, "Timeout". */
import { parseGrpcTimeout } from "../grpc/index.ts";
import type { HeaderList } from "../http2/index.ts";

/**
 * The end of the call's time on the proxy's clock; Infinity without a (well-formed) grpc-timeout.
 */
export function deadlineOf(list: HeaderList, nowMs: number): number {
  const { grpcTimeout } = list;
  if (grpcTimeout === null) return Number.POSITIVE_INFINITY;
  const timeoutMs = parseGrpcTimeout(grpcTimeout.value);
  return timeoutMs >= 0 ? nowMs + timeoutMs : Number.POSITIVE_INFINITY;
}
