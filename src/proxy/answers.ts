/**
 * Answers of the proxy itself: a call that it refuses, or that broke on the way.
 *
 * A gRPC caller gets HTTP 200 with a `grpc-status` and a `grpc-message` that begins with "fairlead:
 * "; any other caller an HTTP status with the same text as its body.
 */

import { isGrpcRequest } from "../cluster/index.ts";
import { encodeGrpcMessage, Status, trailersOnly } from "../grpc/index.ts";
import { ErrorCode, type HeaderList, headerList, type Stream } from "../http2/index.ts";

const HTTP_STATUS: Readonly<Partial<Record<Status, number>>> = {
  [Status.DEADLINE_EXCEEDED]: 504,
  [Status.RESOURCE_EXHAUSTED]: 431,
};

/** What every text of ours begins with. */
const MESSAGE_PREFIX = "fairlead: ";

/**
 * Ends `stream` with a status and a reason, as far as its response has not ended yet.
 *
 * @param httpStatus for a caller that is not gRPC; by default what follows from `status`.
 * @param location where such a caller finds it instead.
 */
export function answer(
  stream: Stream,
  request: HeaderList,
  status: Status,
  reason: string,
  httpStatus: number = HTTP_STATUS[status] ?? 503,
  location: string | null = null,
): void {
  if (stream.isClosed || stream.isLocalEnded) return;
  const isGrpc = isGrpcRequest(request);
  const isHead = request.method?.value === "HEAD";
  const text = MESSAGE_PREFIX + reason;
  if (stream.isAnswered && !isGrpc) {
    // Half a body cannot be taken back: the reset says that it is not whole.
    stream.reset(ErrorCode.INTERNAL_ERROR);
    return;
  }
  if (stream.isAnswered) {
    const trailers = [
      ["grpc-status", String(status)],
      ["grpc-message", encodeGrpcMessage(text)],
    ] as const;
    stream.sendTrailers(headerList(trailers));
  } else if (isGrpc) stream.sendHeaders(headerList(trailersOnly(status, text)), true);
  else sendText(stream, isHead, httpStatus, `${text}\n`, location);
  // RFC 9113 §8.1: the response is complete, the rest of the request is of no interest.
  if (!stream.isRemoteEnded) stream.resetAfterQueue(ErrorCode.NO_ERROR);
}

function sendText(
  stream: Stream,
  isHead: boolean,
  status: number,
  text: string,
  location: string | null,
): void {
  const body = Buffer.from(text, "utf8");
  const list = headerList([
    [":status", String(status)],
    ["content-type", "text/plain; charset=utf-8"],
    ["content-length", String(body.length)],
    ...(location === null ? [] : [["location", location] as const]),
  ]);
  // RFC 9110 §9.3.2: the answer to HEAD has no content.
  stream.sendHeaders(list, isHead);
  if (!isHead) stream.sendData(body, 0, body.length, true);
}
