/**
 * The channel suite's driver for a Connect transport: `unary` and `stream`, below any client.
 *
 * Connect has no words for connectivity, wait-for-ready, call credentials and peers of calls.
 */
import { create } from "@bufbuild/protobuf";
import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import { ConnectError, type Transport } from "@connectrpc/connect";
import type {
  CallOptions,
  CallStatus,
  ChannelDriver,
  ChannelOptions,
  Entries,
  Feature,
  SuiteCall,
  SuiteChannel,
} from "../suite/driver.ts";
import { entriesFrom, Recorder, SendQueue } from "./recorder.ts";

/** `createFairleadTransport`. */
export type CreateTransport = (options: {
  readonly target: string;
}) => Transport & { close(): void };

type Kind = "unary" | "client_streaming" | "server_streaming" | "bidi_streaming";
type Method = Parameters<Transport["stream"]>[0];

const DEFAULT_PATH = "/suite.Suite/Call";
const NO_WORDS: readonly Feature[] = [
  "connectivity",
  "call credentials",
  "channel credentials",
  "wait-for-ready",
  "peer",
  "trailers-only headers",
];

/** The driver. */
export function connectDriver(createTransport: CreateTransport): ChannelDriver {
  const lacks = Object.fromEntries(NO_WORDS.map((name) => [name, `Connect has no ${name}`]));
  return {
    name: "fairlead/connect",
    isReference: false,
    lacks: { ...lacks, keepalive: "a keepalive time below 10 s is refused" },
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
    return new ConnectCall(this.#transport, "unary", options, message);
  }

  clientStream(options: CallOptions = {}): SuiteCall {
    return new ConnectCall(this.#transport, "client_streaming", options, null);
  }

  serverStream(message: Uint8Array, options: CallOptions = {}): SuiteCall {
    return new ConnectCall(this.#transport, "server_streaming", options, message);
  }

  bidi(options: CallOptions = {}): SuiteCall {
    return new ConnectCall(this.#transport, "bidi_streaming", options, null);
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

class ConnectCall implements SuiteCall {
  readonly headers: Promise<Entries | null>;
  readonly status: Promise<CallStatus>;
  readonly events: readonly string[];
  readonly #recorder = new Recorder();
  readonly #abort = new AbortController();
  readonly #queue = new SendQueue<ReturnType<typeof bytesValue>>();
  readonly #messages: AsyncGenerator<Buffer>;
  #isOver = false;

  constructor(transport: Transport, kind: Kind, options: CallOptions, message: Uint8Array | null) {
    const { headers, status, events } = this.#recorder;
    this.headers = headers;
    this.status = status;
    this.events = events;
    if (message !== null) {
      void this.#queue.send(bytesValue(message));
      this.#queue.end();
    }
    const header = newHeaders(options);
    const start = kind === "unary" ? this.#unary(transport, options, header, message!) : null;
    this.#messages = start ?? this.#stream(transport, kind, options, header);
    // A transport does nothing before the first message is asked for; the suite's calls run.
    this.#first = this.#advance();
    if (!kind.startsWith("unary") && !kind.startsWith("client")) return;
    // Where one message is all, the status follows without being asked for.
    void this.#first.then((one) => (one === null ? null : this.#advance()));
  }

  /** The message that was asked for at the start. */
  #first: Promise<Buffer | null> | null;

  async *#unary(
    transport: Transport,
    options: CallOptions,
    header: Headers,
    message: Uint8Array,
  ): AsyncGenerator<Buffer> {
    const answer = await transport.unary(
      methodOf("unary", options) as unknown as Parameters<Transport["unary"]>[0],
      this.#abort.signal,
      options.deadlineMs,
      header,
      bytesValue(message),
    );
    this.#recorder.onHeaders(entriesOf(answer.header));
    yield Buffer.from((answer.message as unknown as { value: Uint8Array }).value);
    this.#end({ code: 0, details: "", trailers: entriesOf(answer.trailer) });
  }

  async *#stream(
    transport: Transport,
    kind: Kind,
    options: CallOptions,
    header: Headers,
  ): AsyncGenerator<Buffer> {
    const answer = await transport.stream(
      methodOf(kind, options),
      this.#abort.signal,
      options.deadlineMs,
      header,
      this.#queue,
    );
    this.#recorder.onHeaders(entriesOf(answer.header));
    for await (const message of answer.message) {
      yield Buffer.from((message as unknown as { value: Uint8Array }).value);
    }
    this.#end({ code: 0, details: "", trailers: entriesOf(answer.trailer) });
  }

  async #advance(): Promise<Buffer | null> {
    try {
      const { value, done } = await this.#messages.next();
      if (done === true) return null;
      this.#recorder.onMessage();
      return value;
    } catch (error) {
      const { code, rawMessage, metadata } = ConnectError.from(error);
      this.#end({ code, details: rawMessage, trailers: entriesOf(metadata) });
      return null;
    }
  }

  #end(status: CallStatus): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#recorder.onEnd(status);
  }

  async send(message: Uint8Array): Promise<void> {
    await Promise.race([this.#queue.send(bytesValue(message)), this.status]);
  }

  halfClose(): void {
    this.#queue.end();
  }

  async read(): Promise<Buffer | null> {
    const first = this.#first;
    this.#first = null;
    const message = await (first ?? this.#advance());
    return message;
  }

  cancel(): void {
    this.#abort.abort();
  }

  peer(): string {
    return "";
  }
}

function bytesValue(value: Uint8Array) {
  return create(BytesValueSchema, { value: new Uint8Array(value) });
}

/** As generated code describes a method, of which a transport reads these fields. */
function methodOf(methodKind: Kind, { path = DEFAULT_PATH }: CallOptions): Method {
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
