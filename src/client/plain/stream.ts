/**
 * A call with a stream of messages as its answer, read as an async iterable.
 *
 * One message is read ahead of the consumer; the server may send no more than the stream's window
 * beyond it. Leaving the loop early cancels the call.
 */
import type { HeaderList } from "../../http2/index.ts";
import type { CallOptions } from "./call-options.ts";
import type { GrpcError } from "./error.ts";
import { Metadata } from "./metadata.ts";
import type { AnyMethod } from "./method.ts";
import { RequestPump, type Requests } from "./pump.ts";
import { type CallHost, RunningCall } from "./running-call.ts";

/** The messages of an answer, to be read once, by one reader. */
export interface ResponseStream<Res> extends AsyncIterableIterator<Res, undefined, undefined> {
  /** Initial metadata; rejects with the call's GrpcError when the call fails before it came. */
  readonly headers: Promise<Metadata>;
  /** What came with the status OK; rejects with the call's GrpcError for any other status. */
  readonly trailers: Promise<Metadata>;
  /** "ip:port" of the endpoint that has the call or had it last; null before there is one. */
  readonly peer: string | null;
  /** Ends the call; what was not read is dropped, and a pending read rejects with CANCELLED. */
  cancel(): void;
  return(): Promise<IteratorResult<Res, undefined>>;
  [Symbol.asyncIterator](): ResponseStream<Res>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A stream both ways, whose requests are written one by one. */
export interface DuplexStream<Req, Res> extends ResponseStream<Res> {
  /**
   * Sends a message; it may be waited for. Resolves when there is room for another: true. False:
   * the message is dropped, as the call is over (reading says why) or `end` was called. Never
   * rejects.
   */
  write(message: Req): Promise<boolean>;
  /** No more messages will be sent. */
  end(): void;
  [Symbol.asyncIterator](): DuplexStream<Req, Res>;
}

type Reader<Res> = PromiseWithResolvers<IteratorResult<Res, undefined>>;

/** See the head of this file. */
export class StreamCall<Req, Res> extends RunningCall<Req, Res> {
  /** The message that is ahead of the reader. */
  #next: { readonly message: Res } | null = null;
  /** Reads that wait for a message. */
  #readers: Reader<Res>[] = [];
  /** Why it ended, until a read has said so. */
  #unsaid: GrpcError | null = null;
  #error: GrpcError | null = null;
  #trailerList: HeaderList | null = null;
  /** Made when somebody asks. */
  #headers: PromiseWithResolvers<Metadata> | null = null;
  #trailers: PromiseWithResolvers<Metadata> | null = null;

  /** The interface for users. */
  readonly stream: DuplexStream<Req, Res>;

  constructor(host: CallHost, method: AnyMethod<Req, Res>, options: CallOptions) {
    super(host, method, options);
    this.stream = new UserStream(this);
  }

  /** Begins a call with one request. */
  run(request: Req): this {
    this.call.read();
    this.launch(request);
    return this;
  }

  /** Begins a call with a stream of requests. */
  runStream(requests: Requests<Req>): this {
    const pump = new RequestPump(this, requests);
    this.call.read();
    this.launchStream(pump);
    return this;
  }

  /** Begins a call whose requests follow by `write`. */
  runDuplex(): this {
    this.call.read();
    this.launchStream(null);
    return this;
  }

  get headers(): Promise<Metadata> {
    if (this.#headers === null) {
      this.#headers = quietPromise();
      this.#settleHeaders();
    }
    return this.#headers.promise;
  }

  get trailers(): Promise<Metadata> {
    if (this.#trailers === null) {
      this.#trailers = quietPromise();
      this.#settleTrailers();
    }
    return this.#trailers.promise;
  }

  next(): Promise<IteratorResult<Res, undefined>> {
    const next = this.#next;
    if (next !== null) {
      this.#next = null;
      this.call.read();
      return Promise.resolve({ value: next.message, done: false });
    }
    if (!this.isOver) {
      const reader: Reader<Res> = Promise.withResolvers();
      this.#readers.push(reader);
      return reader.promise;
    }
    const error = this.#unsaid;
    this.#unsaid = null;
    return error === null
      ? Promise.resolve({ value: undefined, done: true })
      : Promise.reject(error);
  }

  /** The reader leaves. */
  leave(): void {
    this.abandon("the caller stopped reading");
    this.#unsaid = null;
  }

  protected override abandon(details: string): void {
    this.#next = null;
    super.abandon(details);
  }

  override onHeaders(list: HeaderList): void {
    super.onHeaders(list);
    this.#settleHeaders();
  }

  protected override onDecoded(message: Res): void {
    const reader = this.#readers.shift();
    if (reader === undefined) {
      this.#next = { message };
      return;
    }
    reader.resolve({ value: message, done: false });
    this.call.read();
  }

  protected override onOver(error: GrpcError | null, trailers: HeaderList | null): void {
    this.#error = error;
    this.#unsaid = error;
    this.#trailerList = trailers;
    this.#settleHeaders();
    this.#settleTrailers();
    const readers = this.#readers;
    this.#readers = [];
    for (const reader of readers) {
      if (this.#unsaid === null) reader.resolve({ value: undefined, done: true });
      else reader.reject(this.#unsaid);
      this.#unsaid = null;
    }
  }

  #settleHeaders(): void {
    if (this.#headers === null) return;
    if (this.headerList !== null) this.#headers.resolve(new Metadata(this.headerList));
    else if (this.#error !== null) this.#headers.reject(this.#error);
    else if (this.isOver) this.#headers.resolve(Metadata.EMPTY);
  }

  #settleTrailers(): void {
    if (this.#trailers === null || !this.isOver) return;
    const list = this.#trailerList;
    if (this.#error !== null) this.#trailers.reject(this.#error);
    else this.#trailers.resolve(list === null ? Metadata.EMPTY : new Metadata(list));
  }
}

/** Its rejection is nobody's unless somebody waits for it. */
function quietPromise(): PromiseWithResolvers<Metadata> {
  const made = Promise.withResolvers<Metadata>();
  made.promise.catch(() => {});
  return made;
}

/** What users hold: nothing of the call's own sides can be reached through it. */
class UserStream<Req, Res> implements DuplexStream<Req, Res> {
  readonly #call: StreamCall<Req, Res>;

  constructor(call: StreamCall<Req, Res>) {
    this.#call = call;
  }

  get headers(): Promise<Metadata> {
    return this.#call.headers;
  }

  get trailers(): Promise<Metadata> {
    return this.#call.trailers;
  }

  get peer(): string | null {
    return this.#call.peer;
  }

  next(): Promise<IteratorResult<Res, undefined>> {
    return this.#call.next();
  }

  return(): Promise<IteratorResult<Res, undefined>> {
    this.#call.leave();
    return Promise.resolve({ value: undefined, done: true });
  }

  cancel(): void {
    this.#call.leave();
  }

  write(message: Req): Promise<boolean> {
    return Promise.resolve(this.#call.write(message));
  }

  end(): void {
    this.#call.end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#call.leave();
    return Promise.resolve();
  }
}
