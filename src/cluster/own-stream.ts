/**
 * A gRPC call of our own on an endpoint's connection: a health check, or a stream of load reports.
 *
 * It is no call of anybody: no metric counts it, nothing waits for it, and it ends with its
 * connection, whose draining it does not hold up. One request message, then messages as they come,
 * each at once; nothing is kept but the message that is being cut.
 */

import { type Clock, printable } from "../base/index.ts";
import {
  decodeGrpcMessage,
  FramingFault,
  MessageReader,
  PREFIX_BYTES,
  parseGrpcStatus,
  Status,
  statusFromHttp,
  statusFromHttp2,
  statusName,
  writePrefix,
} from "../grpc/index.ts";
import {
  ErrorCode,
  errorCodeName,
  type HeaderList,
  type Stream,
  type StreamEvents,
  type StreamFailure,
} from "../http2/index.ts";
import type { Upstream } from "./upstream.ts";

/** A message of a health check has a few bytes; a report of load with all its names fits. */
export const OWN_MESSAGE_BYTES_MAX = 65_536;
/** Messages that a stream may send at once; a health that changes more often is no health. */
export const OWN_MESSAGES_MAX = 1_000;
/** What it earns back per second. */
const OWN_MESSAGES_PER_SECOND = 100;

/** What is asked. */
export interface OwnRequest {
  readonly list: HeaderList;
  /** With its prefix. */
  readonly message: Uint8Array;
}

/** A message with the prefix of the protocol. */
export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PREFIX_BYTES + message.length);
  writePrefix(bytes, 0, false, message.length);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}

/** Who opened a stream. Each method may cancel it. */
export interface OwnStreamUser {
  onMessage(message: Uint8Array): void;
  /**
   * It is over; nothing follows. Neither this nor `onRefused` is told of one that was cancelled.
   *
   * @param status null when its connection has ended, or takes no new streams any more.
   * @param reason one clause for people.
   */
  onEnded(status: Status | null, reason: string): void;
  /** It was ended here, for what the endpoint sent. Nothing follows. */
  onRefused(reason: string): void;
}

/** See the head of this file. */
export class OwnStream extends MessageReader implements StreamEvents {
  readonly #upstream: Upstream;
  readonly #clock: Clock;
  readonly #user: OwnStreamUser;
  readonly #stream: Stream;
  #isOver = false;
  /** Messages that it may still send, as of `#allowedAtMs`. */
  #allowed = OWN_MESSAGES_MAX;
  #allowedAtMs: number;

  /** @param upstream can open a stream: the caller asked. */
  constructor(upstream: Upstream, request: OwnRequest, clock: Clock, user: OwnStreamUser) {
    super(OWN_MESSAGE_BYTES_MAX);
    this.#upstream = upstream;
    this.#clock = clock;
    this.#user = user;
    this.#allowedAtMs = clock.nowMs();
    this.#stream = upstream.openOwn(request.list, this, this.#allowedAtMs);
    this.#stream.sendData(request.message, 0, request.message.length, true);
  }

  /** Ends it; its user hears nothing more. */
  cancel(): void {
    if (this.#isOver) return;
    this.#end();
    this.#stream.reset(ErrorCode.CANCEL);
  }

  /** From `Upstream`: the connection is on its way out. */
  onDraining(reason: string): void {
    if (this.#isOver) return;
    this.cancel();
    this.#user.onEnded(null, reason);
  }

  #end(): void {
    this.#isOver = true;
    this.#upstream.forgetOwn(this);
  }

  /** The endpoint has ended it. */
  #finish(status: Status, reason: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#user.onEnded(status, reason);
  }

  #refuse(reason: string): void {
    if (this.#isOver) return;
    this.cancel();
    this.#user.onRefused(reason);
  }

  // MessageReader

  onWholeMessage(message: Buffer, isCompressed: boolean): boolean {
    if (isCompressed) this.#refuse("a compressed message, which nobody asked for");
    else if (!this.#mayCome()) this.#refuse("too many messages");
    else this.#user.onMessage(message);
    return !this.#isOver;
  }

  #mayCome(): boolean {
    const nowMs = this.#clock.nowMs();
    const earned = ((nowMs - this.#allowedAtMs) / 1_000) * OWN_MESSAGES_PER_SECOND;
    this.#allowedAtMs = nowMs;
    this.#allowed = Math.min(OWN_MESSAGES_MAX, this.#allowed + earned) - 1;
    return this.#allowed >= 0;
  }

  // StreamEvents

  onHeaders(list: HeaderList, isEnd: boolean): void {
    this.#upstream.noteOwnFrame();
    if (isEnd) {
      this.#finishBy(list);
      return;
    }
    const httpStatus = Number(list.status?.value ?? 0);
    if (httpStatus === 200) return;
    this.cancel();
    this.#user.onEnded(statusFromHttp(httpStatus), `HTTP status ${httpStatus}`);
  }

  onInformational(): void {
    this.#upstream.noteOwnFrame();
  }

  onData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    this.#upstream.noteOwnFrame();
    if (this.#isOver) return end - start;
    const fault = this.push(bytes, start, end);
    if (fault === FramingFault.BAD_FLAG) this.#refuse("bytes that are no messages");
    else if (fault === FramingFault.TOO_LARGE) {
      const reason = `a message of ${this.badLength} bytes, more than ${OWN_MESSAGE_BYTES_MAX}`;
      this.#refuse(reason);
    }
    if (isEnd) this.#finish(Status.UNKNOWN, "it ended without a status");
    return end - start;
  }

  onTrailers(list: HeaderList): void {
    this.#upstream.noteOwnFrame();
    this.#finishBy(list);
  }

  #finishBy(list: HeaderList): void {
    if (list.grpcStatus === null) {
      const httpStatus = Number(list.status?.value ?? 0);
      this.#finish(statusFromHttp(httpStatus), `it ended without a status, HTTP ${httpStatus}`);
      return;
    }
    const status = parseGrpcStatus(list.grpcStatus.value);
    const message = decodeGrpcMessage(list.get("grpc-message") ?? "");
    const words = message === "" ? "" : `: ${printable(message)}`;
    this.#finish(status, statusName(status) + words);
  }

  onReset(failure: StreamFailure): void {
    const { by, code, isUnprocessed, reason } = failure;
    if (this.#isOver) return;
    if (!this.#upstream.isUsable) {
      this.#end();
      this.#user.onEnded(null, reason);
    } else if (by === "remote" && !isUnprocessed) {
      this.#finish(statusFromHttp2(code), `the server reset it: ${errorCodeName(code)}`);
    } else this.#finish(Status.UNAVAILABLE, reason);
  }

  /** The request is a few bytes, of which nothing is waited for. */
  onWritable(): void {}
}
