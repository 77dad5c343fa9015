/**
 * A method with one request and one answer, as most services of our own have them.
 *
 * What the bytes mean is known to whoever serves it.
 */
import { Status } from "../grpc/index.ts";
import type { GrpcMethod, ServerCall } from "./method.ts";

/** Why a call is not answered, as its status says. */
export class CallRefusal extends Error {
  readonly status: Status;

  /** @param message one clear sentence for the caller. */
  constructor(status: Status, message: string) {
    super(message);
    this.name = "CallRefusal";
    this.status = status;
  }
}

/**
 * Makes a method of a function from request to answer.
 *
 * @param answer may throw CallRefusal; anything else that it throws is our bug, and told as INTERNAL.
 */
export function unaryMethod(
  path: string,
  messageBytesMax: number,
  answer: (request: Uint8Array, call: ServerCall) => Uint8Array,
): GrpcMethod {
  const open = (call: ServerCall) => {
    let isAsked = false;
    return {
      onMessage(message: Uint8Array) {
        if (isAsked) return call.end(Status.INVALID_ARGUMENT, "more than one request message");
        isAsked = true;
        try {
          call.send([answer(message, call)]);
          call.end(Status.OK);
        } catch (error) {
          const status = error instanceof CallRefusal ? error.status : Status.INTERNAL;
          call.end(status, (error as Error).message);
        }
      },
      onHalfClosed() {
        if (!isAsked) call.end(Status.INVALID_ARGUMENT, "no request message came");
      },
      onDrained() {},
      onClosed() {},
    };
  };
  return { path, messageBytesMax, open };
}
