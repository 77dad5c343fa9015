/**
 * A channel of the plain API: the four kinds of calls, its state, and its end.
 */
import { realClock, type Timer } from "../../base/index.ts";
import type { ClusterView, Connectivity } from "../../cluster/index.ts";
import { Status } from "../../grpc/index.ts";
import type { Field } from "../../http2/index.ts";
import {
  type ClientCall,
  type ClientCallEvents,
  type ClientChannel,
  type CallOptions as CoreCallOptions,
  clientProcess,
  openChannel,
  type TlsInUse,
  timerAt,
} from "../core/index.ts";
import { type CallOptions, checkTimeMs, NO_OPTIONS } from "./call-options.ts";
import {
  type CallMetadataProvider,
  type ChannelOptions,
  parseChannelOptions,
} from "./channel-options.ts";
import { ConnectivityWatch } from "./connectivity-watch.ts";
import { GrpcError } from "./error.ts";
import { toFields } from "./metadata.ts";
import type { AnyMethod } from "./method.ts";
import type { Requests } from "./pump.ts";
import type { CallHost } from "./running-call.ts";
import { type Answer, SingleCall } from "./single.ts";
import { type DuplexStream, type ResponseStream, StreamCall } from "./stream.ts";

/**
 * The same promise, whose error shows who made the call: it is made where an answer is read, and
 * only an async function that goes on has its callers on the stack.
 */
async function withCaller<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof GrpcError) Error.captureStackTrace(error, withCaller);
    throw error;
  }
}

/**
 * See `createChannel`. A call with a wrong method, option or metadata is a TypeError or RangeError:
 * methods that return a promise reject with it, those that return a stream throw it. Everything
 * that goes wrong with a call is a `GrpcError`.
 */
export class Channel implements Disposable, AsyncDisposable {
  readonly #core: ClientChannel;
  readonly #host: ChannelHost;

  /** @internal */
  constructor(target: string, options: ChannelOptions) {
    const { settings, tls, callMetadata } = parseChannelOptions(target, options);
    try {
      this.#core = openChannel(settings);
    } catch (error) {
      tls?.release();
      throw error;
    }
    this.#host = new ChannelHost(this.#core, callMetadata, tls);
  }

  /** The target as it was given. */
  get target(): string {
    return this.#core.target;
  }

  /** One request, one answer. */
  unary<Req, Res>(
    method: AnyMethod<Req, Res>,
    request: Req,
    options: CallOptions = NO_OPTIONS,
  ): Promise<Res> {
    return withCaller(
      new Promise((resolve, reject) => {
        const onAnswer = (_call: unknown, message: Res): void => resolve(message);
        new SingleCall<Req, Res>(this.#host, method, options, onAnswer, reject).run(request);
      }),
    );
  }

  /** As `unary`, with what came around the answer. */
  unaryWithDetails<Req, Res>(
    method: AnyMethod<Req, Res>,
    request: Req,
    options: CallOptions = NO_OPTIONS,
  ): Promise<Answer<Res>> {
    return withCaller(
      new Promise((resolve, reject) => {
        const onAnswer = (call: SingleCall<Req, Res>, message: Res): void =>
          resolve(call.answer(message));
        new SingleCall<Req, Res>(this.#host, method, options, onAnswer, reject).run(request);
      }),
    );
  }

  /** One request, a stream of answers. */
  serverStream<Req, Res>(
    method: AnyMethod<Req, Res>,
    request: Req,
    options: CallOptions = NO_OPTIONS,
  ): ResponseStream<Res> {
    return new StreamCall(this.#host, method, options).run(request).stream;
  }

  /** A stream of requests, one answer. */
  clientStream<Req, Res>(
    method: AnyMethod<Req, Res>,
    requests: Requests<Req>,
    options: CallOptions = NO_OPTIONS,
  ): Promise<Res> {
    return withCaller(
      new Promise((resolve, reject) => {
        const onAnswer = (_call: unknown, message: Res): void => resolve(message);
        new SingleCall<Req, Res>(this.#host, method, options, onAnswer, reject).runStream(requests);
      }),
    );
  }

  /** Streams both ways, from an iterable of requests. */
  bidi<Req, Res>(
    method: AnyMethod<Req, Res>,
    requests: Requests<Req>,
    options: CallOptions = NO_OPTIONS,
  ): ResponseStream<Res> {
    return new StreamCall(this.#host, method, options).runStream(requests).stream;
  }

  /** Streams both ways, whose requests are written one by one. */
  duplex<Req, Res>(
    method: AnyMethod<Req, Res>,
    options: CallOptions = NO_OPTIONS,
  ): DuplexStream<Req, Res> {
    return new StreamCall(this.#host, method, options).runDuplex().stream;
  }

  /** The state of the connections. */
  get connectivity(): Connectivity {
    return this.#core.connectivity(false);
  }

  /** Begins to connect without a call. */
  connect(): void {
    this.#core.connectivity(true);
  }

  /** The state now, then each change; a reader that is slow sees the latest. Ends with SHUTDOWN. */
  watchConnectivity(): AsyncGenerator<Connectivity, void, undefined> {
    return new ConnectivityWatch(this.#core);
  }

  /**
   * Connects and resolves when a call could be sent. Rejects with a GrpcError: DEADLINE_EXCEEDED
   * after `timeoutMs`, UNAVAILABLE when the channel is closed.
   */
  waitForReady(timeoutMs: number = Number.POSITIVE_INFINITY): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#host.waitForReady(checkTimeMs("timeoutMs", timeoutMs), resolve, reject);
    });
  }

  /** What is behind it, endpoint by endpoint, as `fairlead why` shows it; null while idle. */
  view(): ClusterView | null {
    return this.#core.view();
  }

  /** No new calls: those that wait fail, those in flight finish. Harmless when repeated. */
  close(): void {
    this.#core.close();
    this.#host.onClosed();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes, and resolves when no call is in flight any more. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return this.#host.whenIdle();
  }
}

/** The calls' side of a channel, which is not for users. */
class ChannelHost implements CallHost {
  readonly setTimer = timerAt;
  readonly #core: ClientChannel;
  readonly #provider: CallMetadataProvider | null;
  #tls: TlsInUse | null;
  #callsInFlight = 0;
  #onIdle: (() => void)[] = [];

  constructor(core: ClientChannel, provider: CallMetadataProvider | null, tls: TlsInUse | null) {
    this.#core = core;
    this.#provider = provider;
    this.#tls = tls;
  }

  createCall(options: CoreCallOptions, events: ClientCallEvents): ClientCall {
    return this.#core.createCall(options, events);
  }

  onCallBegun(): void {
    this.#callsInFlight += 1;
  }

  onCallEnded(): void {
    this.#callsInFlight -= 1;
    if (this.#callsInFlight > 0) return;
    const waiting = this.#onIdle;
    if (waiting.length === 0) return;
    this.#onIdle = [];
    for (const done of waiting) done();
  }

  whenIdle(): Promise<void> {
    if (this.#callsInFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  onClosed(): void {
    this.#tls?.release();
    this.#tls = null;
  }

  callMetadata(path: string, host: string | null): Promise<Field[] | null> | null {
    const provider = this.#provider;
    if (provider === null) return null;
    const authority = host ?? this.#core.settings.authority;
    return (async () => toFields(await provider({ path, authority })))();
  }

  waitForReady(timeoutMs: number, resolve: () => void, reject: (error: GrpcError) => void): void {
    const core = this.#core;
    const { retain, release } = clientProcess().deps;
    let timer: Timer | null = null;
    let stop = (): void => {};
    const settle = (code: Status, details: string): void => {
      stop();
      timer?.cancel();
      release();
      if (code === Status.OK) resolve();
      else reject(new GrpcError(code, details, null, null));
    };
    const judge = (state: Connectivity): boolean => {
      if (state === "SHUTDOWN") settle(Status.UNAVAILABLE, "the channel is closed");
      else if (state === "READY") settle(Status.OK, "");
      else return false;
      return true;
    };
    retain();
    if (judge(core.connectivity(true))) return;
    stop = core.watchConnectivity((state) => {
      // Whoever falls idle while somebody waits connects again.
      if (!judge(state) && state === "IDLE") core.connectivity(true);
    });
    if (timeoutMs === Number.POSITIVE_INFINITY) return;
    timer = realClock().setTimer(Math.max(0, timeoutMs), () => {
      const why = `not ready after ${timeoutMs} ms: ${core.connectivity(false)}`;
      settle(Status.DEADLINE_EXCEEDED, why);
    });
  }
}
