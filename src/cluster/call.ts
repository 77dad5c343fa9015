/**
 * One call through a cluster: its attempts, its waiting, its deadline.
 *
 * It stands between the caller's side (`CallEvents`) and the stream of the current attempt, passes
 * on what comes, and sends the call again: to another endpoint when the first provably did nothing
 * with it, and when its plan (a retry policy) says so. gRFC A6. The caller sees one call.
 */

import type { Socket } from "node:net";
import type { PickRequest } from "../balancing/index.ts";
import { Status, statusFromHttp2 } from "../grpc/index.ts";
import {
  ErrorCode,
  errorCodeName,
  type HeaderList,
  type Stream,
  type StreamEvents,
  type StreamFailure,
} from "../http2/index.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import type { CallEvents, CallFailure } from "./call-events.ts";
import type { CallOwner, LateSettings } from "./call-owner.ts";
import type { ClusterCall } from "./calls.ts";
import { ATTEMPTS_MAX, WIRE_REPLAYS_MAX } from "./config.ts";
import { responseStatus } from "./outcome.ts";
import { type BodyTarget, RequestBody } from "./request-body.ts";
import { withPrevious, withRemaining } from "./request-headers.ts";
import type { Subchannel } from "./subchannel.ts";
import { WaitingEntry } from "./waiting-entry.ts";

/** A call in flight. Made by `Cluster.call`. */
export class Call extends WaitingEntry implements StreamEvents, BodyTarget, PickRequest {
  /** Its other attempts; null when there can be none. To be set before `start`. */
  plan: AttemptPlan | null = null;
  /** Inside `start`: no time has passed since the request came. */
  isStarting = false;
  readonly #owner: CallOwner;
  /** Who hears of it. */
  events: CallEvents;
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
  #attemptMs = 0;
  #hasStarted = false;
  #replays = 0;
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
    this.events = events;
    this.deadlineMs = deadlineMs;
    this.#startedMs = nowMs;
  }

  /**
   * Settings that came late: what is sent, until when, whether it waits, its policies. Null, and
   * nothing is changed, when it had its first attempt already; else what is the call from now on.
   */
  reconfigure({ list, deadlineMs, waitForReady, config }: LateSettings): ClusterCall | null {
    if (this.#hasStarted || this.#isOver || this.queue === null) return null;
    this.#list = list;
    this.deadlineMs = deadlineMs;
    this.waitForReady = waitForReady;
    this.#owner.armWaiting(this);
    return this.plan?.isPart === true ? this : this.#owner.plan(this, config);
  }

  /** What it has of the request goes to another call, of which it is a part from now on. */
  handOver(events: CallEvents) {
    this.events = events;
    return { body: this.#body, isRequestEnded: this.#isRequestEnded, trailers: this.#trailers };
  }

  /** Sends it on its way; events may come before this returns. */
  start(): void {
    this.isStarting = true;
    this.#owner.dispatch(this, this.#startedMs);
    this.isStarting = false;
  }

  /** Its request headers, as its caller has them. */
  get request(): HeaderList {
    return this.#list;
  }

  /** See `PickRequest`. */
  joined(name: string): string | null {
    return this.#list.joined(name);
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
      this.#body ??= new RequestBody(this.#owner.replayBounds);
      this.#body.push(bytes, start, end);
      return 0;
    }
    if (this.#isReplayable && count > 0) this.#keep(bytes, start, end);
    this.#sentBytes += stream.sendData(bytes, start, end, isEnd);
    if (isEnd && this.#isResponseEnded) this.#end();
    return this.#takeCredit();
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    this.#body ??= new RequestBody(this.#owner.replayBounds);
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
    this.#hasStarted = true;
    this.onPlaced();
    this.#subchannel = subchannel;
    this.#lastSubchannel = subchannel;
    this.#sentBytes = 0;
    // One that did not wait starts when it came: the clock is not asked, its list goes on as it is.
    const nowMs = this.isStarting ? this.#startedMs : this.#owner.nowMs();
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
    this.plan?.onPlaced(nowMs);
  }

  #sendKept(body: RequestBody): void {
    body.sendTo(this, this.#isRequestEnded && this.#trailers === null);
    if (!body.canKeep(0)) this.#commit();
    const more = this.#takeCredit();
    if (more > 0) this.events.onRequestWritable(more);
  }

  /** From `RequestBody.sendTo`. */
  sendBody(bytes: Uint8Array, start: number, end: number, isEnd: boolean): void {
    this.#sentBytes += this.#stream!.sendData(bytes, start, end, isEnd);
  }

  /** What a further attempt says is different: what is left of the time, and that it is one. */
  #listToSend(nowMs: number): HeaderList {
    const list = this.plan === null ? this.#list : withPrevious(this.#list, this.plan.previous);
    const { deadlineMs } = this;
    if (deadlineMs === Number.POSITIVE_INFINITY || nowMs - this.#startedMs < 1) return list;
    return withRemaining(list, deadlineMs - nowMs);
  }

  /** From now on the call cannot be replayed. */
  #commit(): void {
    this.#isReplayable = false;
    this.#body?.clear();
    this.#body = null;
  }

  #endAttempt(status: Status, isUnprocessed = false): void {
    const subchannel = this.#subchannel;
    this.#subchannel = null;
    subchannel?.onAttemptEnded(status, this.#attemptMs, isUnprocessed);
  }

  /** Out of queue and wheel; nothing more is reported. */
  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.queue?.remove(this);
    this.#owner.disarm(this);
    this.#commit();
    this.plan?.onOver();
    this.#owner.onCallEnded(this, this.#replays);
  }

  /** Ends a call that has no (complete) response. */
  fail(kind: CallFailure["kind"], code: ErrorCode, status: Status, reason: string): void {
    if (this.#isOver) return;
    this.#end();
    this.events.onFailed({ kind, code, status, reason });
  }

  /** From the wheel: the deadline, or the end of waiting, for something ready or in backoff. */
  onDeadline(nowMs: number): void {
    if (this.#stream !== null) {
      this.#stream.reset(ErrorCode.CANCEL);
      const address = this.#subchannel?.endpoint.address ?? "";
      this.#endAttempt(Status.DEADLINE_EXCEEDED);
      this.#exceed(nowMs, `for ${address}`);
    } else if (this.queue !== null) this.#owner.onWaitedTooLong(this);
    else if (nowMs >= this.deadlineMs) this.#exceed(nowMs, "to be sent again");
    else this.#sendAgain(nowMs);
  }

  #exceed(nowMs: number, what: string): void {
    const afterMs = Math.round(nowMs - this.#startedMs);
    const reason = `deadline exceeded after ${afterMs} ms, waiting ${what}`;
    this.fail("deadline", ErrorCode.CANCEL, Status.DEADLINE_EXCEEDED, reason);
  }

  #sendAgain(nowMs: number): void {
    this.#owner.disarm(this);
    this.plan!.onBackoffOver(nowMs - this.#attemptMs);
    this.#owner.dispatch(this, nowMs);
  }

  /**
   * No endpoint can be had for it, which its policy may make good. "If the pick result type was
   * TRANSIENT_FAILURE, the RPC will be handled by the configured retry policy." (A6) False: it is
   * to be failed.
   */
  isRetriedUnplaced(): boolean {
    return !this.waitForReady && this.#isRetried(Status.UNAVAILABLE, null);
  }

  /** An attempt ended: does another one follow? Then nothing is left of this one. gRFC A6. */
  #isRetried(status: Status, last: HeaderList | null, isUnprocessed = false): boolean {
    const { plan } = this;
    if (plan === null) return false;
    const from = this.#subchannel;
    const delayMs = plan.onAttemptEnded(status, last, this.#isReplayable);
    if (delayMs < 0) return false;
    if (from !== null) plan.tried.push(from);
    this.queue?.remove(this);
    this.#stream?.reset(ErrorCode.CANCEL);
    this.#stream = null;
    this.#endAttempt(status, isUnprocessed);
    const nowMs = this.#owner.nowMs();
    this.#attemptMs = nowMs; // in backoff this is when it began
    if (delayMs === 0) this.#sendAgain(nowMs);
    else this.#owner.arm(this, Math.min(nowMs + delayMs, this.deadlineMs));
    return true;
  }

  // StreamEvents of the attempt

  onHeaders(list: HeaderList, isEnd: boolean): void {
    if (isEnd) this.#subchannel?.onAttemptTrailers(list);
    const status = isEnd ? responseStatus(list, list, this.#list) : Status.OK;
    if (isEnd && this.#isRetried(status, list)) return;
    this.#response = list;
    this.#commit();
    this.#subchannel?.onAttemptAnswered(this.#attemptMs);
    if (isEnd) this.#endResponse(status);
    else this.plan?.onCommitted();
    this.events.onResponse(list, isEnd);
  }

  onInformational(list: HeaderList): void {
    this.#commit();
    this.events.onInformational(list);
  }

  onData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    if (isEnd) this.#complete(null);
    return this.events.onResponseData(bytes, start, end, isEnd);
  }

  onTrailers(list: HeaderList): void {
    this.#subchannel?.onAttemptTrailers(list);
    this.#complete(list);
    this.events.onResponseTrailers(list);
  }

  #complete(trailers: HeaderList | null): void {
    const status = responseStatus(trailers, this.#response, this.#list);
    this.plan?.onAttemptEnded(status, trailers, false);
    this.#endResponse(status);
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
    if (more > 0 && !this.#isOver) this.events.onRequestWritable(more);
  }

  onReset(failure: StreamFailure): void {
    if (this.#isOver) return;
    if (this.#isResponseEnded) {
      this.#end();
      this.events.onRequestStopped(failure.code);
      return;
    }
    const from = this.#subchannel;
    this.#stream = null;
    const isReset = failure.by === "remote" && !failure.isUnprocessed;
    const status = isReset ? statusFromHttp2(failure.code) : Status.UNAVAILABLE;
    if (failure.isUnprocessed && this.#mayReplay(failure)) {
      this.#replays += 1;
      this.#endAttempt(status, true);
      if (from !== null) this.plan?.tried.push(from);
      this.#owner.replay(this, from, this.#owner.nowMs());
      return;
    }
    if (this.#isRetried(status, null, failure.isUnprocessed)) return;
    this.#endAttempt(status, failure.isUnprocessed);
    const where = from === null ? "" : `${from.endpoint.address}: `;
    const code = isReset ? failure.code : ErrorCode.CANCEL;
    const said = `the server reset the stream: ${errorCodeName(code)}`;
    this.fail(isReset ? "reset" : "lost", code, status, where + (isReset ? said : failure.reason));
  }

  /** gRFC A6: without limit while nothing reached the wire, once when it did. */
  #mayReplay(failure: StreamFailure): boolean {
    if (!this.#isReplayable || this.#replays + 1 >= ATTEMPTS_MAX) return false;
    if (failure.by !== "remote") return true;
    this.#wireReplays += 1;
    return this.#wireReplays <= WIRE_REPLAYS_MAX;
  }
}
