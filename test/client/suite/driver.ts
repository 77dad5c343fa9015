/**
 * What the channel suite needs of a client: a small interface over any gRPC API for Node.
 *
 * A driver hides how an API says things, never what it does: it adds no time-out, no retry and no
 * ordering of its own. Messages are `google.protobuf.BytesValue`, because one of the APIs knows
 * only Protobuf; what a test sends and gets is the bytes inside.
 */

/** gRPC's connectivity states. */
export type Connectivity = "IDLE" | "CONNECTING" | "READY" | "TRANSIENT_FAILURE" | "SHUTDOWN";

/** Values by key, in order; those of keys that end in "-bin" are bytes. */
export type Entries = Readonly<Record<string, readonly (string | Buffer)[]>>;

/** Keys and values to send, in order. */
export type Metadata = readonly (readonly [key: string, value: string | Buffer])[];

/** How to secure the connections of a channel: PEM texts. */
export interface Security {
  /** The CA that servers must be signed by. */
  readonly ca: string;
  /** What the client shows of itself. */
  readonly cert?: string;
  readonly key?: string;
  /** The name to expect in the certificate instead of the target's. */
  readonly targetName?: string;
}

/** Makes the metadata of a call; what it throws becomes the status. */
export type CallCredentials = (serviceUrl: string) => Promise<Metadata>;

/** Settings of a channel. Absent: what the API does by itself. */
export interface ChannelOptions {
  /** Absent: plaintext. */
  readonly security?: Security;
  /** For every call of the channel. */
  readonly callCredentials?: CallCredentials;
  readonly compression?: "identity" | "gzip" | "deflate";
  readonly maxSendBytes?: number;
  /** -1: no limit. */
  readonly maxReceiveBytes?: number;
  readonly keepalive?: { readonly timeMs: number; readonly timeoutMs: number };
  readonly backoffMs?: number;
  /** A service config, as the JSON that servers of names publish. */
  readonly serviceConfig?: object;
  readonly userAgent?: string;
}

/** Settings of one call. */
export interface CallOptions {
  /** Default "/suite.Suite/Call". */
  readonly path?: string;
  readonly metadata?: Metadata;
  /** From now; may be negative. */
  readonly deadlineMs?: number;
  readonly waitForReady?: boolean;
  readonly credentials?: CallCredentials;
}

/** How a call ended. */
export interface CallStatus {
  readonly code: number;
  readonly details: string;
  /** Without `grpc-status` and `grpc-message`. */
  readonly trailers: Entries;
}

/** What a call that is allowed one message at most gave in all. */
export interface Outcome extends CallStatus {
  /** Null for a trailers-only answer, and when the call ended before any headers. */
  readonly headers: Entries | null;
  /** Null unless the call was OK. */
  readonly message: Buffer | null;
}

/** A call that runs. None of its promises ever rejects. */
export interface SuiteCall {
  /**
   * Sends a message; resolves when the next may be sent, or when the call has ended. Only for
   * calls whose request is a stream.
   */
  send(message: Uint8Array): Promise<void>;
  /** Says that no message follows. */
  halfClose(): void;
  /** The next message; null when there is none any more. Nothing is asked for before. */
  read(): Promise<Buffer | null>;
  /** The initial metadata; null when the call ended without any. */
  readonly headers: Promise<Entries | null>;
  readonly status: Promise<CallStatus>;
  /** Gives the call up. */
  cancel(): void;
  /** The address of the server, "ip:port", as far as the API tells it. */
  peer(): string;
  /** What the API reported so far: "headers", "message", "status", in order. */
  readonly events: readonly string[];
}

/** A channel under test. */
export interface SuiteChannel {
  unary(message: Uint8Array, options?: CallOptions): SuiteCall;
  clientStream(options?: CallOptions): SuiteCall;
  serverStream(message: Uint8Array, options?: CallOptions): SuiteCall;
  bidi(options?: CallOptions): SuiteCall;
  /** The state; `tryToConnect` wakes an idle channel. */
  connectivity(tryToConnect: boolean): Connectivity;
  /** Resolves true when the state is no longer `from`, false when the time is over first. */
  watch(from: Connectivity, timeoutMs: number): Promise<boolean>;
  close(): void;
}

/** What an API may not offer; cases that need it say so. */
export type Feature =
  | "connectivity"
  | "call credentials"
  | "channel credentials"
  | "wait-for-ready"
  | "peer"
  | "trailers-only headers"
  | "past deadline"
  | "early headers of a unary call"
  | "error trailers apart"
  | "metadata order"
  | "values apart"
  | "compression"
  | "keepalive"
  | "short keepalive"
  | "service config"
  | "mixed half-close"
  | "second message of a unary call"
  | "user agent";

/** An API under test. */
export interface ChannelDriver {
  /** Such as "grpc-js"; stands in the names of tests. */
  readonly name: string;
  /** Whether what lies under the API is stock grpc-js, and not fairlead. */
  readonly isReference: boolean;
  /** What the API lacks, and why. */
  readonly lacks: Partial<Record<Feature, string>>;
  /** How many cases of the suite that makes unsayable. */
  readonly unsaidCount: number;
  /** Opens a channel; sends nothing yet. */
  open(target: string, options?: ChannelOptions): SuiteChannel;
}

/** Waits for a call that is allowed one message at most. */
export async function outcome(call: SuiteCall): Promise<Outcome> {
  const message = await call.read();
  const status = await call.status;
  return { ...status, headers: await call.headers, message: status.code === 0 ? message : null };
}

/** Reads all messages that are left. */
export async function readAll(call: SuiteCall): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  for (;;) {
    const message = await call.read();
    if (message === null) return messages;
    messages.push(message);
  }
}
