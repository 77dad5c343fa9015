/**
 * One call of a method with a hedging policy: several attempts of it at once, each an ordinary call
 * on an endpoint of its own, of which the first good answer counts. gRFC A6.
 *
 * For its caller it is like a `Call`. It keeps the request, for the attempts that are still to
 * come, until it is committed: to the attempt whose response headers came, or, when the request is
 * larger than what may be kept, to the one that has sent the most of it.
 */

import type { Socket } from "node:net";
import { WheelEntry } from "../base/index.ts";
import { type HedgingPolicy, Status } from "../grpc/index.ts";
import { ErrorCode, type HeaderList } from "../http2/index.ts";
import { NO_RETRY } from "./attempt-plan.ts";
import type { Call } from "./call.ts";
import type { CallEvents, CallFailure } from "./call-events.ts";
import type { LateSettings } from "./call-owner.ts";
import { pushbackOf } from "./call-retries.ts";
import { HedgeAttempt, type HedgeAttemptOwner } from "./hedge-attempt.ts";
import type { HedgeOwner } from "./hedge-owner.ts";
import { responseStatus } from "./outcome.ts";
import { type BodyTarget, RequestBody } from "./request-body.ts";
import type { Subchannel } from "./subchannel.ts";

/** See the head of this file. Made by `Cluster.call`. */
export class HedgedCall extends WheelEntry implements HedgeAttemptOwner, BodyTarget {
  caller: object | null = null;
  hashHeader: string | null = null;
  waitForReady = true;
  deadlineMs: number;
  readonly tried: Subchannel[] = [];
  readonly #owner: HedgeOwner;
  readonly #events: CallEvents;
  readonly #policy: HedgingPolicy;
  #list: HeaderList;
  readonly #startedMs: number;
  /** Attempts that are not over. */
  #attempts: HedgeAttempt[] = [];
  /** The one that was started last, and the only one that counts, once that is known. */
  #last: HedgeAttempt | null = null;
  #committed: HedgeAttempt | null = null;
  #startedCount = 0;
  /** Whether more attempts may follow: no server and no lack of room has said no. */
  #mayHedge = true;
  /** When the next is due; Infinity when none is. */
  #nextMs = Number.POSITIVE_INFINITY;
  #body: RequestBody | null = null;
  #isRequestEnded: boolean;
  #trailers: HeaderList | null = null;
  #creditedBytes = 0;
  #isOver = false;

  constructor(
    owner: HedgeOwner,
    list: HeaderList,
    isEnd: boolean,
    events: CallEvents,
    deadlineMs: number,
    nowMs: number,
    policy: HedgingPolicy,
  ) {
    super();
    this.#owner = owner;
    this.#list = list;
    this.#isRequestEnded = isEnd;
    this.#events = events;
    this.deadlineMs = deadlineMs;
    this.#startedMs = nowMs;
    this.#policy = policy;
  }

  /** See `Call.start`. */
  start(): void {
    this.#launch(this.#startedMs);
  }

  /** See `Call.reconfigure`; the policy stays. */
  reconfigure(settings: LateSettings): HedgedCall | null {
    const [first, second] = this.#attempts;
    if (first === undefined || second !== undefined || this.#committed !== null) return null;
    if (first.call.reconfigure(settings) === null) return null;
    this.#list = settings.list;
    this.deadlineMs = settings.deadlineMs;
    this.waitForReady = settings.waitForReady;
    return this;
  }

  /** Takes over a call that waits and of which its policy was not known: its first attempt. */
  takeOver(call: Call): void {
    const attempt = new HedgeAttempt(this, 0);
    this.#startedCount = 1;
    this.#last = attempt;
    this.#attempts.push(attempt);
    this.waitForReady = call.waitForReady;
    attempt.join(call);
    const { body, isRequestEnded, trailers } = call.handOver(attempt);
    this.#isRequestEnded = isRequestEnded;
    this.#trailers = trailers;
    if (body !== null) this.#body = body.copy();
  }

  /** The endpoint of the attempt that counts, or of any; null when none has one. */
  get subchannel(): Subchannel | null {
    if (this.#committed !== null) return this.#committed.call.subchannel;
    for (const { call } of this.#attempts) if (call.subchannel !== null) return call.subchannel;
    return null;
  }

  /** See `Call.address`; of the attempt that counts, or else of the one that was made last. */
  get address(): string | null {
    return (this.#committed ?? this.#last)?.call.address ?? null;
  }

  /** A socket to that endpoint; null when none is open. */
  get socket(): Socket | null {
    return (this.#committed ?? this.#last)?.call.socket ?? null;
  }

  /** See `Call.sendData`. What has left with any attempt is credited: it is kept for the others. */
  sendData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    if (this.#isOver) return end - start;
    if (isEnd) this.#isRequestEnded = true;
    if (this.#committed === null) this.#keep(bytes, start, end);
    for (const attempt of [...this.#attempts]) attempt.send(bytes, start, end, isEnd);
    return this.#isOver ? end - start : this.#takeCredit();
  }

  /**
   * "the client will continue the currently in-flight attempt on which the maximum number of
   * messages have already been sent. All other currently in-flight attempts will be immediately
   * cancelled, and no subsequent attempts will be started." (A6) With none in flight the next one
   * is the last.
   */
  #keep(bytes: Uint8Array, start: number, end: number): void {
    this.#body ??= new RequestBody(this.#owner.replayBounds);
    if (this.#attempts.length === 0 || this.#body.canKeep(end - start)) {
      this.#body.push(bytes, start, end);
    } else this.#commit(this.#attempts.reduce((a, b) => (b.sentBytes > a.sentBytes ? b : a)));
  }

  /** Credit for what left with an attempt and was not credited for another. */
  #takeCredit(): number {
    let sent = this.#committed === null ? 0 : this.#committed.sentBytes;
    if (this.#committed === null) {
      for (const attempt of this.#attempts) sent = Math.max(sent, attempt.sentBytes);
    }
    const more = sent - this.#creditedBytes;
    if (more <= 0) return 0;
    this.#creditedBytes = sent;
    return more;
  }

  /** See `Call.sendTrailers`. */
  sendTrailers(list: HeaderList): void {
    if (this.#isOver) return;
    this.#isRequestEnded = true;
    this.#trailers = list;
    for (const { call } of [...this.#attempts]) call.sendTrailers(list);
  }

  /** See `Call.credit`. */
  credit(bytes: number): void {
    this.#committed?.call.credit(bytes);
  }

  /** See `Call.cancel`. */
  cancel(code: ErrorCode): void {
    this.#cancelAll(code, null);
    this.#end();
  }

  #cancelAll(code: ErrorCode, but: HedgeAttempt | null): void {
    for (const attempt of [...this.#attempts]) {
      if (attempt !== but) this.#drop(attempt, code);
    }
  }

  /** It counts no more, whatever becomes of it. */
  #drop(attempt: HedgeAttempt, code: ErrorCode): void {
    this.#attempts = this.#attempts.filter((each) => each !== attempt);
    attempt.call.cancel(code);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.disarm(this);
    this.#body?.clear();
    this.#body = null;
    this.#owner.onHedgedCallEnded(Math.max(0, this.#startedCount - 1));
  }

  // Attempts come

  #launch(nowMs: number): void {
    this.#noteTried();
    const attempt = new HedgeAttempt(this, this.#startedCount);
    attempt.hasRoom = this.#startedCount > 0;
    this.#startedCount += 1;
    const body = this.#body;
    const hasMore = this.#trailers !== null || (body !== null && body.length > 0);
    const isEnd = this.#isRequestEnded && !hasMore;
    const call = this.#owner.newAttempt(this.#list, isEnd, attempt, this.deadlineMs, nowMs);
    call.caller = this.caller;
    call.hashHeader = this.hashHeader;
    call.waitForReady = this.waitForReady;
    attempt.join(call);
    this.#last = attempt;
    this.#attempts.push(attempt);
    if (body !== null && body.length > 0) {
      body.sendTo(this, this.#isRequestEnded && this.#trailers === null);
      if (!body.canKeep(0)) this.#commit(attempt);
    }
    if (this.#trailers !== null) call.sendTrailers(this.#trailers);
    call.start();
  }

  /** "Hedged requests should be sent to distinct backends, if possible." (A6, 2017) */
  #noteTried(): void {
    for (const { call } of this.#attempts) {
      const { subchannel } = call;
      if (subchannel !== null && !this.tried.includes(subchannel)) this.tried.push(subchannel);
    }
  }

  /** From `RequestBody.sendTo`: to the attempt that is being made. */
  sendBody(bytes: Uint8Array, start: number, end: number, isEnd: boolean): void {
    this.#last!.send(bytes, start, end, isEnd);
  }

  /**
   * Makes the next attempt if there is to be one. None while another one waits for an endpoint: it
   * would wait beside it, take room, and might come to the same endpoint.
   */
  #launchNext(nowMs: number): void {
    if (!this.#canHedge || this.#attempts.some(({ call }) => call.subchannel === null)) return;
    // "subsequent hedged RPCs will only be sent if `token_count` is greater than the threshold"
    if (!this.#owner.retries.tryTakeHedge()) {
      this.#mayHedge = false;
      return;
    }
    this.#launch(nowMs);
  }

  /** The policy's delay begins when an attempt has its endpoint; a time that is set stays. */
  onAttemptPlaced(nowMs: number): void {
    if (this.#nextMs !== Number.POSITIVE_INFINITY) return;
    this.#schedule(nowMs + (this.#policy.delayMs ?? 0), nowMs);
  }

  get #canHedge(): boolean {
    const isOpen = this.#committed === null && !this.#isOver;
    return isOpen && this.#mayHedge && this.#startedCount < this.#policy.maxAttempts;
  }

  #schedule(atMs: number, nowMs: number): void {
    this.#nextMs = Number.POSITIVE_INFINITY;
    if (!this.#canHedge) return;
    if (atMs <= nowMs) {
      this.#launchNext(nowMs);
      return;
    }
    this.#nextMs = atMs;
    // Attempts in flight end at the deadline by themselves; without any somebody must.
    const lastMs = this.#attempts.length === 0 ? this.deadlineMs : Number.POSITIVE_INFINITY;
    this.#owner.arm(this, Math.min(atMs, lastMs));
  }

  /** From the wheel: the next attempt is due, or time is up before it. */
  onDeadline(nowMs: number): void {
    if (this.#attempts.length === 0 && nowMs >= this.deadlineMs) {
      const afterMs = Math.round(nowMs - this.#startedMs);
      const reason = `deadline exceeded after ${afterMs} ms, waiting to be sent again`;
      const status = Status.DEADLINE_EXCEEDED;
      this.#fail({ kind: "deadline", code: ErrorCode.CANCEL, status, reason });
      return;
    }
    this.#nextMs = Number.POSITIVE_INFINITY;
    this.#launchNext(nowMs);
  }

  #fail(failure: CallFailure): void {
    this.#cancelAll(ErrorCode.CANCEL, null);
    this.#end();
    this.#events.onFailed(failure);
  }

  // Attempts end

  #commit(attempt: HedgeAttempt): void {
    if (this.#committed !== null) return;
    this.#committed = attempt;
    this.#release(attempt);
    this.#owner.disarm(this);
    this.#cancelAll(ErrorCode.CANCEL, attempt);
    this.#body?.clear();
    this.#body = null;
  }

  #release(attempt: HedgeAttempt): void {
    if (!attempt.hasRoom) return;
    attempt.hasRoom = false;
    this.#owner.retries.releaseHedge();
  }

  /** One that is not was dropped: nothing that it says counts. */
  #isCurrent(attempt: HedgeAttempt): boolean {
    return this.#attempts.includes(attempt);
  }

  onAttemptStatus(status: Status, last: HeaderList | null): void {
    this.#noteTried();
    const { retries } = this.#owner;
    if (status === Status.OK) retries.onSuccess();
    else if (this.#policy.nonFatalStatuses.includes(status) || pushbackOf(last) === NO_RETRY) {
      retries.onFailure();
    }
  }

  onAttemptResponse(attempt: HedgeAttempt, list: HeaderList, isEnd: boolean): void {
    if (!this.#isCurrent(attempt)) return;
    const status = isEnd ? responseStatus(list, list, this.#list) : Status.OK;
    if (this.#goesOn(attempt, status, pushbackOf(list))) return;
    // "When a non-error response is received [...], all outstanding hedged requests are canceled";
    // "If any other status code is received", too.
    this.#commit(attempt);
    if (attempt.isOver) this.#end();
    this.#events.onResponse(list, isEnd);
  }

  onAttemptFailed(attempt: HedgeAttempt, failure: CallFailure): void {
    if (!this.#isCurrent(attempt)) return;
    const { kind, status } = failure;
    if (kind === "refused" && this.#committed === null && this.#attempts.length > 1) {
      // It was refused here: the others may be answered yet, and no more are made.
      this.#mayHedge = false;
      this.#drop(attempt, ErrorCode.CANCEL);
      return;
    }
    const isAnswer = kind === "reset" || kind === "lost";
    if (!isAnswer || !this.#goesOn(attempt, status, null)) this.#fail(failure);
  }

  /** An attempt ended with a status: whether others are in flight, or are going to be. */
  #goesOn(attempt: HedgeAttempt, status: Status, pushbackMs: number | null): boolean {
    if (this.#committed !== null || !this.#policy.nonFatalStatuses.includes(status)) return false;
    // "If the pushback says not to retry, no further hedged requests will be sent."
    if (pushbackMs === NO_RETRY) this.#mayHedge = false;
    this.#drop(attempt, ErrorCode.CANCEL);
    const nowMs = this.#owner.nowMs();
    // "Send next hedged request in n ms", or "Immediately".
    this.#schedule(nowMs + (pushbackMs ?? 0), nowMs);
    const isOpen = this.#attempts.length > 0 || this.#nextMs !== Number.POSITIVE_INFINITY;
    if (isOpen || this.#isOver) return true;
    // It was the last one: what it ended with is the call's.
    this.#attempts = [attempt];
    return false;
  }

  onAttemptInformational(attempt: HedgeAttempt, list: HeaderList): void {
    if (!this.#isCurrent(attempt)) return;
    this.#commit(attempt);
    this.#events.onInformational(list);
  }

  onAttemptData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    return this.#events.onResponseData(bytes, start, end, isEnd);
  }

  onAttemptTrailers(list: HeaderList): void {
    this.#events.onResponseTrailers(list);
  }

  onAttemptSent(attempt: HedgeAttempt): void {
    if (!this.#isCurrent(attempt)) return;
    const more = this.#takeCredit();
    if (more > 0) this.#events.onRequestWritable(more);
  }

  onAttemptStopped(code: ErrorCode): void {
    this.#events.onRequestStopped(code);
  }

  onAttemptOver(attempt: HedgeAttempt): void {
    this.#release(attempt);
    if (attempt === this.#committed) this.#end();
  }
}
