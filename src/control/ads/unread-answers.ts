/**
 * Answers that callers have not taken yet, over all connections of a process: each connection keeps
 * to a bound of its own, and there may be many.
 */
import { Status } from "../../grpc/index.ts";
import { CallRefusal, type GrpcMethod, type ServerCall } from "../../server/index.ts";

/** See the head of this file. */
export class UnreadAnswers {
  readonly #bytesMax: number;
  readonly #queued = new Map<ServerCall, number>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Before an answer is made: throws CallRefusal while too much waits. */
  requireRoom(): void {
    if (this.#bytes <= this.#bytesMax) return;
    const reason = `${this.#bytes} bytes of answers to all callers are unread, more than `;
    throw new CallRefusal(Status.RESOURCE_EXHAUSTED, `${reason}${this.#bytesMax}: ask again later`);
  }

  /** The method, with what its calls leave unread counted here. */
  counted(method: GrpcMethod): GrpcMethod {
    const open = (call: ServerCall) => {
      const events = method.open(call);
      return {
        onMessage: (message: Uint8Array) => {
          events.onMessage(message);
          this.#note(call, call.queuedBytes);
        },
        onHalfClosed: () => events.onHalfClosed(),
        onDrained: () => {
          this.#note(call, 0);
          events.onDrained();
        },
        onClosed: () => {
          this.#note(call, 0);
          events.onClosed();
        },
      };
    };
    return { ...method, open };
  }

  #note(call: ServerCall, bytes: number): void {
    this.#bytes += bytes - (this.#queued.get(call) ?? 0);
    if (bytes > 0) this.#queued.set(call, bytes);
    else this.#queued.delete(call);
  }
}
