/**
 * A method with one request and one answer, as most services of our own have them.
 *
 * What the bytes mean is known to whoever serves it.
 */
import { Status } from "../grpc/index.ts";
import { UNREAD_ANSWERS_BYTES_MAX } from "./limits.ts";
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
 * Before an answer is made: throws CallRefusal when the call's connection has left more than
 * UNREAD_ANSWERS_BYTES_MAX unread. What one connection makes us keep is that and one answer more.
 */
export function requireReader({ unreadBytes }: ServerCall): void {
  if (unreadBytes <= UNREAD_ANSWERS_BYTES_MAX) return;
  const bound = `more than ${UNREAD_ANSWERS_BYTES_MAX}`;
  const reason = `${unreadBytes} bytes of answers on this connection are unread, ${bound}: read them`;
  throw new CallRefusal(Status.RESOURCE_EXHAUSTED, reason);
}

/**
 * Makes a method of a function from request to answer.
 *
 * @param answer may throw CallRefusal; anything else that it throws is told as INTERNAL.
 */
export function unaryMethod(
  path: string,
  messageBytesMax: number,
  answer: (request: Uint8Array, call: ServerCall) => Uint8Array | Promise<Uint8Array>,
): GrpcMethod {
  const open = (call: ServerCall) => {
    let isAsked = false;
    let isOver = false;
    const finish = (message: Uint8Array): void => {
      if (isOver) return;
      call.send([message]);
      call.end(Status.OK);
    };
    const fail = (error: unknown): void => {
      const status = error instanceof CallRefusal ? error.status : Status.INTERNAL;
      if (!isOver) call.end(status, (error as Error).message);
    };
    // Others of its connection may have been answered while this answer was made.
    const finishLate = (message: Uint8Array): void => {
      requireReader(call);
      finish(message);
    };
    return {
      onMessage(message: Uint8Array) {
        if (isAsked) return call.end(Status.INVALID_ARGUMENT, "more than one request message");
        isAsked = true;
        try {
          requireReader(call);
          const said = answer(message, call);
          if (said instanceof Promise) said.then(finishLate).catch(fail);
          else finish(said);
        } catch (error) {
          fail(error);
        }
      },
      onHalfClosed() {
        if (!isAsked) call.end(Status.INVALID_ARGUMENT, "no request message came");
      },
      onDrained() {},
      onClosed() {
        isOver = true;
      },
    };
  };
  return { path, messageBytesMax, open };
}
