/**
 * A call as the stubs of grpc-js drive it (`Call` of its call-interface), over a `ClientCall`.
 *
 * Serialisation and interceptors are above it, in grpc-js. It adds call credentials, and hands what
 * comes to the listener on a tick of its own (`delivery.ts`).
 */
import { AsyncResource } from "node:async_hooks";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type {
  CallCredentials,
  experimental,
  InterceptingListener,
  Metadata,
  StatusObject,
} from "@grpc/grpc-js";
import { Status } from "../../grpc/index.ts";
import type { Field, HeaderList } from "../../http2/index.ts";
import {
  type CallOptions,
  type CallStatus,
  type ClientCall,
  type ClientCallEvents,
  MetadataWait,
  type SetTimer,
} from "../core/index.ts";
import { credentialsFailure, joinMetadata } from "./call-metadata.ts";
import { type Deliverable, deliverSoon } from "./delivery.ts";
import type { GrpcModule } from "./grpc-module.ts";
import { toFields, toMetadata } from "./metadata.ts";

const PLAINTEXT =
  "call credentials do not go over plaintext: use TLS, or allowPlaintextCallCredentials";

/** grpc-js: `WriteFlags.NoCompress`. */
const NO_COMPRESS = 2;

type AuthContext = NonNullable<ReturnType<experimental.CallStream["getAuthContext"]>>;

/** What goes with a message. */
export interface MessageContext {
  readonly callback?: (error?: Error | null) => void;
  readonly flags?: number;
}

/** What a call needs of the channel that made it. */
export interface GrpcJsCallOwner {
  /** The copy of grpc-js whose stubs these are. */
  readonly grpc: GrpcModule;
  readonly target: string;
  /** A call that is not started; it counts from now on. */
  start(options: CallOptions, events: ClientCallEvents): ClientCall;
  onStatus(code: number): void;
  /** Whether these may go over the channel's connections. */
  mayCarry(own: CallCredentials | null): boolean;
  /** The metadata of call credentials, or null when there are none. */
  callMetadata(options: CallOptions, own: CallCredentials | null): Promise<Metadata> | null;
  readonly setTimer: SetTimer;
}

/** See the head of this file. */
export class GrpcJsCall implements ClientCallEvents, Deliverable {
  readonly #owner: GrpcJsCallOwner;
  readonly #options: CallOptions;
  readonly #number: number;
  readonly #context = new AsyncResource("FairleadCall");
  #credentials: CallCredentials | null = null;
  #listener: InterceptingListener | null = null;
  #call: ClientCall | null = null;
  /** While the credentials are not there yet. */
  #wait: MetadataWait | null = null;
  #reads = 0;
  /** Callbacks of messages that wait. */
  #writes: ((error?: Error | null) => void)[] | null = null;
  #isScheduled = false;
  // What has come and was not delivered yet.
  #headers: HeaderList | null = null;
  #messages: Buffer[] = [];
  #status: CallStatus | null = null;
  #isOver = false;

  constructor(owner: GrpcJsCallOwner, options: CallOptions, number: number) {
    this.#owner = owner;
    this.#options = options;
    this.#number = number;
  }

  start(metadata: Metadata, listener: InterceptingListener): void {
    this.#listener = listener;
    if (this.#isOver) {
      this.#schedule();
      return;
    }
    const { waitForReady } = metadata.getOptions();
    const options = waitForReady === undefined ? this.#options : { ...this.#options, waitForReady };
    const call = this.#owner.start(options, this);
    this.#call = call;
    if (!this.#owner.mayCarry(this.#credentials)) {
      call.cancel(Status.UNAUTHENTICATED, PLAINTEXT);
      return;
    }
    const credentials = this.#credentialsOf(options);
    if (credentials === null) this.#begin(call, toFields(metadata));
    else this.#beginWith(call, metadata, credentials);
  }

  #begin(call: ClientCall, fields: readonly Field[] | null): void {
    for (let i = 0; i < this.#reads; i++) call.read();
    call.start(fields);
  }

  /** Code of users may throw where it should reject. */
  #credentialsOf(options: CallOptions): Promise<unknown> | null {
    try {
      const given = this.#owner.callMetadata(options, this.#credentials);
      return given === null ? null : Promise.resolve(given);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Call credentials take a while: what the stub does meanwhile is done after them. */
  #beginWith(call: ClientCall, metadata: Metadata, credentials: Promise<unknown>): void {
    const late = "deadline exceeded while call credentials were made";
    const wait = new MetadataWait(call, this.#owner.setTimer, late);
    this.#wait = wait;
    const go = (added: unknown): void => {
      if (this.#isOver) return;
      const fields = joinMetadata(metadata, added);
      if (fields !== null && "code" in fields) {
        call.cancel(fields.code, fields.details);
        return;
      }
      this.#wait = null;
      this.#begin(call, fields);
      wait.end();
    };
    const fail = (error: unknown): void => {
      const { code, details } = credentialsFailure(error);
      call.cancel(code, details);
    };
    credentials.then(go, fail);
  }

  sendMessageWithContext(context: MessageContext, message: Buffer): void {
    if (!(message instanceof Uint8Array)) {
      this.#refuseMessage(context, message);
      return;
    }
    if (this.#wait !== null) {
      this.#wait.add(() => this.sendMessageWithContext(context, message));
      return;
    }
    const isCompressed = ((context.flags ?? 0) & NO_COMPRESS) === 0;
    const hasLeft = this.#call === null || this.#call.send(message, isCompressed);
    const { callback } = context;
    if (callback === undefined) return;
    if (hasLeft) process.nextTick(callback);
    else {
      this.#writes ??= [];
      this.#writes.push(callback);
    }
  }

  /** A serializer is code of users. */
  #refuseMessage({ callback }: MessageContext, message: unknown): void {
    const given = message === null ? "null" : typeof message;
    const details = `the serializer of the request gave ${given}, must give a Buffer`;
    if (!this.#isOver) this.cancelWithStatus(Status.INTERNAL, details);
    if (callback !== undefined) process.nextTick(callback);
  }

  startRead(): void {
    if (this.#call === null || this.#wait !== null) this.#reads += 1;
    else this.#call.read();
  }

  halfClose(): void {
    if (this.#wait !== null) this.#wait.add(() => this.halfClose());
    else this.#call?.halfClose();
  }

  cancelWithStatus(code: Status, details: string): void {
    // A stub that cannot read the last message says so while its OK is on the way.
    if (this.#status?.code === Status.OK) this.#status = { code, details, trailers: null };
    else if (this.#call !== null) this.#call.cancel(code, details);
    else this.onEnd({ code, details, trailers: null });
  }

  getPeer(): string {
    return this.#call?.peer ?? this.#owner.target;
  }

  getCallNumber(): number {
    return this.#number;
  }

  setCredentials(credentials: CallCredentials): void {
    this.#credentials = credentials;
  }

  getAuthContext(): AuthContext | null {
    const socket = this.#call?.socket ?? null;
    return socket === null ? null : authContextOf(socket);
  }

  // ClientCallEvents

  onHeaders(list: HeaderList): void {
    this.#headers = list;
    this.#schedule();
  }

  onMessage(message: Buffer): void {
    this.#messages.push(message);
    this.#schedule();
  }

  onWritable(): void {
    const writes = this.#writes;
    this.#writes = null;
    if (writes !== null) for (const callback of writes) process.nextTick(callback);
  }

  onEnd(status: CallStatus): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#status = status;
    this.#wait?.drop();
    this.#wait = null;
    this.onWritable();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#listener === null) return;
    this.#isScheduled = true;
    deliverSoon(this);
  }

  /** In the context of whoever made the call, as its user's AsyncLocalStorage expects. */
  deliver(): void {
    this.#isScheduled = false;
    this.#context.runInAsyncScope(this.#deliver, this);
  }

  #deliver(): void {
    const listener = this.#listener!;
    // Each is taken before it is handed over: a listener that throws gets the others later.
    const headers = this.#headers;
    this.#headers = null;
    if (headers !== null) listener.onReceiveMetadata(toMetadata(this.#owner.grpc, headers));
    while (this.#messages.length > 0) listener.onReceiveMessage(this.#messages.shift());
    const status = this.#status;
    this.#status = null;
    if (status === null) return;
    this.#owner.onStatus(status.code);
    listener.onReceiveStatus(toStatus(this.#owner.grpc, status));
  }
}

/** What a stub sees of the connection: the server's certificate, on TLS. */
function authContextOf(socket: Socket): AuthContext {
  if (!(socket instanceof TLSSocket)) return {};
  return { transportSecurityType: "ssl", sslPeerCertificate: socket.getPeerCertificate() };
}

function toStatus(grpc: GrpcModule, { code, details, trailers }: CallStatus): StatusObject {
  return { code, details, metadata: toMetadata(grpc, trailers) };
}
