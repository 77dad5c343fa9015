/**
 * The one call of an ADS stream, on a connection of its own: messages both ways until either ends.
 *
 * A connection serves one call: where a server is behind a load balancer, a stream that is opened
 * again finds another one. Whether there is another attempt is `ServerLink`'s to say.
 */
import { printable } from "../../../base/index.ts";
import {
  decodeGrpcMessage,
  FramingFault,
  isGrpcContentType,
  MessageReader,
  PREFIX_BYTES,
  parseGrpcStatus,
  Status,
  statusName,
  writePrefix,
} from "../../../grpc/index.ts";
import {
  type ConnectionFailure,
  constantList,
  ErrorCode,
  errorCodeName,
  type HeaderList,
  type Stream,
  type StreamEvents,
  type StreamFailure,
} from "../../../http2/index.ts";
import type {
  ClientConnection,
  ConnectAttempt,
  ConnectionSource,
  ConnectUser,
} from "../../../transport/index.ts";
import { ADS_MESSAGE_BYTES_MAX, XDS_REASON_CHARS_MAX } from "../limits.ts";

/** Who opened a call. Each method may close it. */
export interface AdsCallUser {
  /** Messages can be sent. */
  onOpen(): void;
  onMessage(message: Uint8Array): void;
  /** What was sent has left: more can be sent. */
  onWritable(): void;
  /** It is over, or never began; nothing follows. Not told of one that was closed here. */
  onEnded(reason: string): void;
}

/** How a call is made. */
export interface AdsCallOptions {
  readonly connector: ConnectionSource;
  /** "ip:port" or "unix:PATH". */
  readonly address: string;
  /** `:authority`. */
  readonly authority: string;
  readonly isSecure: boolean;
  readonly path: string;
  readonly userAgent: string;
  readonly nowMs: () => number;
}

/** See the head of this file. Begins to connect at once. */
export class AdsCall extends MessageReader implements ConnectUser, StreamEvents {
  readonly #options: AdsCallOptions;
  readonly #user: AdsCallUser;
  readonly #attempt: ConnectAttempt;
  #connection: ClientConnection | null = null;
  #stream: Stream | null = null;
  /** Of what was sent, what has not left. */
  #waitingBytes = 0;
  #isOver = false;

  constructor(options: AdsCallOptions, user: AdsCallUser) {
    super(ADS_MESSAGE_BYTES_MAX);
    this.#options = options;
    this.#user = user;
    this.#attempt = options.connector.connect(options.address, this);
  }

  /** Whether all that was sent has left: of what a server does not read nothing more is kept. */
  get canSend(): boolean {
    return !this.#isOver && this.#stream !== null && this.#waitingBytes === 0;
  }

  /** Sends one message. The call is open. */
  send(message: Uint8Array): void {
    if (this.#isOver || this.#stream === null) return;
    const bytes = new Uint8Array(PREFIX_BYTES + message.length);
    writePrefix(bytes, 0, false, message.length);
    bytes.set(message, PREFIX_BYTES);
    const left = this.#stream.sendData(bytes, 0, bytes.length, false);
    this.#waitingBytes += bytes.length - left;
  }

  /** Ends call and connection; its user hears nothing more. Harmless when repeated. */
  close(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#connection === null) this.#attempt.cancel();
    else {
      this.#stream?.reset(ErrorCode.CANCEL);
      this.#connection.drain(reason);
    }
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    this.close(reason);
    this.#user.onEnded(reason);
  }

  // ConnectUser

  onConnected(connection: ClientConnection): void {
    this.#connection = connection;
    if (this.#isOver) connection.drain("the stream was given up");
  }

  onReady(): void {
    if (this.#isOver || this.#stream !== null) return;
    if (this.#connection!.http2.canOpen()) this.#open();
    else this.#end("the server takes no streams");
  }

  #open(): void {
    const { path, authority, isSecure, userAgent, nowMs } = this.#options;
    const list = constantList([
      [":method", "POST"],
      [":scheme", isSecure ? "https" : "http"],
      [":path", path],
      [":authority", authority],
      ["content-type", "application/grpc"],
      ["te", "trailers"],
      ["user-agent", userAgent],
    ]);
    this.#stream = this.#connection!.http2.open(list, false, this, nowMs());
    this.#user.onOpen();
  }

  onCapacity(): void {}

  /** The stream may go on; one that is opened later is on another connection anyway. */
  onGoAway(): void {}

  onClosed(failure: ConnectionFailure): void {
    this.#end(failure.reason);
  }

  /** Servers do not open streams: the engine refuses them before this. */
  onStream(_stream: Stream): StreamEvents {
    throw new Error("a client connection has no incoming streams");
  }

  // MessageReader

  onWholeMessage(message: Buffer, isCompressed: boolean): boolean {
    if (isCompressed) this.#end("a compressed message, which nobody asked for");
    else this.#user.onMessage(message);
    return !this.#isOver;
  }

  // StreamEvents

  onHeaders(list: HeaderList, isEnd: boolean): void {
    const httpStatus = Number(list.status?.value ?? 0);
    if (isEnd || list.grpcStatus !== null) this.#endBy(list);
    else if (httpStatus !== 200) this.#end(`HTTP status ${httpStatus}`);
    else if (!isGrpcContentType(list.get("content-type") ?? "")) this.#end("the answer is no gRPC");
  }

  onInformational(): void {}

  onData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    if (this.#isOver) return end - start;
    const fault = this.push(bytes, start, end);
    if (fault === FramingFault.BAD_FLAG) this.#end("bytes that are no messages");
    else if (fault === FramingFault.TOO_LARGE) {
      this.#end(`a message of ${this.badLength} bytes, more than ${ADS_MESSAGE_BYTES_MAX}`);
    }
    if (isEnd) this.#end("it ended without a status");
    return end - start;
  }

  onTrailers(list: HeaderList): void {
    this.#endBy(list);
  }

  #endBy(list: HeaderList): void {
    if (list.grpcStatus === null) {
      this.#end(`it ended without a status, HTTP ${list.status?.value ?? "?"}`);
      return;
    }
    const status = parseGrpcStatus(list.grpcStatus.value);
    const words = printable(
      decodeGrpcMessage(list.get("grpc-message") ?? ""),
      XDS_REASON_CHARS_MAX,
    );
    const said = words === "" ? statusName(status) : `${statusName(status)}: ${words}`;
    this.#end(status === Status.OK ? "the server ended it" : said);
  }

  onReset(failure: StreamFailure): void {
    const { by, code, reason } = failure;
    this.#end(by === "remote" ? `the server reset it: ${errorCodeName(code)}` : reason);
  }

  onWritable(bytes: number): void {
    this.#waitingBytes -= bytes;
    if (this.canSend) this.#user.onWritable();
  }
}
