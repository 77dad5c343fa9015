/**
 * A call of the plain API while it runs: what all four kinds share, over a `ClientCall`.
 *
 * It encodes and sends, hears the caller's signal, waits for the channel's call metadata, and calls
 * back. Code of users never runs inside an event of the core but for `encode` and `decode`, whose
 * exceptions become the call's status.
 */
import { Status } from "../../grpc/index.ts";
import type { Field, HeaderList } from "../../http2/index.ts";
import {
  type CallStatus,
  type ClientCall,
  type ClientCallEvents,
  type CallOptions as CoreCallOptions,
  MetadataWait,
  reasonOf,
  type SetTimer,
} from "../core/index.ts";
import { type CallOptions, type ReadOptions, readOptions } from "./call-options.ts";
import { GrpcError } from "./error.ts";
import { Metadata } from "./metadata.ts";
import { type AnyMethod, type Method, methodOf } from "./method.ts";
import type { RequestPump, RequestSink } from "./pump.ts";

/** What a call needs of the channel that made it. */
export interface CallHost {
  /** A call that is not started and counts nowhere. */
  createCall(options: CoreCallOptions, events: ClientCallEvents): ClientCall;
  /** From here to `onCallEnded`, which follows for certain, it is in flight. */
  onCallBegun(): void;
  onCallEnded(): void;
  /** What is sent beside the call's own metadata; null when there is no provider. */
  callMetadata(path: string, host: string | null): Promise<Field[] | null> | null;
  readonly setTimer: SetTimer;
}

/** See the head of this file. */
export abstract class RunningCall<Req, Res> implements ClientCallEvents, RequestSink<Req> {
  protected readonly call: ClientCall;
  /** Initial metadata, once it came. */
  protected headerList: HeaderList | null = null;
  protected isOver = false;
  readonly #host: CallHost;
  readonly #method: Method<Req, Res>;
  readonly #options: ReadOptions;
  #metadata: Field[] | null;
  /** What made this side end the call; the error's `cause`. */
  #cause: unknown = undefined;
  #pump: RequestPump<Req> | null = null;
  /** While there is no call metadata yet. */
  #wait: MetadataWait | null = null;
  /** The caller has called `end`. */
  #hasEnded = false;
  /** Writers that wait for room. */
  #waiting: ((hasRoom: boolean) => void)[] | null = null;

  /** @throws TypeError or RangeError for a wrong method, option or metadata. */
  constructor(host: CallHost, method: AnyMethod<Req, Res>, options: CallOptions) {
    this.#host = host;
    this.#method = methodOf(method);
    this.#options = readOptions(this.#method.path, options);
    this.#metadata = this.#options.metadata;
    this.call = host.createCall(this.#options.core, this);
  }

  /** "ip:port" of the endpoint that has the call or had it last; null before there is one. */
  get peer(): string | null {
    return this.call.peer;
  }

  /** One message has come. */
  protected abstract onDecoded(message: Res): void;
  /** It is over: exactly once. `error` is null when the status is OK. */
  protected abstract onOver(error: GrpcError | null, trailers: HeaderList | null): void;

  /** Sends it on its way with all of its request. */
  protected launch(request: Req): void {
    if (!this.#begin()) return;
    const bytes = this.#encode(request);
    // The encoder may have aborted the call's own signal.
    if (bytes === null || this.isOver) return;
    this.#start(() => this.call.send(bytes, true, true));
  }

  /** Sends it on its way; the request follows from `pump`, or by `write` when it is null. */
  protected launchStream(pump: RequestPump<Req> | null): void {
    this.#pump = pump;
    if (this.#begin()) this.#start(pump === null ? () => {} : () => void pump.run());
  }

  /** False: the signal was aborted before. Nothing throws from here on. */
  #begin(): boolean {
    const { signal } = this.#options;
    signal?.addEventListener("abort", this);
    this.#host.onCallBegun();
    if (signal?.aborted === true) this.handleEvent();
    return !this.isOver;
  }

  #start(then: () => void): void {
    const { path, host } = this.call.config;
    const added = this.#host.callMetadata(path, host);
    if (added === null) {
      this.call.start(this.#metadata);
      then();
      return;
    }
    const late = "time was up before callMetadata had an answer";
    const wait = new MetadataWait(this.call, this.#host.setTimer, late);
    this.#wait = wait;
    const go = (fields: Field[] | null): void => {
      if (this.isOver) return;
      if (fields !== null) this.#metadata = [...(this.#metadata ?? []), ...fields];
      this.#wait = null;
      this.call.start(this.#metadata);
      then();
      wait.end();
    };
    const fail = (error: unknown): void =>
      this.#cancelFor(Status.UNAUTHENTICATED, "callMetadata failed", error);
    added.then(go, fail);
  }

  // RequestSink

  /**
   * Sends one message. Resolves to whether more is wanted, when there is room for it; false: the
   * call is over, and its reading side says why, or `end` was called.
   */
  write(message: Req): boolean | Promise<boolean> {
    return !this.#hasEnded && this.#write(message);
  }

  #write(message: Req): boolean | Promise<boolean> {
    if (this.isOver) return false;
    if (this.#wait !== null) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      this.#wait.add(() => resolve(this.#write(message)));
      return promise;
    }
    const bytes = this.#encode(message);
    if (bytes === null) return false;
    if (this.call.send(bytes, true) || this.isOver) return !this.isOver;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting ??= [];
    this.#waiting.push(resolve);
    return promise;
  }

  /** No more messages will be sent. */
  end(): void {
    this.#hasEnded = true;
    if (this.#wait !== null) this.#wait.add(() => this.end());
    else if (!this.isOver) this.call.halfClose();
  }

  failSource(error: unknown): void {
    this.#cancelFor(Status.CANCELLED, "the requests could not be read", error);
  }

  /** Null when it failed: the call is over. */
  #encode(message: Req): Uint8Array | null {
    try {
      const bytes = this.#method.encode(message);
      if (bytes instanceof Uint8Array) return bytes;
      throw new TypeError("encode did not return a Uint8Array");
    } catch (error) {
      this.#cancelFor(Status.INTERNAL, "the request could not be encoded", error);
      return null;
    }
  }

  #cancelFor(code: Status, what: string, error: unknown): void {
    if (this.isOver) return;
    this.#cause = error;
    this.call.cancel(code, `${what}: ${reasonOf(error)}`);
  }

  /** The caller's signal aborted. */
  handleEvent(): void {
    this.#cause = this.#options.signal!.reason;
    this.abandon("the caller's signal aborted");
  }

  /** The caller wants nothing more of it. */
  protected abandon(details: string): void {
    this.call.cancel(Status.CANCELLED, details);
  }

  // ClientCallEvents

  onHeaders(list: HeaderList): void {
    this.headerList = list;
    const { onHeaders } = this.#options;
    // In a task of its own: what it throws is the process's, as from any callback.
    if (onHeaders !== null) queueMicrotask(() => onHeaders(new Metadata(list)));
  }

  onMessage(bytes: Buffer): void {
    let message: Res;
    try {
      message = this.#method.decode(bytes);
    } catch (error) {
      this.#cancelFor(Status.INTERNAL, "the answer could not be decoded", error);
      return;
    }
    this.onDecoded(message);
  }

  onWritable(): void {
    this.#release(true);
  }

  #release(hasRoom: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) for (const resolve of waiting) resolve(hasRoom);
  }

  onEnd({ code, details, trailers }: CallStatus): void {
    this.isOver = true;
    const { signal, onTrailers } = this.#options;
    signal?.removeEventListener("abort", this);
    if (onTrailers !== null && trailers !== null) {
      queueMicrotask(() => onTrailers(new Metadata(trailers)));
    }
    this.#release(false);
    const wait = this.#wait;
    this.#wait = null;
    wait?.end();
    this.#pump?.stop();
    this.#host.onCallEnded();
    if (code === Status.OK) this.onOver(null, trailers);
    else {
      const sent = trailers === null ? null : new Metadata(trailers);
      this.onOver(new GrpcError(code, details, sent, this.peer, this.#cause), trailers);
    }
  }
}
