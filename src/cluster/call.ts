/**
 * One call through a cluster: its attempts, its waiting, its deadline.
 *
 * It stands between the caller's side (`CallEvents`) and the stream of the current attempt, passes
 * on what comes, and replays the call on another endpoint when the first provably did nothing with
 * it (gRFC A6, transparent retries). The caller sees one call.
 */

import type { Socket } from "node:net";
import { WheelEntry } from "../base/index.ts";
import { formatGrpcTimeout, Status, statusFromHttp2 } from "../grpc/index.ts";
import {
  ErrorCode,
  errorCodeName,
  type HeaderList,
  newField,
  type Stream,
  type StreamEvents,
  type StreamFailure,
} from "../http2/index.ts";
import type { CallQueue } from "./call-queue.ts";
import { ATTEMPTS_MAX, WIRE_REPLAYS_MAX } from "./config.ts";
import { responseStatus } from "./outcome.ts";
import { type BodyTarget, RequestBody } from "./request-body.ts";
import type { Subchannel } from "./subchannel.ts";

/** Why a call ended without a response of its own. */
export interface CallFailure {
  /**
   * `refused`: no attempt could be made; `reset`: the server reset the stream; `lost`: the
   * connection ended or the server broke the protocol; `deadline`: time is up; `drained`: we end;
   * `stalled`: its answer was not read while others waited for a stream.
   */
  readonly kind: "refused" | "reset" | "lost" | "deadline" | "drained" | "stalled";
  /** The HTTP/2 code, for a caller that must be told by a reset. */
  readonly code: ErrorCode;
  readonly status: Status;
  /** One clause for people. */
  readonly reason: string;
}

/** The caller's side. Called synchronously; each method may call any method of the call. */
export interface CallEvents {
  /** Final response headers. */
  onResponse(list: HeaderList, isEnd: boolean): void;
  /** A 1xx response. */
  onInformational(list: HeaderList): void;
  /**
   * Response bytes[start, end), to be read only until this returns; returns the bytes done with.
   */
  onResponseData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number;
  /** Response trailers: the response is complete. */
  onResponseTrailers(list: HeaderList): void;
  /** `bytes` of the request that had to wait have left. */
  onRequestWritable(bytes: number): void;
  /** The response is complete and the server wants no more of the request. RFC 9113 §8.1. */
  onRequestStopped(code: ErrorCode): void;
  /** The call ended without a complete response. Nothing follows. */
  onFailed(failure: CallFailure): void;
}

/** What a call needs of its cluster. */
export interface CallOwner {
  /** How much later than its deadline a call is ended. */
  readonly deadlineGraceMs: number;
  /** Sends the call on: to an endpoint other than `exclude` where there is one, or into a queue. */
  dispatch(call: Call, exclude: Subchannel | null, nowMs: number): void;
  /** Sets the call's only timer. */
  arm(call: Call, atMs: number): void;
  disarm(call: Call): void;
  nowMs(): number;
  onCallEnded(call: Call): void;
  /** The call has waited in its queue for as long as it may: fails it. */
  onWaitedTooLong(call: Call): void;
}

/** A call in flight. Made by `Cluster.call`. */
export class Call extends WheelEntry implements StreamEvents, BodyTarget {
  /** Since when it waits for a stream. */
  waitingSinceMs = 0;
  /** The queue in which it waits, and its neighbours there; see `CallQueue`. */
  queue: CallQueue | null = null;
  queueNext: Call | null = null;
  queuePrevious: Call | null = null;
  /** On whose behalf it is, such as a client connection; see `TurnQueue`. */
  caller: object | null = null;
  /** False: it does not wait while nothing is about to be ready. To be set before `start`. */
  waitForReady = true;
  readonly #owner: CallOwner;
  readonly #events: CallEvents;
  #list: HeaderList;
  /** When the deadline is over, or Infinity. */
  deadlineMs: number;
  readonly #startedMs: number;
  #stream: Stream | null = null;
  #subchannel: Subchannel | null = null;
  /** The same, and it stays when the attempt is over. */
  #lastSubchannel: Subchannel | null = null;
  /** What a replay would need; null once it is impossible. */
  #body: RequestBody | null = null;
  #isReplayable = true;
  #trailers: HeaderList | null = null;
  #isRequestEnded: boolean;
  #isResponseEnded = false;
  /** The final response headers, once they came. */
  #response: HeaderList | null = null;
  #isOver = false;
  /** Inside `start`: no time has passed since the request came. */
  #isStarting = false;
  #attemptMs = 0;
  #attempts = 0;
  #wireReplays = 0;
  /** Request bytes that left in this attempt, and that the caller got credit for in all. */
  #sentBytes = 0;
  #creditedBytes = 0;

  constructor(
    owner: CallOwner,
    list: HeaderList,
    isEnd: boolean,
    events: CallEvents,
    deadlineMs: number,
    nowMs: number,
  ) {
    super();
    this.#owner = owner;
    this.#list = list;
    this.#isRequestEnded = isEnd;
    this.#events = events;
    this.deadlineMs = deadlineMs;
    this.#startedMs = nowMs;
  }

  /**
   * Settings that came late: what is sent, until when, whether it waits. False, and nothing is
   * changed, when it had its first attempt already.
   */
  reconfigure(list: HeaderList, deadlineMs: number, waitForReady: boolean): boolean {
    if (this.#attempts > 0 || this.#isOver) return false;
    this.#list = list;
    this.deadlineMs = deadlineMs;
    this.waitForReady = waitForReady;
    if (deadlineMs === Number.POSITIVE_INFINITY) this.#owner.disarm(this);
    else this.#owner.arm(this, deadlineMs);
    return true;
  }

  /** Sends it on its way; events may come before this returns. */
  start(): void {
    this.#isStarting = true;
    this.#owner.dispatch(this, null, this.#startedMs);
    this.#isStarting = false;
  }

  /** Its request headers, as its caller has them. */
  get request(): HeaderList {
    return this.#list;
  }

  /** The endpoint of the current attempt, or null. */
  get subchannel(): Subchannel | null {
    return this.#subchannel;
  }

  /** Where its last attempt went; null before the first. It stays when the call is over. */
  get address(): string | null {
    return this.#lastSubchannel === null ? null : this.#lastSubchannel.endpoint.address;
  }

  /** A socket to that endpoint; null when none is open. With several connections, the first. */
  get socket(): Socket | null {
    return this.#lastSubchannel === null ? null : this.#lastSubchannel.socket;
  }

  /**
   * Sends request bytes[start, end). Returns the bytes that left (or are of no interest any more);
   * the others are copied, and reported by `onRequestWritable`.
   */
  sendData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    const count = end - start;
    if (this.#isOver) return count;
    if (isEnd) this.#isRequestEnded = true;
    const stream = this.#stream;
    if (stream === null) {
      this.#body ??= new RequestBody();
      this.#body.push(bytes, start, end);
      return 0;
    }
    if (this.#isReplayable && count > 0) this.#keep(bytes, start, end);
    this.#sentBytes += stream.sendData(bytes, start, end, isEnd);
    if (isEnd && this.#isResponseEnded) this.#end();
    return this.#takeCredit();
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    this.#body ??= new RequestBody();
    if (this.#body.canKeep(end - start)) this.#body.push(bytes, start, end);
    else this.#commit();
  }

  /** Credit for what left and was not credited in an earlier attempt. */
  #takeCredit(): number {
    const more = this.#sentBytes - this.#creditedBytes;
    if (more <= 0) return 0;
    this.#creditedBytes = this.#sentBytes;
    return more;
  }

  /** Ends the request with trailers. */
  sendTrailers(list: HeaderList): void {
    if (this.#isOver) return;
    this.#isRequestEnded = true;
    this.#trailers = list;
    this.#stream?.sendTrailers(list);
    if (this.#isResponseEnded) this.#end();
  }

  /** Grants response bytes back to the server: they were passed on. */
  credit(bytes: number): void {
    this.#stream?.credit(bytes);
  }

  /** The caller gave up. Synchronous: when this returns, the call is out of everything. */
  cancel(code: ErrorCode): void {
    if (this.#isOver) return;
    this.#stream?.reset(code);
    if (!this.#isResponseEnded) this.#endAttempt(Status.CANCELLED);
    this.#end();
  }

  /** From the cluster: makes an attempt on an endpoint that can take it. */
  startOn(subchannel: Subchannel): void {
    this.#attempts += 1;
    this.#subchannel = subchannel;
    this.#lastSubchannel = subchannel;
    this.#sentBytes = 0;
    // One that did not wait starts when it came: the clock is not asked, its list goes on as it is.
    const nowMs = this.#isStarting ? this.#startedMs : this.#owner.nowMs();
    this.#attemptMs = nowMs;
    const body = this.#body;
    const hasBody = body !== null && body.length > 0;
    const isEnd = this.#isRequestEnded && !hasBody && this.#trailers === null;
    this.#stream = subchannel.open(this.#listToSend(nowMs), isEnd, this, nowMs);
    if (this.deadlineMs !== Number.POSITIVE_INFINITY) {
      this.#owner.arm(this, this.deadlineMs + this.#owner.deadlineGraceMs);
    } else this.#owner.disarm(this);
    if (hasBody) this.#sendKept(body);
    if (this.#trailers !== null) this.#stream.sendTrailers(this.#trailers);
  }

  #sendKept(body: RequestBody): void {
    body.sendTo(this, this.#isRequestEnded && this.#trailers === null);
    if (!body.canKeep(0)) this.#commit();
    const more = this.#takeCredit();
    if (more > 0) this.#events.onRequestWritable(more);
  }

  /** From `RequestBody.sendTo`. */
  sendBody(bytes: Uint8Array, start: number, end: number, isEnd: boolean): void {
    this.#sentBytes += this.#stream!.sendData(bytes, start, end, isEnd);
  }

  /** `grpc-timeout` goes on as the time that remains, never longer than it came. */
  #listToSend(nowMs: number): HeaderList {
    const timeout = this.#list.grpcTimeout;
    if (timeout === null || this.deadlineMs === Number.POSITIVE_INFINITY) return this.#list;
    if (nowMs - this.#startedMs < 1) return this.#list;
    const value = formatGrpcTimeout(Math.max(0, this.deadlineMs - nowMs));
    return this.#list.replacing(timeout, newField("grpc-timeout", value));
  }

  /** From now on the call cannot be replayed. */
  #commit(): void {
    this.#isReplayable = false;
    this.#body?.clear();
    this.#body = null;
  }

  #endAttempt(status: Status, isUnprocessed = false): void {
    const subchannel = this.#subchannel;
    if (subchannel === null) return;
    this.#subchannel = null;
    subchannel.onAttemptEnded(status, this.#attemptMs, isUnprocessed);
  }

  /** Out of queue and wheel; nothing more is reported. */
  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.queue?.remove(this);
    this.#owner.disarm(this);
    this.#commit();
    this.#owner.onCallEnded(this);
  }

  /** Ends a call that has no (complete) response. */
  fail(kind: CallFailure["kind"], code: ErrorCode, status: Status, reason: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#events.onFailed({ kind, code, status, reason });
  }

  /** From the wheel: the deadline, or the end of waiting for something ready. */
  onDeadline(nowMs: number): void {
    if (this.#stream === null) {
      this.#owner.onWaitedTooLong(this);
      return;
    }
    this.#stream.reset(ErrorCode.CANCEL);
    const address = this.#subchannel?.endpoint.address ?? "";
    this.#endAttempt(Status.DEADLINE_EXCEEDED);
    const afterMs = Math.round(nowMs - this.#startedMs);
    const reason = `deadline exceeded after ${afterMs} ms, waiting for ${address}`;
    this.fail("deadline", ErrorCode.CANCEL, Status.DEADLINE_EXCEEDED, reason);
  }

  // StreamEvents of the attempt

  onHeaders(list: HeaderList, isEnd: boolean): void {
    this.#response = list;
    this.#commit();
    this.#subchannel?.onAttemptAnswered(this.#attemptMs);
    if (isEnd) this.#endResponse(responseStatus(list, list, this.#list));
    this.#events.onResponse(list, isEnd);
  }

  onInformational(list: HeaderList): void {
    this.#commit();
    this.#events.onInformational(list);
  }

  onData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    if (isEnd) this.#endResponse(responseStatus(null, this.#response, this.#list));
    return this.#events.onResponseData(bytes, start, end, isEnd);
  }

  onTrailers(list: HeaderList): void {
    this.#endResponse(responseStatus(list, this.#response, this.#list));
    this.#events.onResponseTrailers(list);
  }

  #endResponse(status: Status): void {
    this.#isResponseEnded = true;
    this.#endAttempt(status);
    if (this.#isRequestEnded) this.#end();
    else this.#owner.disarm(this);
  }

  onWritable(bytes: number): void {
    this.#sentBytes += bytes;
    const more = this.#takeCredit();
    if (more > 0 && !this.#isOver) this.#events.onRequestWritable(more);
  }

  onReset(failure: StreamFailure): void {
    if (this.#isOver) return;
    if (this.#isResponseEnded) {
      this.#end();
      this.#events.onRequestStopped(failure.code);
      return;
    }
    const from = this.#subchannel;
    this.#stream = null;
    const isReset = failure.by === "remote" && !failure.isUnprocessed;
    const status = isReset ? statusFromHttp2(failure.code) : Status.UNAVAILABLE;
    this.#endAttempt(status, failure.isUnprocessed);
    if (failure.isUnprocessed && this.#mayReplay(failure)) {
      this.#owner.dispatch(this, from, this.#owner.nowMs());
      return;
    }
    const where = from === null ? "" : `${from.endpoint.address}: `;
    if (isReset) {
      const reason = `${where}the server reset the stream: ${errorCodeName(failure.code)}`;
      this.fail("reset", failure.code, status, reason);
      return;
    }
    this.fail("lost", ErrorCode.CANCEL, status, where + failure.reason);
  }

  /** gRFC A6: without limit while nothing reached the wire, once when it did. */
  #mayReplay(failure: StreamFailure): boolean {
    if (!this.#isReplayable || this.#attempts >= ATTEMPTS_MAX) return false;
    if (failure.by !== "remote") return true;
    this.#wireReplays += 1;
    return this.#wireReplays <= WIRE_REPLAYS_MAX;
  }
}
