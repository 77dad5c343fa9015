/**
 * A Connect `Transport` that speaks gRPC over a `ClientChannel`.
 *
 * Interceptors, signals and time-outs are run by Connect's own functions, so that they behave as
 * with its own transports. A unary call without interceptors skips those: nobody is there who could
 * see the difference, and they cost more than the call.
 */
import {
  create,
  type DescMessage,
  type DescMethodStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextValues,
  type Interceptor,
  type StreamRequest,
  type StreamResponse,
  type Transport,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { runStreamingCall, runUnaryCall } from "@connectrpc/connect/protocol";
import type { ClusterView } from "../../cluster/index.ts";
import { parseGrpcTimeout } from "../../grpc/index.ts";
import { type CallOptions, type ClientChannel, show } from "../core/index.ts";
import { Codec, type Format } from "./codec.ts";
import { type HeadersSource, requestHeaders, toFields, toHeaders } from "./headers.ts";
import { endedWithReader } from "./reader.ts";
import { guardedRequests } from "./requests.ts";
import { StreamCall } from "./stream-call.ts";
import { type UnaryAnswer, UnaryCall } from "./unary-call.ts";

/** What a transport has beside its channel. */
export interface TransportConfig {
  readonly format: Format;
  readonly interceptors: Interceptor[];
  /** For calls that name none; undefined for no limit. */
  readonly defaultTimeoutMs: number | undefined;
  /** Requests from here on are compressed, when the channel compresses. */
  readonly compressMinBytes: number;
}

/** The longest that `setTimeout` waits; from there on it fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** When a call must be over: the `grpc-timeout` it was made with, and that on the clock. */
interface Deadline {
  readonly header: string;
  readonly atMs: number;
}

type Unary<I extends DescMessage, O extends DescMessage> = DescMethodUnary<I, O>;
type Streaming<I extends DescMessage, O extends DescMessage> = DescMethodStreaming<I, O>;

/** See the head of this file. Made by `createFairleadTransport`. */
export class FairleadTransport implements Transport, Disposable {
  readonly #channel: ClientChannel;
  readonly #config: TransportConfig;
  readonly #onClose: () => void;
  readonly #origin: string;
  readonly #codecs = new WeakMap<object, Codec>();

  /**
   * @internal
   * @param onClose called once, with the first `close`.
   */
  constructor(channel: ClientChannel, config: TransportConfig, onClose: () => void) {
    this.#onClose = onClose;
    this.#channel = channel;
    this.#config = config;
    const { scheme, authority } = channel.settings;
    this.#origin = `${scheme}://${authority}`;
  }

  /** What is behind it, endpoint by endpoint, as `fairlead why` shows it; null while it is idle. */
  view(): ClusterView | null {
    return this.#channel.view();
  }

  /** No new calls: those that wait fail, those in flight finish. Harmless when repeated. */
  close(): void {
    if (this.#channel.isClosed) return;
    this.#channel.close();
    this.#onClose();
  }

  /** As `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** See `Transport` of Connect. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersSource,
    input: MessageInitShape<I>,
    contextValues?: ContextValues,
  ): Promise<UnaryResponse<I, O>> {
    const codec = this.#codec(method);
    const { interceptors } = this.#config;
    checkSignal(signal);
    const limitMs = this.#timeoutMs(timeoutMs);
    const deadline = this.#deadline(limitMs);
    if (interceptors.length === 0) {
      const headers = header === undefined ? null : new Headers(header);
      const message = create(method.input, input);
      return this.#answer(method, codec, message, headers, signal, deadline?.atMs);
    }
    return runUnaryCall<I, O>({
      interceptors,
      ...limits(signal, limitMs),
      req: {
        ...this.#request(method, codec, header, deadline, contextValues),
        ...{ stream: false, method, message: input },
      },
      next: (req: UnaryRequest<I, O>) => {
        const atMs = this.#deadlineOf(req.header, deadline);
        return this.#answer(method, codec, req.message, req.header, req.signal, atMs);
      },
    });
  }

  async #answer<I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    codec: Codec<I, O>,
    message: MessageShape<I>,
    headers: Headers | null,
    signal: AbortSignal | undefined,
    deadlineMs: number | undefined,
  ): Promise<UnaryResponse<I, O>> {
    const { userAgent } = this.#channel.settings;
    const fields = headers === null ? null : toFields(headers, userAgent);
    const bytes = codec.encode(message);
    const events = new UnaryCall();
    const call = this.#channel.createCall(callOptions(codec.path, deadlineMs), events);
    events.attach(call, signal);
    call.start(fields);
    call.send(bytes, bytes.length >= this.#config.compressMinBytes);
    call.halfClose();
    const answer = await events.answer;
    return unaryResponse(method, codec.decode(answer.message), answer);
  }

  /** See `Transport` of Connect. */
  async stream<I extends DescMessage, O extends DescMessage>(
    method: Streaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersSource,
    input: AsyncIterable<MessageInitShape<I>>,
    contextValues?: ContextValues,
  ): Promise<StreamResponse<I, O>> {
    const codec = this.#codec(method);
    checkSignal(signal);
    const limitMs = this.#timeoutMs(timeoutMs);
    const deadline = this.#deadline(limitMs);
    let last: StreamCall<MessageShape<O>> | null = null;
    const response = await runStreamingCall<I, O>({
      interceptors: this.#config.interceptors,
      ...limits(signal, limitMs),
      req: {
        ...this.#request(method, codec, header, deadline, contextValues),
        ...{ stream: true, method, message: guardedRequests(input) },
      },
      next: (req: StreamRequest<I, O>) => {
        const atMs = this.#deadlineOf(req.header, deadline);
        last = new StreamCall((bytes) => codec.decode(bytes));
        return this.#streamAnswer(method, codec, req, last, atMs);
      },
    });
    return { ...response, message: endedWithReader(response.message, () => last?.abandon()) };
  }

  async #streamAnswer<I extends DescMessage, O extends DescMessage>(
    method: Streaming<I, O>,
    codec: Codec<I, O>,
    req: StreamRequest<I, O>,
    events: StreamCall<MessageShape<O>>,
    deadlineMs: number | undefined,
  ): Promise<StreamResponse<I, O>> {
    const fields = toFields(req.header, this.#channel.settings.userAgent);
    const call = this.#channel.createCall(callOptions(codec.path, deadlineMs), events);
    events.attach(call, req.signal);
    call.start(fields);
    void events.send(req.message, (each) => codec.encode(each), this.#config.compressMinBytes);
    const header = await events.opened;
    const iterator: AsyncIterator<MessageShape<O>> = { next: () => events.next() };
    return {
      ...{ stream: true, service: method.parent, method, header, trailer: events.trailer },
      message: { [Symbol.asyncIterator]: () => iterator },
    };
  }

  /** What requests of both kinds have in common. */
  #request<I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O> | Streaming<I, O>,
    codec: Codec<I, O>,
    header: HeadersSource,
    deadline: Deadline | null,
    contextValues: ContextValues | undefined,
  ) {
    return {
      service: method.parent,
      requestMethod: "POST",
      url: this.#origin + codec.path,
      header: requestHeaders(header, this.#channel.settings, deadline?.header ?? null),
      contextValues: contextValues ?? createContextValues(),
    };
  }

  #codec<I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O> | Streaming<I, O>,
  ): Codec<I, O> {
    const known = this.#codecs.get(method);
    if (known !== undefined) return known as unknown as Codec<I, O>;
    const codec = new Codec<I, O>(method, this.#config.format);
    this.#codecs.set(method, codec as unknown as Codec);
    return codec;
  }

  /**
   * Connect: "a value of <= 0 disables the default time-out". Infinity is none either.
   *
   * @throws ConnectError `invalid_argument` for what is no number.
   */
  #timeoutMs(timeoutMs: number | undefined): number | undefined {
    const limitMs = timeoutMs === undefined ? this.#config.defaultTimeoutMs : timeoutMs;
    if (limitMs === undefined) return undefined;
    if (typeof limitMs !== "number" || Number.isNaN(limitMs)) {
      const sentence = `timeoutMs is ${show(limitMs)}, must be a number of milliseconds`;
      throw new ConnectError(sentence, Code.InvalidArgument);
    }
    return limitMs > 0 && limitMs !== Number.POSITIVE_INFINITY ? limitMs : undefined;
  }

  #deadline(timeoutMs: number | undefined): Deadline | null {
    if (timeoutMs === undefined) return null;
    return { header: `${timeoutMs}m`, atMs: this.#channel.nowMs() + timeoutMs };
  }

  /** An interceptor may have changed the header; otherwise the time runs from the call's start. */
  #deadlineOf(headers: Headers, deadline: Deadline | null): number | undefined {
    const text = headers.get("grpc-timeout");
    if (text === null) return undefined;
    if (text === deadline?.header) return deadline.atMs;
    const timeoutMs = parseGrpcTimeout(text);
    return Number.isNaN(timeoutMs) ? undefined : this.#channel.nowMs() + timeoutMs;
  }
}

function callOptions(path: string, deadlineMs = Number.POSITIVE_INFINITY): CallOptions {
  return { path, deadlineMs, host: null, waitForReady: null, encoding: null };
}

function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  const sentence = `signal is ${show(signal)}, must be an AbortSignal`;
  throw new ConnectError(sentence, Code.InvalidArgument);
}

/** For Connect's runners, whose timers end at `TIMER_MS_MAX`; the channel keeps a later end. */
function limits(signal: AbortSignal | undefined, timeoutMs: number | undefined) {
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined || timeoutMs > TIMER_MS_MAX ? {} : { timeoutMs }),
  };
}

/** `Headers` are made when somebody looks: few do. */
function unaryResponse<I extends DescMessage, O extends DescMessage>(
  method: Unary<I, O>,
  message: MessageShape<O>,
  { headers, trailers }: UnaryAnswer,
): UnaryResponse<I, O> {
  let header: Headers | null = null;
  let trailer: Headers | null = null;
  return {
    stream: false,
    service: method.parent,
    method,
    message,
    get header() {
      header ??= toHeaders(headers);
      return header;
    },
    get trailer() {
      trailer ??= toHeaders(trailers);
      return trailer;
    },
  };
}
