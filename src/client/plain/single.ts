/**
 * A call with one message as its answer: unary, or with a stream of requests.
 */
import { Status } from "../../grpc/index.ts";
import type { HeaderList } from "../../http2/index.ts";
import type { CallOptions } from "./call-options.ts";
import type { GrpcError } from "./error.ts";
import { Metadata } from "./metadata.ts";
import type { AnyMethod } from "./method.ts";
import { RequestPump, type Requests } from "./pump.ts";
import { type CallHost, RunningCall } from "./running-call.ts";

/** An answer with what came around it. */
export interface Answer<Res> {
  readonly message: Res;
  readonly headers: Metadata;
  readonly trailers: Metadata;
  /** "ip:port" of the endpoint that gave it. */
  readonly peer: string | null;
}

/** Hears the end of a call with one answer. */
type OnAnswer<Req, Res> = (call: SingleCall<Req, Res>, message: Res) => void;

/** See the head of this file. */
export class SingleCall<Req, Res> extends RunningCall<Req, Res> {
  readonly #onAnswer: OnAnswer<Req, Res>;
  readonly #onError: (error: GrpcError) => void;
  #message: Res | undefined;
  #count = 0;
  #trailers: HeaderList | null = null;

  constructor(
    host: CallHost,
    method: AnyMethod<Req, Res>,
    options: CallOptions,
    onAnswer: OnAnswer<Req, Res>,
    onError: (error: GrpcError) => void,
  ) {
    super(host, method, options);
    this.#onAnswer = onAnswer;
    this.#onError = onError;
  }

  /** Begins a call with one request. */
  run(request: Req): void {
    this.#read();
    this.launch(request);
  }

  /** Begins a call with a stream of requests. */
  runStream(requests: Requests<Req>): void {
    this.#read();
    this.launchStream(new RequestPump(this, requests));
  }

  /** The second message, which must not come, is looked for too. */
  #read(): void {
    this.call.read();
    this.call.read();
  }

  protected override onDecoded(message: Res): void {
    this.#message = message;
    this.#count += 1;
    // "Response cardinality violation": UNIMPLEMENTED (statuscodes.md).
    if (this.#count === 2) {
      this.call.cancel(Status.UNIMPLEMENTED, "the server sent more than one message");
    }
  }

  protected override onOver(error: GrpcError | null, trailers: HeaderList | null): void {
    this.#trailers = trailers;
    if (error !== null) this.#onError(error);
    else this.#onAnswer(this, this.#message as Res);
  }

  /** As `onEnd` of the core, once it is known whether there was a message. */
  override onEnd(status: Parameters<RunningCall<Req, Res>["onEnd"]>[0]): void {
    if (status.code !== Status.OK || this.#count === 1) super.onEnd(status);
    else {
      const { trailers } = status;
      super.onEnd({ code: Status.UNIMPLEMENTED, details: "the server sent no message", trailers });
    }
  }

  /** The answer with what came around it, once it is there. */
  answer(message: Res): Answer<Res> {
    const { headerList, peer } = this;
    return {
      message,
      headers: headerList === null ? Metadata.EMPTY : new Metadata(headerList),
      trailers: this.#trailers === null ? Metadata.EMPTY : new Metadata(this.#trailers),
      peer,
    };
  }
}
