/**
 * The channel suite's driver for grpc-js stubs, over grpc-js's own channel or over another one.
 *
 * The stub is `grpc.Client` itself with a codec for BytesValue, which is what generated code uses.
 */
import { once } from "node:events";
import * as grpc from "@grpc/grpc-js";
import type {
  CallCredentials,
  CallOptions,
  CallStatus,
  ChannelDriver,
  ChannelOptions,
  Connectivity,
  Entries,
  Metadata,
  SuiteCall,
  SuiteChannel,
} from "../suite/driver.ts";
import { decodeBytes, encodeBytes } from "../suite/messages.ts";

/** What `channelFactoryOverride` takes. */
export type ChannelFactory = NonNullable<grpc.ClientOptions["channelFactoryOverride"]>;

const STATES: readonly Connectivity[] = [
  "IDLE",
  "CONNECTING",
  "READY",
  "TRANSIENT_FAILURE",
  "SHUTDOWN",
];

const DEFAULT_PATH = "/suite.Suite/Call";

type AnyCall =
  | grpc.ClientUnaryCall
  | grpc.ClientWritableStream<Buffer>
  | grpc.ClientReadableStream<Buffer>
  | grpc.ClientDuplexStream<Buffer, Buffer>;

/** The driver; without `factory` over grpc-js's own channel. */
export function grpcJsDriver(name: string, factory: ChannelFactory | null = null): ChannelDriver {
  return {
    name,
    isReference: factory === null,
    unsaidCount: factory === null ? 0 : 1,
    lacks: {
      "second message of a unary call": "stubs of grpc-js do not ask for it",
      ...(factory === null ? {} : { "short keepalive": "10 s is the shortest keepalive time" }),
    },
    open: (target, options = {}) => new GrpcJsChannel(target, options, factory),
  };
}

class GrpcJsChannel implements SuiteChannel {
  readonly #client: grpc.Client;

  constructor(target: string, options: ChannelOptions, factory: ChannelFactory | null) {
    this.#client = new grpc.Client(target, channelCredentials(options), {
      ...channelArguments(options),
      ...(factory === null ? {} : { channelFactoryOverride: factory }),
    });
  }

  unary(message: Uint8Array, options: CallOptions = {}): SuiteCall {
    return new GrpcJsCall((done) =>
      this.#client.makeUnaryRequest(
        options.path ?? DEFAULT_PATH,
        encodeBytes,
        decodeBytes,
        Buffer.from(message),
        metadataOf(options),
        callOptions(options),
        done,
      ),
    );
  }

  clientStream(options: CallOptions = {}): SuiteCall {
    return new GrpcJsCall((done) =>
      this.#client.makeClientStreamRequest(
        options.path ?? DEFAULT_PATH,
        encodeBytes,
        decodeBytes,
        metadataOf(options),
        callOptions(options),
        done,
      ),
    );
  }

  serverStream(message: Uint8Array, options: CallOptions = {}): SuiteCall {
    return new GrpcJsCall(() =>
      this.#client.makeServerStreamRequest(
        options.path ?? DEFAULT_PATH,
        encodeBytes,
        decodeBytes,
        Buffer.from(message),
        metadataOf(options),
        callOptions(options),
      ),
    );
  }

  bidi(options: CallOptions = {}): SuiteCall {
    return new GrpcJsCall(() =>
      this.#client.makeBidiStreamRequest(
        options.path ?? DEFAULT_PATH,
        encodeBytes,
        decodeBytes,
        metadataOf(options),
        callOptions(options),
      ),
    );
  }

  connectivity(tryToConnect: boolean): Connectivity {
    return STATES[this.#client.getChannel().getConnectivityState(tryToConnect)]!;
  }

  watch(from: Connectivity, timeoutMs: number): Promise<boolean> {
    const channel = this.#client.getChannel();
    const state = STATES.indexOf(from) as grpc.connectivityState;
    return new Promise((done) => {
      channel.watchConnectivityState(state, Date.now() + timeoutMs, (error) =>
        done(error === undefined),
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}

class GrpcJsCall implements SuiteCall {
  readonly events: string[] = [];
  readonly headers: Promise<Entries | null>;
  readonly status: Promise<CallStatus>;
  readonly #call: AnyCall;
  /** The one message of a call that has no stream of them. */
  readonly #message: Promise<Buffer | null>;
  #isMessageRead = false;
  #isEnded = false;

  constructor(make: (done: grpc.requestCallback<Buffer>) => AnyCall) {
    const answer = Promise.withResolvers<Buffer | null>();
    const headers = Promise.withResolvers<Entries | null>();
    const status = Promise.withResolvers<CallStatus>();
    this.#message = answer.promise;
    this.headers = headers.promise;
    this.status = status.promise;
    let failure: grpc.ServiceError | null = null;
    // The stub calls back before it emits the status; what it made of the call is in the callback.
    this.#call = make((error, message) => {
      failure = error;
      if (message !== undefined) this.events.push("message");
      answer.resolve(message ?? null);
    });
    const call: NodeJS.EventEmitter = this.#call;
    call.on("error", () => {});
    call.on("metadata", (metadata: grpc.Metadata) => {
      this.events.push("headers");
      headers.resolve(entriesOf(metadata));
    });
    call.on("status", (end: grpc.StatusObject) => {
      this.#isEnded = true;
      this.events.push("status");
      headers.resolve(null);
      const { code, details, metadata } = failure ?? end;
      status.resolve({ code, details, trailers: entriesOf(metadata) });
    });
  }

  async send(message: Uint8Array): Promise<void> {
    const call = this.#call as grpc.ClientWritableStream<Buffer>;
    await Promise.race([
      new Promise((done) => call.write(Buffer.from(message), done)),
      this.status,
    ]);
  }

  halfClose(): void {
    (this.#call as grpc.ClientWritableStream<Buffer>).end();
  }

  async read(): Promise<Buffer | null> {
    if (!("read" in this.#call)) {
      if (this.#isMessageRead) return null;
      this.#isMessageRead = true;
      return this.#message;
    }
    const call = this.#call;
    for (;;) {
      const message: Buffer | null = call.read();
      if (message !== null) {
        this.events.push("message");
        return message;
      }
      if (this.#isEnded || call.readableEnded || call.destroyed) return null;
      const waiting = new AbortController();
      const { signal } = waiting;
      const any = ["readable", "end", "close"].map((name) => once(call, name, { signal }));
      try {
        await Promise.race([...any, this.status]);
      } catch {
        // An error of the stream is told by the status.
      } finally {
        for (const one of any) one.catch(() => {});
        waiting.abort();
      }
    }
  }

  cancel(): void {
    this.#call.cancel();
  }

  peer(): string {
    return this.#call.getPeer();
  }
}

function channelCredentials({
  security,
  callCredentials,
}: ChannelOptions): grpc.ChannelCredentials {
  const bytes = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const base =
    security === undefined
      ? grpc.credentials.createInsecure()
      : grpc.credentials.createSsl(
          Buffer.from(security.ca),
          bytes(security.key),
          bytes(security.cert),
        );
  if (callCredentials === undefined) return base;
  return grpc.credentials.combineChannelCredentials(base, generator(callCredentials));
}

function generator(credentials: CallCredentials): grpc.CallCredentials {
  return grpc.credentials.createFromMetadataGenerator((context, done) => {
    credentials(context.service_url).then(
      (pairs) => done(null, newMetadata(pairs)),
      (error: Error) => done(error),
    );
  });
}

function channelArguments(options: ChannelOptions): grpc.ChannelOptions {
  const all: Record<string, unknown> = {
    "grpc.ssl_target_name_override": options.security?.targetName,
    "grpc.default_compression_algorithm":
      options.compression === undefined
        ? undefined
        : grpc.compressionAlgorithms[options.compression],
    "grpc.max_send_message_length": options.maxSendBytes,
    "grpc.max_receive_message_length": options.maxReceiveBytes,
    "grpc.keepalive_time_ms": options.keepalive?.timeMs,
    "grpc.keepalive_timeout_ms": options.keepalive?.timeoutMs,
    "grpc.initial_reconnect_backoff_ms": options.backoffMs,
    "grpc.max_reconnect_backoff_ms": options.backoffMs,
    "grpc.service_config":
      options.serviceConfig === undefined ? undefined : JSON.stringify(options.serviceConfig),
    "grpc.primary_user_agent": options.userAgent,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function callOptions({ deadlineMs, credentials }: CallOptions): grpc.CallOptions {
  return {
    ...(deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs }),
    ...(credentials === undefined ? {} : { credentials: generator(credentials) }),
  };
}

function metadataOf({ metadata = [], waitForReady }: CallOptions): grpc.Metadata {
  return newMetadata(metadata, waitForReady === undefined ? {} : { waitForReady });
}

function newMetadata(pairs: Metadata, options: grpc.MetadataOptions = {}): grpc.Metadata {
  const metadata = new grpc.Metadata(options);
  for (const [key, value] of pairs) metadata.add(key, value);
  return metadata;
}

function entriesOf(metadata: grpc.Metadata): Entries {
  return metadata.toJSON() as Entries;
}
