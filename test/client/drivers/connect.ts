/**
 * The channel suite's driver for a Connect transport, below Connect's own client where that gives
 * one answer, and bare where it gives a stream of them.
 */
import { create, type DescService, type MessageShape } from "@bufbuild/protobuf";
import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import {
  type CallOptions as ConnectCallOptions,
  ConnectError,
  createClient,
  type Transport,
} from "@connectrpc/connect";
import type { FairleadTransportOptions } from "../../../src/client/connect/public.ts";
import type {
  CallOptions,
  CallStatus,
  ChannelDriver,
  ChannelOptions,
  Entries,
  SuiteCall,
  SuiteChannel,
} from "../suite/driver.ts";
import { entriesFrom, Recorder, SendQueue } from "./recorder.ts";

/** `createFairleadTransport`. */
export type CreateTransport = (options: FairleadTransportOptions) => Transport & { close(): void };

type SingleKind = "unary" | "client_streaming";
type ManyKind = "server_streaming" | "bidi_streaming";
type Method = Parameters<Transport["stream"]>[0];
type Bytes = MessageShape<typeof BytesValueSchema>;
type SingleFn = (
  request: Bytes | AsyncIterable<Bytes>,
  options: ConnectCallOptions,
) => Promise<Bytes>;

/** What a transport gives for a call with a stream of answers. */
interface StreamAnswer {
  readonly messages: AsyncIterator<Bytes>;
  readonly trailer: Headers;
}

const DEFAULT_PATH = "/suite.Suite/Call";
/** What Connect's API lacks, whatever the transport. */
const LACKS: ChannelDriver["lacks"] = {
  connectivity: "Connect has no connectivity states",
  "call credentials": "Connect has no call credentials: an interceptor sets headers",
  "channel credentials": "Connect has no call credentials: an interceptor sets headers",
  "wait-for-ready": "Connect has no wait-for-ready",
  peer: "Connect does not tell the address of the server",
  "trailers-only headers": "Connect has headers for an answer that is trailers only",
  "past deadline": "Connect takes a time-out of 0 or less for none",
  "early headers of a unary call": "Connect gives the headers of a unary call with its answer",
  "error trailers apart": "Connect has one metadata for the headers and trailers of an error",
  "metadata order": "`Headers` are sorted by key",
  "values apart": "`Headers` join the values of one key",
  keepalive: "a keepalive time below 10 s is refused",
};

/** The driver. */
export function connectDriver(createTransport: CreateTransport): ChannelDriver {
  return {
    name: "fairlead/connect",
    isReference: false,
    lacks: LACKS,
    unsaidCount: 23,
    open: (target, options = {}) =>
      new ConnectChannel(createTransport({ target, ...transportOptions(options) })),
  };
}

class ConnectChannel implements SuiteChannel {
  readonly #transport: Transport & { close(): void };

  constructor(transport: Transport & { close(): void }) {
    this.#transport = transport;
  }

  unary(message: Uint8Array, options: CallOptions = {}): SuiteCall {
    return new SingleCall(this.#transport, "unary", options, bytesValue(message));
  }

  clientStream(options: CallOptions = {}): SuiteCall {
    return new SingleCall(this.#transport, "client_streaming", options, null);
  }

  serverStream(message: Uint8Array, options: CallOptions = {}): SuiteCall {
    return new ManyCall(this.#transport, "server_streaming", options, bytesValue(message));
  }

  bidi(options: CallOptions = {}): SuiteCall {
    return new ManyCall(this.#transport, "bidi_streaming", options, null);
  }

  connectivity(): never {
    throw new Error("Connect has no connectivity");
  }

  watch(): never {
    throw new Error("Connect has no connectivity");
  }

  close(): void {
    this.#transport.close();
  }
}

/** What a call of the suite has in common, whatever its kind. */
abstract class ConnectCall implements SuiteCall {
  readonly headers: Promise<Entries | null>;
  readonly events: readonly string[];
  protected readonly recorder = new Recorder();
  protected readonly abort = new AbortController();
  protected readonly requests = new SendQueue<Bytes>();

  constructor() {
    this.headers = this.recorder.headers;
    this.events = this.recorder.events;
  }

  abstract get status(): Promise<CallStatus>;
  abstract read(): Promise<Buffer | null>;
  abstract cancel(): void;

  protected fail(error: unknown, trailer: Headers | null): void {
    const { code, rawMessage, metadata } = ConnectError.from(error);
    this.recorder.onEnd({ code, details: rawMessage, trailers: trailersOf(trailer ?? metadata) });
  }

  async send(message: Uint8Array): Promise<void> {
    await Promise.race([this.requests.send(bytesValue(message)), this.recorder.status]);
  }

  halfClose(): void {
    this.requests.end();
  }

  peer(): string {
    return "";
  }
}

/** A call with one answer: Connect's client gives a promise of it. */
class SingleCall extends ConnectCall {
  readonly #answer: Promise<Buffer | null>;
  #isRead = false;

  constructor(transport: Transport, kind: SingleKind, options: CallOptions, request: Bytes | null) {
    super();
    this.#answer = this.#run(transport, kind, options, request);
  }

  async #run(
    transport: Transport,
    kind: SingleKind,
    options: CallOptions,
    request: Bytes | null,
  ): Promise<Buffer | null> {
    let trailers: Entries = {};
    try {
      const answer = await clientOf(
        transport,
        kind,
        options,
      )(request ?? this.requests, {
        signal: this.abort.signal,
        ...(options.deadlineMs === undefined ? {} : { timeoutMs: options.deadlineMs }),
        headers: newHeaders(options),
        onHeader: (header) => this.recorder.onHeaders(entriesOf(header)),
        onTrailer: (trailer) => {
          trailers = trailersOf(trailer);
        },
      });
      this.recorder.onMessage();
      this.recorder.onEnd({ code: 0, details: "", trailers });
      return Buffer.from(answer.value);
    } catch (error) {
      this.fail(error, null);
      return null;
    }
  }

  get status(): Promise<CallStatus> {
    return this.recorder.status;
  }

  async read(): Promise<Buffer | null> {
    if (this.#isRead) return null;
    this.#isRead = true;
    return this.#answer;
  }

  cancel(): void {
    this.abort.abort();
  }
}

/**
 * A call with a stream of answers, of the transport itself: the client hides the headers until the
 * first message is asked for. Who reads is the only one to hear of the end, so that whoever asks
 * for the status, or cancels, reads on.
 */
class ManyCall extends ConnectCall {
  readonly #answer: Promise<StreamAnswer | null>;
  /** Read for the status, and asked for by nobody yet. */
  readonly #unread: Buffer[] = [];
  #isDraining = false;
  #last: Promise<Buffer | null> = Promise.resolve(null);
  #isOver = false;

  constructor(transport: Transport, kind: ManyKind, options: CallOptions, request: Bytes | null) {
    super();
    if (request !== null) {
      void this.requests.send(request);
      this.requests.end();
    }
    this.#answer = this.#open(transport, kind, options);
  }

  async #open(
    transport: Transport,
    kind: ManyKind,
    options: CallOptions,
  ): Promise<StreamAnswer | null> {
    const { signal } = this.abort;
    const { deadlineMs } = options;
    const method = methodOf(kind, options);
    const header = newHeaders(options);
    try {
      const call = transport.stream(method, signal, deadlineMs, header, this.requests);
      const answer = await call;
      this.recorder.onHeaders(entriesOf(answer.header));
      const messages = answer.message[Symbol.asyncIterator]() as AsyncIterator<unknown>;
      return { messages: messages as AsyncIterator<Bytes>, trailer: answer.trailer };
    } catch (error) {
      this.#isOver = true;
      this.fail(error, null);
      return null;
    }
  }

  get status(): Promise<CallStatus> {
    if (!this.#isDraining) void this.#drain();
    return this.recorder.status;
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    for (;;) {
      const message = await this.#next();
      if (message === null) return;
      this.#unread.push(message);
    }
  }

  async read(): Promise<Buffer | null> {
    if (this.#isDraining) await this.recorder.status;
    return this.#unread.shift() ?? this.#next();
  }

  /** One at a time, as all who loop over the messages do. */
  #next(): Promise<Buffer | null> {
    this.#last = this.#last.then(() => this.#take());
    return this.#last;
  }

  async #take(): Promise<Buffer | null> {
    const answer = await this.#answer;
    if (answer === null || this.#isOver) return null;
    try {
      const { value, done } = await answer.messages.next();
      if (done !== true) {
        this.recorder.onMessage();
        return Buffer.from(value.value);
      }
      const trailers = trailersOf(answer.trailer);
      this.recorder.onEnd({ code: 0, details: "", trailers });
    } catch (error) {
      this.fail(error, answer.trailer);
    }
    this.#isOver = true;
    return null;
  }

  cancel(): void {
    this.abort.abort();
  }
}

function bytesValue(value: Uint8Array): Bytes {
  return create(BytesValueSchema, { value: new Uint8Array(value) });
}

/** The function of Connect's client for a method with one answer. */
function clientOf(transport: Transport, kind: SingleKind, options: CallOptions): SingleFn {
  const method = methodOf(kind, options);
  const service = { ...method.parent, methods: [method] };
  const client = createClient(service as unknown as DescService, transport);
  return (client as unknown as Record<string, SingleFn>)[method.localName]!;
}

/** As generated code describes a method, of which a transport reads these fields. */
function methodOf(methodKind: SingleKind | ManyKind, { path = DEFAULT_PATH }: CallOptions): Method {
  const [, typeName, name] = path.split("/");
  const parent = { kind: "service", typeName, name: typeName };
  const types = { input: BytesValueSchema, output: BytesValueSchema };
  const method = { kind: "rpc", name, localName: name, parent, methodKind, ...types };
  return method as unknown as Method;
}

function newHeaders({ metadata = [] }: CallOptions): Headers {
  const headers = new Headers();
  for (const [key, value] of metadata) {
    headers.append(key, typeof value === "string" ? value : value.toString("base64"));
  }
  return headers;
}

/** Connect's headers have bytes as base64, several values joined by commas. */
function entriesOf(headers: Headers): Entries {
  const pairs = [...headers].flatMap(([key, value]): [string, string | Buffer][] => {
    if (!key.endsWith("-bin")) return [[key, value]];
    return value.split(",").map((part) => [key, Buffer.from(part.trim(), "base64")]);
  });
  return entriesFrom(pairs);
}

/** Without what is the status itself, which Connect leaves among them. */
function trailersOf(headers: Headers): Entries {
  const { "grpc-status": _status, "grpc-message": _message, ...trailers } = entriesOf(headers);
  return trailers;
}

function transportOptions(options: ChannelOptions): object {
  const { security, maxReceiveBytes, backoffMs, compression } = options;
  const all = {
    tls: security && {
      ca: security.ca,
      cert: security.cert,
      key: security.key,
      serverName: security.targetName,
    },
    sendCompression: compression === "identity" ? null : compression,
    compressMinBytes: compression === undefined ? undefined : 0,
    writeMaxBytes: options.maxSendBytes,
    readMaxBytes: maxReceiveBytes === -1 ? 0xffff_ffff : maxReceiveBytes,
    backoff: backoffMs === undefined ? undefined : { initialMs: backoffMs, maxMs: backoffMs },
    serviceConfig: options.serviceConfig,
    userAgent: options.userAgent,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
