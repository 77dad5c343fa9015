/**
 * A method that answers each message of a stream of requests with one, as services have it that can
 * be asked again and again.
 */
import { Status } from "../grpc/index.ts";
import type { GrpcMethod, ServerCall, ServerCallEvents } from "./method.ts";
import { CallRefusal, requireReader } from "./unary.ts";

/**
 * Makes a method of a function from request to answer. A caller that has not taken the answer
 * before is refused, and one whose connection leaves too much unread: what waits stays bounded.
 *
 * @param answer may throw CallRefusal; anything else that it throws is told as INTERNAL.
 */
export function eachMethod(
  path: string,
  messageBytesMax: number,
  answer: (request: Uint8Array, call: ServerCall) => Uint8Array,
): GrpcMethod {
  const open = (call: ServerCall): ServerCallEvents => ({
    onMessage(message) {
      if (call.queuedBytes > 0) {
        call.end(Status.RESOURCE_EXHAUSTED, "the answer before has not been taken yet");
        return;
      }
      try {
        requireReader(call);
        call.send([answer(message, call)]);
      } catch (error) {
        const status = error instanceof CallRefusal ? error.status : Status.INTERNAL;
        call.end(status, (error as Error).message);
      }
    },
    onHalfClosed: () => call.end(Status.OK),
    onDrained() {},
    onClosed() {},
  });
  return { path, messageBytesMax, open };
}
