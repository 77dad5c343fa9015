/**
 * One gRPC call of a client, over one call of the cluster: messages in and out, and its status.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 *
 * It frames and unframes, compresses, keeps the limits of messages, grants the server more only for
 * what the reader asked for, and makes a status of whatever ended the call. Which endpoint it goes
 * to, replays and the deadline are the cluster's. Events come synchronously: who hands them to
 * code of users sees to it that nothing thrown there comes back here.
 */
import type { Socket } from "node:net";
import type { Timer } from "../../base/index.ts";
import type { CallEvents, CallFailure } from "../../cluster/index.ts";
import {
  FramingFault,
  MESSAGE_BYTES_MAX,
  type MethodConfig,
  PREFIX_BYTES,
  Status,
  writePrefix,
} from "../../grpc/index.ts";
import { copyBytes, ErrorCode, type Field, type HeaderList } from "../../http2/index.ts";
import type { WireCall } from "./call-place.ts";
import {
  type CallStatus,
  ownStatus,
  statusOfFailure,
  statusOfHeaders,
  statusOfTrailers,
} from "./call-status.ts";
import { compress, type Encoding } from "./compression.ts";
import { Inbox, type InboxOwner } from "./inbox.ts";
import type { CallOwner } from "./owner.ts";

/** The caller's side. Each method may call any method of the call. */
export interface ClientCallEvents {
  /** Initial metadata: once and before any message; not at all for a trailers-only answer. */
  onHeaders(list: HeaderList): void;
  /** A message that `read` asked for: whole, decompressed, the receiver's own. */
  onMessage(message: Buffer): void;
  /** After `send` returned false: all that was given has left. */
  onWritable(): void;
  /** Exactly once, and last. */
  onEnd(status: CallStatus): void;
}

/** What a call is told. */
export interface ClientCallConfig {
  /** "/package.Service/Method". */
  readonly path: string;
  /** When it must be over, on the channel's clock; Infinity for never. */
  readonly deadlineMs: number;
  /** In place of the channel's authority; null for that. */
  readonly host: string | null;
  /** null: as service config says. */
  readonly waitForReady: boolean | null;
  /** How messages of the request are compressed. */
  readonly encoding: Encoding;
}

/** What is said of a call; the rest is as its channel and its method have it. */
export interface CallOptions extends Omit<ClientCallConfig, "encoding"> {
  /** null: the channel's. */
  readonly encoding: Encoding | null;
}

/** Small messages are framed here, so that prefix and message leave as one DATA frame. */
const scratch = Buffer.allocUnsafeSlow(16_384);

/** See the head of this file. Made by `ClientChannel.createCall`. */
export class ClientCall implements CallEvents, InboxOwner {
  /** As its caller and, in what that left open, its method have it. */
  config: ClientCallConfig;
  /** As its caller has it. */
  readonly options: CallOptions;
  readonly #owner: CallOwner;
  readonly #events: ClientCallEvents;
  #sendBytesMax: number;
  readonly #inbox: Inbox;
  #call: WireCall | null = null;
  /** Request bytes that wait, in the order in which they leave. */
  #waitingBytes = 0;
  /** The end, while messages before it have not been read. */
  #status: CallStatus | null = null;
  #unreadDeadline: Timer | null = null;
  #isEnded = false;
  /** Its owner need not care for it any more. */
  #isLeft = false;
  #isHalfClosed = false;

  /** @param sendBytesMax and @param receiveBytesMax bound one message; Infinity for no limit. */
  constructor(
    owner: CallOwner,
    options: CallOptions,
    config: ClientCallConfig,
    events: ClientCallEvents,
    sendBytesMax: number,
    receiveBytesMax: number,
  ) {
    this.#owner = owner;
    this.options = options;
    this.config = config;
    this.#events = events;
    this.#sendBytesMax = sendBytesMax;
    this.#inbox = new Inbox(this, receiveBytesMax);
  }

  /** "ip:port" of the endpoint that has it or had it last; null before there is one. */
  get peer(): string | null {
    return this.#call?.address ?? null;
  }

  /** The socket of the endpoint that has it or had it last; null when there is none. */
  get socket(): Socket | null {
    return this.#call?.socket ?? null;
  }

  /** Whether it waits for an endpoint. */
  get isWaiting(): boolean {
    return this.#call !== null && this.#call.subchannel === null && !this.#isEnded;
  }

  /** Sends it on its way, with metadata that the rules of room `grpc` allow. */
  start(metadata: readonly Field[] | null): void {
    if (this.#isEnded) return;
    const call = this.#owner.open(this, metadata);
    if (call === null) return;
    this.#call = call;
    call.start();
    if (this.isWaiting) this.#owner.onWaiting(this, metadata);
  }

  /** From the owner: service config came. It counts while no endpoint has had the call. */
  reconfigure(
    list: HeaderList,
    config: ClientCallConfig,
    method: MethodConfig,
    sendBytesMax: number,
    receiveBytesMax: number,
  ): void {
    const { deadlineMs, waitForReady } = config;
    const settings = { list, deadlineMs, waitForReady: waitForReady === true, config: method };
    const call = this.#call?.reconfigure(settings) ?? null;
    if (call === null) return;
    this.#call = call;
    this.config = config;
    this.#sendBytesMax = sendBytesMax;
    this.#inbox.messageBytesMax = receiveBytesMax;
  }

  /**
   * Sends a message. False when some of it waits: more should be sent after `onWritable` only.
   *
   * @param isCompressed whether the call's encoding is applied to this message.
   * @param isLast as `halfClose` after it, in the same DATA frame.
   */
  send(message: Uint8Array, isCompressed: boolean, isLast = false): boolean {
    if (this.#isEnded || this.#isLeft || this.#isHalfClosed) return true;
    const { encoding } = this.config;
    const isCoded = isCompressed && encoding !== "identity";
    // The limit is on what the server's program would get.
    const most = Math.min(this.#sendBytesMax, MESSAGE_BYTES_MAX);
    if (message.length > most) {
      const limit = `(${message.length} vs. ${most})`;
      this.cancel(Status.RESOURCE_EXHAUSTED, `a sent message is larger than allowed ${limit}`);
      return true;
    }
    const bytes = isCoded ? compress(encoding, message) : message;
    this.#isHalfClosed = isLast;
    this.#sendFramed(bytes, isCoded, isLast);
    return this.#waitingBytes === 0;
  }

  #sendFramed(bytes: Uint8Array, isCoded: boolean, isLast: boolean): void {
    const call = this.#call!;
    const total = PREFIX_BYTES + bytes.length;
    const head = Math.min(total, scratch.length);
    writePrefix(scratch, 0, isCoded, bytes.length);
    const copied = head - PREFIX_BYTES;
    copyBytes(bytes, 0, copied, scratch, PREFIX_BYTES);
    const isAll = copied === bytes.length;
    let left = call.sendData(scratch, 0, head, isLast && isAll);
    if (!isAll) left += call.sendData(bytes, copied, bytes.length, isLast);
    this.#waitingBytes += total - left;
  }

  /** Nothing more will be sent. */
  halfClose(): void {
    if (this.#isEnded || this.#isLeft || this.#isHalfClosed) return;
    this.#isHalfClosed = true;
    this.#call!.sendData(scratch, 0, 0, true);
  }

  /** Asks for one message more. */
  read(): void {
    if (this.#isEnded) return;
    this.#inbox.read();
    if (this.#status !== null && !this.#inbox.hasUnread) this.#finish(this.#status);
  }

  /** Ends the call here; the server is told by RST_STREAM. `onEnd` comes before this returns. */
  cancel(code: Status, details: string): void {
    if (this.#isEnded) return;
    this.#call?.cancel(ErrorCode.CANCEL);
    this.#finish(ownStatus(code, details));
  }

  /** From `CallOwner.open`: it was never made, and counts nowhere. */
  refuse(code: Status, details: string): void {
    this.#isEnded = true;
    this.#events.onEnd(ownStatus(code, details));
  }

  #finish(status: CallStatus): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#inbox.close();
    this.#unreadDeadline?.cancel();
    this.#leave();
    this.#events.onEnd(status);
  }

  /** The wire has no more of it. */
  #leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    // The server needs no more of a request that it has answered.
    if (!this.#isHalfClosed) this.#call?.cancel(ErrorCode.CANCEL);
    // What waits of it will not leave: whoever waits for that goes on.
    const isWriteWaiting = this.#waitingBytes > 0;
    this.#waitingBytes = 0;
    if (isWriteWaiting && !this.#isEnded) this.#events.onWritable();
    // One that was cancelled before its start counts nowhere.
    if (this.#call !== null) this.#owner.onEnded(this);
  }

  /** The answer is over: its status follows the messages that were not read yet. */
  #end(status: CallStatus): void {
    if (!this.#inbox.hasUnread) {
      this.#finish(status);
      return;
    }
    if (this.#status !== null) return;
    this.#status = status;
    this.#leave();
    this.#unreadDeadline = this.#owner.onUnread(this);
  }

  /** From the owner: the deadline of a call whose last messages nobody has read. */
  onUnreadTooLong(): void {
    const details = "deadline exceeded before the messages that came were read";
    this.#finish(ownStatus(Status.DEADLINE_EXCEEDED, details));
  }

  /** The server's bytes make no sense, or are too many. */
  #fail(status: CallStatus): void {
    this.#call?.cancel(ErrorCode.CANCEL);
    this.#end(status);
  }

  // CallEvents of the cluster's call

  onResponse(list: HeaderList, isEnd: boolean): void {
    if (isEnd || list.grpcStatus !== null) {
      this.#end(statusOfTrailers(list, false));
      return;
    }
    const wrong = statusOfHeaders(list);
    if (wrong !== null) {
      this.#fail(wrong);
      return;
    }
    // One that we do not know is no matter while no message uses it.
    this.#inbox.encodingName = list.get("grpc-encoding") ?? "identity";
    this.#events.onHeaders(list);
  }

  onInformational(_list: HeaderList): void {}

  onResponseData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    const count = end - start;
    if (this.#isEnded || this.#status !== null) return count;
    const fault = this.#inbox.recv(bytes, start, end);
    if (fault !== FramingFault.NONE) this.#failFraming(fault);
    else if (isEnd) this.#end(ownStatus(Status.INTERNAL, "the answer ended without trailers"));
    return this.#isEnded ? count : this.#inbox.takeDone(count);
  }

  // InboxOwner

  credit(bytes: number): void {
    this.#call?.credit(bytes);
  }

  onMessage(message: Buffer): void {
    this.#events.onMessage(message);
  }

  onBadMessage(code: Status, details: string): void {
    this.cancel(code, details);
  }

  #failFraming(fault: FramingFault): void {
    if (fault === FramingFault.BAD_FLAG) {
      this.#fail(ownStatus(Status.INTERNAL, "a received message has an unknown flag"));
      return;
    }
    const limit = `(${this.#inbox.badLength} vs. ${this.#inbox.messageBytesMax})`;
    const details = `a received message is larger than allowed ${limit}`;
    this.#fail(ownStatus(Status.RESOURCE_EXHAUSTED, details));
  }

  onResponseTrailers(list: HeaderList): void {
    const isCut = this.#inbox.pendingBytes > 0;
    this.#end(statusOfTrailers(list, isCut));
  }

  onRequestWritable(bytes: number): void {
    if (this.#isLeft) return;
    this.#waitingBytes -= bytes;
    if (this.#waitingBytes === 0) this.#events.onWritable();
  }

  onRequestStopped(_code: ErrorCode): void {}

  onFailed(failure: CallFailure): void {
    const status = statusOfFailure(failure, this.#owner.nowMs() >= this.config.deadlineMs);
    // Messages that came before a connection was lost are the reader's all the same.
    if (failure.kind === "deadline") this.#finish(status);
    else this.#end(status);
  }
}
