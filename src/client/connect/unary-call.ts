/**
 * A unary call over a `ClientCall`: one message out, and a promise of one message in.
 *
 * It knows bytes and header lists; what they mean is above it.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { Status } from "../../grpc/index.ts";
import type { HeaderList } from "../../http2/index.ts";
import type { CallStatus, ClientCall, ClientCallEvents } from "../core/index.ts";
import { abortError } from "./abort.ts";
import { statusError } from "./status-error.ts";

/** A successful answer. */
export interface UnaryAnswer {
  readonly headers: HeaderList | null;
  readonly message: Buffer;
  readonly trailers: HeaderList | null;
}

/** See the head of this file. */
export class UnaryCall implements ClientCallEvents {
  readonly answer: Promise<UnaryAnswer>;
  #resolve!: (answer: UnaryAnswer) => void;
  #reject!: (error: ConnectError) => void;
  #call: ClientCall | null = null;
  #signal: AbortSignal | null = null;
  #headers: HeaderList | null = null;
  #message: Buffer | null = null;
  #hasExtra = false;

  constructor() {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Ends `call`, whose events these are, when `signal` is aborted. Called before its start. */
  attach(call: ClientCall, signal: AbortSignal | undefined): void {
    this.#call = call;
    // One more than there should be, to hear of a second message.
    call.read();
    call.read();
    if (signal === undefined) return;
    this.#signal = signal;
    if (signal.aborted) this.handleEvent();
    else signal.addEventListener("abort", this);
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.#call?.cancel(Status.CANCELLED, "the call was aborted");
  }

  onHeaders(list: HeaderList): void {
    this.#headers = list;
  }

  onMessage(message: Buffer): void {
    if (this.#message === null) this.#message = message;
    else {
      this.#hasExtra = true;
      this.#call?.cancel(Status.UNIMPLEMENTED, "");
    }
  }

  onWritable(): void {}

  onEnd(status: CallStatus): void {
    const signal = this.#signal;
    signal?.removeEventListener("abort", this);
    if (signal?.aborted === true) this.#reject(abortError(signal));
    else if (this.#hasExtra) {
      const text = "protocol error: received extra output message for unary method";
      this.#reject(new ConnectError(text, Code.Unimplemented));
    } else if (status.code !== Status.OK) this.#reject(statusError(status, this.#headers));
    else if (this.#message === null) {
      const text = "protocol error: missing output message for unary method";
      const code = this.#headers === null ? Code.Unknown : Code.Unimplemented;
      this.#reject(new ConnectError(text, code));
    } else {
      const { trailers } = status;
      this.#resolve({ headers: this.#headers, message: this.#message, trailers });
    }
  }
}
