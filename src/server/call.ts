/**
 * One call that is answered here: messages cut from its stream, messages sent on it, its status.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 *
 * What it sends waits as references (`outbox.ts`) and is fed to the stream a frame at a time, as
 * the stream takes it: a reader that stalls makes nothing be copied but one frame.
 */
import { type TimerWheel, WheelEntry } from "../base/index.ts";
import {
  encodeGrpcMessage,
  FramingFault,
  MESSAGE_BYTES_MAX,
  MessageReader,
  PREFIX_BYTES,
  Status,
  trailersOnly,
  writePrefix,
} from "../grpc/index.ts";
import {
  constantList,
  ErrorCode,
  type HeaderList,
  headerList,
  limits,
  type Stream,
  type StreamEvents,
} from "../http2/index.ts";
import type { GrpcMethod, ServerCall, ServerCallEvents } from "./method.ts";
import { Outbox } from "./outbox.ts";

/** Who has made a call. */
export interface CallOwner {
  readonly wheel: TimerWheel;
  /** The names of the client's verified certificate; null without. */
  readonly peerNames: readonly string[] | null;
  readonly remote: string;
  /** `queuedBytes` of all its calls. */
  readonly unreadBytes: number;
  /** It is over. */
  onCallOver(call: Call): void;
}

/** What a stream is fed with at once: filled and sent in one go, so that all calls share it. */
const FRAME = Buffer.allocUnsafeSlow(limits.FRAME_BYTES_MAX);

const ANSWER_HEADERS = constantList([
  [":status", "200"],
  ["content-type", "application/grpc"],
  ["grpc-accept-encoding", "identity"],
]);

/** See the head of this file. */
export class Call extends MessageReader implements ServerCall, StreamEvents {
  readonly headers: HeaderList;
  readonly #owner: CallOwner;
  readonly #stream: Stream;
  readonly #outbox = new Outbox();
  #events: ServerCallEvents | null = null;
  #deadline: Deadline | null = null;
  /** A status was given, and follows what waits. */
  #ending: { readonly status: Status; readonly message: string } | null = null;
  #isOver = false;
  /** Closing was told of, or is told of when the method has returned its events. */
  #isReported = false;
  /** Something of what was sent did not leave at once. */
  #isWaiting = false;

  constructor(owner: CallOwner, stream: Stream, headers: HeaderList, messageBytesMax: number) {
    super(messageBytesMax);
    this.#owner = owner;
    this.#stream = stream;
    this.headers = headers;
  }

  get remote(): string {
    return this.#owner.remote;
  }

  get connection(): object {
    return this.#owner;
  }

  get peerNames(): readonly string[] | null {
    return this.#owner.peerNames;
  }

  get queuedBytes(): number {
    return this.#outbox.bytes + this.#stream.queuedBytes;
  }

  get unreadBytes(): number {
    return this.#owner.unreadBytes;
  }

  /** Hands it to its method. @param isEnd the client sent headers only. */
  start(method: GrpcMethod, isEnd: boolean): void {
    this.#events = method.open(this);
    if (this.#isOver) this.#report();
    else if (isEnd) this.#events.onHalfClosed();
  }

  /** Ends it with DEADLINE_EXCEEDED at `atMs`. */
  setDeadline(atMs: number): void {
    this.#deadline = new Deadline(this);
    this.#owner.wheel.add(this.#deadline, atMs);
  }

  send(parts: readonly Uint8Array[]): void {
    if (this.#isOver || this.#ending !== null) return;
    let length = 0;
    for (const part of parts) length += part.length;
    if (length > MESSAGE_BYTES_MAX) throw new RangeError(`a message of ${length} bytes`);
    if (!this.#stream.isAnswered) this.#stream.sendHeaders(ANSWER_HEADERS, false);
    const prefix = new Uint8Array(PREFIX_BYTES);
    writePrefix(prefix, 0, false, length);
    this.#outbox.push(prefix);
    for (const part of parts) this.#outbox.push(part);
    this.#feed();
    this.#isWaiting = this.queuedBytes > 0;
  }

  end(status: Status, message = ""): void {
    if (this.#isOver || this.#ending !== null) return;
    this.#ending = { status, message };
    // The deadline stays until all has left: an answer that nobody reads is not kept beyond it.
    if (this.queuedBytes === 0) this.#finish();
  }

  /** Ends it although something waits: that is dropped, and the stream reset if it had begun. */
  cut(status: Status, message: string): void {
    if (this.#isOver) return;
    this.#outbox.clear();
    this.#ending ??= { status, message };
    if (this.#stream.queuedBytes === 0) this.#finish();
    else {
      this.#stream.reset(ErrorCode.CANCEL);
      this.#close();
    }
  }

  #feed(): void {
    while (this.#outbox.bytes > 0 && this.#stream.queuedBytes === 0) {
      const count = this.#outbox.take(FRAME);
      this.#stream.sendData(FRAME, 0, count, false);
    }
  }

  /** Everything has left: the status follows. */
  #finish(): void {
    const { status, message } = this.#ending!;
    const stream = this.#stream;
    if (!stream.isAnswered) stream.sendHeaders(headerList(trailersOnly(status, message)), true);
    else stream.sendTrailers(statusList(status, message));
    // RFC 9113 §8.1: the response is complete, the rest of the request is of no interest.
    if (!stream.isRemoteEnded) stream.resetAfterQueue(ErrorCode.NO_ERROR);
    this.#close();
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outbox.clear();
    this.#dropDeadline();
    if (this.#events !== null) this.#report();
  }

  #report(): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#events!.onClosed();
    this.#owner.onCallOver(this);
  }

  #dropDeadline(): void {
    if (this.#deadline === null) return;
    this.#owner.wheel.remove(this.#deadline);
    this.#deadline = null;
  }

  // MessageReader

  onWholeMessage(message: Buffer, isCompressed: boolean): boolean {
    if (isCompressed) {
      this.end(Status.UNIMPLEMENTED, "compressed messages are not supported: send identity");
    } else this.#events!.onMessage(message);
    return !this.#isOver && this.#ending === null;
  }

  // StreamEvents

  onData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    if (this.#isOver || this.#ending !== null) return end - start;
    const fault = this.push(bytes, start, end);
    if (fault === FramingFault.BAD_FLAG) {
      this.end(Status.INTERNAL, "the request's bytes are no gRPC messages");
    } else if (fault === FramingFault.TOO_LARGE) {
      const bound = `at most ${this.messageBytesMax} are allowed`;
      this.end(Status.RESOURCE_EXHAUSTED, `a message of ${this.badLength} bytes: ${bound}`);
    }
    if (isEnd) this.#halfClose();
    return end - start;
  }

  #halfClose(): void {
    if (this.#isOver || this.#ending !== null) return;
    if (this.pendingBytes > 0) this.end(Status.INTERNAL, "the request ends within a message");
    else this.#events!.onHalfClosed();
  }

  /** A client may end its request with trailers; gRPC gives them no meaning. */
  onTrailers(): void {
    this.#halfClose();
  }

  onReset(): void {
    this.#close();
  }

  onWritable(): void {
    if (this.#isOver) return;
    this.#feed();
    if (this.queuedBytes > 0) return;
    if (this.#ending !== null) this.#finish();
    else if (this.#isWaiting) {
      this.#isWaiting = false;
      this.#events!.onDrained();
    }
  }

  /** Of the client's role only. */
  onHeaders(): void {}

  /** Of the client's role only. */
  onInformational(): void {}
}

/** "If a server is past the deadline, it ends the call" (PROTOCOL-HTTP2, "Timeout"). */
class Deadline extends WheelEntry {
  readonly #call: Call;

  constructor(call: Call) {
    super();
    this.#call = call;
  }

  onDeadline(): void {
    this.#call.cut(Status.DEADLINE_EXCEEDED, "the time that the client gave has passed");
  }
}

function statusList(status: Status, message: string): HeaderList {
  const pairs: [string, string][] = [["grpc-status", String(status)]];
  if (message !== "") pairs.push(["grpc-message", encodeGrpcMessage(message)]);
  return headerList(pairs);
}
