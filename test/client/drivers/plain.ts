/**
 * The channel suite's driver for fairlead's plain API.
 *
 * What the API looks like is said here in a few interfaces, by its shape alone.
 */
import type {
  CallOptions,
  CallStatus,
  ChannelDriver,
  ChannelOptions,
  Connectivity,
  Entries,
  SuiteCall,
  SuiteChannel,
} from "../suite/driver.ts";
import { decodeBytes, encodeBytes } from "../suite/messages.ts";
import { entriesFrom, Recorder, SendQueue } from "./recorder.ts";

type Pairs = Iterable<readonly [key: string, value: string | Uint8Array]>;

/** An answer in one piece. */
interface PlainAnswer {
  readonly message: Buffer;
  readonly headers: Pairs;
  readonly trailers: Pairs;
  readonly peer: string | null;
}

/** A stream both ways. */
interface PlainStream {
  readonly headers: Promise<Pairs>;
  readonly trailers: Promise<Pairs>;
  readonly peer: string | null;
  next(): Promise<IteratorResult<Buffer, undefined>>;
  cancel(): void;
}

interface PlainDuplex extends PlainStream {
  write(message: Uint8Array): Promise<boolean>;
  end(): void;
}

/** What the driver uses of a channel. */
interface PlainChannelApi {
  readonly connectivity: Connectivity;
  unaryWithDetails(method: object, request: Uint8Array, options: object): Promise<PlainAnswer>;
  clientStream(method: object, requests: object, options: object): Promise<Buffer>;
  serverStream(method: object, request: Uint8Array, options: object): PlainStream;
  duplex(method: object, options: object): PlainDuplex;
  connect(): void;
  watchConnectivity(): AsyncGenerator<Connectivity, void, undefined>;
  close(): void;
}

/** `createChannel` of `fairlead`. */
export type CreateChannel = (target: string, options: object) => PlainChannelApi;

const DEFAULT_PATH = "/suite.Suite/Call";

/** The driver. */
export function plainDriver(createChannel: CreateChannel): ChannelDriver {
  return {
    name: "fairlead",
    isReference: false,
    unsaidCount: 7,
    lacks: {
      "call credentials": "the plain API has them for a channel, and metadata for a call",
      keepalive: "the plain API refuses a keepalive time below 10 s",
    },
    open: (target, options = {}) =>
      new PlainChannel(createChannel(target, channelOptions(options))),
  };
}

class PlainChannel implements SuiteChannel {
  readonly #api: PlainChannelApi;

  constructor(api: PlainChannelApi) {
    this.#api = api;
  }

  unary(message: Uint8Array, options: CallOptions = {}): SuiteCall {
    return new SingleCall(options, null, (given) =>
      this.#api.unaryWithDetails(methodOf(options), message, given),
    );
  }

  clientStream(options: CallOptions = {}): SuiteCall {
    const queue = new SendQueue<Uint8Array>();
    return new SingleCall(options, queue, async (given) => {
      const message = await this.#api.clientStream(methodOf(options), queue, given);
      return { message };
    });
  }

  serverStream(message: Uint8Array, options: CallOptions = {}): SuiteCall {
    return new StreamCall(options, (given) =>
      this.#api.serverStream(methodOf(options), message, given),
    );
  }

  bidi(options: CallOptions = {}): SuiteCall {
    return new StreamCall(options, (given) => this.#api.duplex(methodOf(options), given));
  }

  connectivity(tryToConnect: boolean): Connectivity {
    const state = this.#api.connectivity;
    if (tryToConnect) this.#api.connect();
    return state;
  }

  async watch(from: Connectivity, timeoutMs: number): Promise<boolean> {
    const states = this.#api.watchConnectivity();
    const changed = (async () => {
      for await (const state of states) if (state !== from) return true;
      return true;
    })();
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<boolean>((done) => {
      timer = setTimeout(done, Math.max(0, timeoutMs), false);
    });
    try {
      return await Promise.race([changed, over]);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#api.close();
  }
}

/** A call with one answer. */
class SingleCall implements SuiteCall {
  readonly headers: Promise<Entries | null>;
  readonly status: Promise<CallStatus>;
  readonly events: readonly string[];
  readonly #recorder = new Recorder();
  readonly #abort = new AbortController();
  readonly #queue: SendQueue<Uint8Array> | null;
  readonly #message: Promise<Buffer | null>;
  #isRead = false;
  #peer = "";

  constructor(
    options: CallOptions,
    queue: SendQueue<Uint8Array> | null,
    start: (given: object) => Promise<Pick<PlainAnswer, "message"> & Partial<PlainAnswer>>,
  ) {
    const { headers, status, events } = this.#recorder;
    this.headers = headers;
    this.status = status;
    this.events = events;
    this.#queue = queue;
    let trailers: Entries = {};
    const given = {
      ...callOptions(options),
      signal: this.#abort.signal,
      onHeaders: (pairs: Pairs) => this.#recorder.onHeaders(entriesFrom(pairs)),
      onTrailers: (pairs: Pairs) => {
        trailers = entriesFrom(pairs);
      },
    };
    this.#message = start(given).then(
      ({ message, peer }) => {
        this.#peer = peer ?? "";
        this.#recorder.onMessage();
        this.#recorder.onEnd({ code: 0, details: "", trailers });
        return message;
      },
      (error: unknown) => {
        this.#recorder.onEnd(statusOf(error));
        return null;
      },
    );
  }

  async send(message: Uint8Array): Promise<void> {
    await Promise.race([this.#queue!.send(message), this.status]);
  }

  halfClose(): void {
    this.#queue!.end();
  }

  read(): Promise<Buffer | null> {
    if (this.#isRead) return Promise.resolve(null);
    this.#isRead = true;
    return this.#message;
  }

  cancel(): void {
    this.#abort.abort();
  }

  peer(): string {
    return this.#peer;
  }
}

/** A call with a stream of answers. */
class StreamCall implements SuiteCall {
  readonly headers: Promise<Entries | null>;
  readonly status: Promise<CallStatus>;
  readonly events: readonly string[];
  readonly #recorder = new Recorder();
  readonly #stream: PlainStream;

  constructor(options: CallOptions, start: (given: object) => PlainStream) {
    const { headers, status, events } = this.#recorder;
    this.headers = headers;
    this.status = status;
    this.events = events;
    this.#stream = start({
      ...callOptions(options),
      onHeaders: (pairs: Pairs) => this.#recorder.onHeaders(entriesFrom(pairs)),
    });
    this.#stream.trailers.then(
      (pairs) => this.#recorder.onEnd({ code: 0, details: "", trailers: entriesFrom(pairs) }),
      (error: unknown) => this.#recorder.onEnd(statusOf(error)),
    );
  }

  async send(message: Uint8Array): Promise<void> {
    await (this.#stream as PlainDuplex).write(message);
  }

  halfClose(): void {
    (this.#stream as PlainDuplex).end();
  }

  async read(): Promise<Buffer | null> {
    try {
      const { value, done } = await this.#stream.next();
      if (done === true) return null;
      this.#recorder.onMessage();
      return value;
    } catch {
      return null; // The status tells it.
    }
  }

  cancel(): void {
    this.#stream.cancel();
  }

  peer(): string {
    return this.#stream.peer ?? "";
  }
}

function methodOf({ path = DEFAULT_PATH }: CallOptions): object {
  return { path, encode: encodeBytes, decode: decodeBytes };
}

function callOptions({ metadata, deadlineMs, waitForReady }: CallOptions): object {
  return defined({ metadata, timeoutMs: deadlineMs, waitForReady });
}

function channelOptions(options: ChannelOptions): object {
  const { security, callCredentials, maxReceiveBytes, backoffMs } = options;
  return defined({
    tls:
      security === undefined
        ? undefined
        : defined({
            ca: security.ca,
            cert: security.cert,
            key: security.key,
            serverName: security.targetName,
          }),
    callMetadata:
      callCredentials === undefined
        ? undefined
        : ({ path, authority }: { path: string; authority: string }) =>
            callCredentials(`https://${authority}${path.slice(0, path.lastIndexOf("/"))}`),
    compression: options.compression,
    sendBytesMax: options.maxSendBytes,
    receiveBytesMax: maxReceiveBytes === -1 ? Number.POSITIVE_INFINITY : maxReceiveBytes,
    keepalive: options.keepalive,
    backoff: backoffMs === undefined ? undefined : { initialMs: backoffMs, maxMs: backoffMs },
    serviceConfig: options.serviceConfig,
    userAgent: options.userAgent,
  });
}

/** Without what is undefined. */
function defined(all: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** What a GrpcError says. Anything else has no code, and so no case takes it for a status. */
function statusOf(error: unknown): CallStatus {
  const { code, details, trailers } = error as {
    code: number;
    details: string | undefined;
    trailers: Pairs | undefined;
  };
  return { code, details: details ?? String(error), trailers: entriesFrom(trailers ?? []) };
}
