/**
 * The calls that wait: for an endpoint to become ready, or for a stream on one that is full. Both
 * wait in order, in bounds and up to a time; what may not wait (any longer) fails with its reason.
 *
 * When a call may go on is the cluster's to say.
 */

import { Status } from "../grpc/index.ts";
import { ErrorCode } from "../http2/index.ts";
import type { Call } from "./call.ts";
import { CallQueue } from "./call-queue.ts";
import {
  CAPACITY_QUEUE_CALLS_MAX,
  type ClusterConfig,
  type ClusterDeps,
  READY_QUEUE_CALLS_MAX,
} from "./config.ts";
import type { ClusterMetrics, Refusal } from "./metrics.ts";
import { TurnQueue } from "./turn-queue.ts";

/** See the head of this file. */
export class WaitingCalls {
  /** Nothing is ready. */
  readonly ready = new CallQueue();
  /** Every connection is at its MAX_CONCURRENT_STREAMS. */
  readonly capacity = new TurnQueue();
  readonly #config: ClusterConfig;
  readonly #deps: ClusterDeps;
  readonly #metrics: () => ClusterMetrics;
  readonly #notReady: () => string;
  readonly #isFailing: () => boolean;

  /**
   * @param notReady why nothing is ready, in words.
   * @param isFailing whether nothing is about to be ready either.
   */
  constructor(
    config: ClusterConfig,
    deps: ClusterDeps,
    metrics: () => ClusterMetrics,
    notReady: () => string,
    isFailing: () => boolean,
  ) {
    this.#config = config;
    this.#deps = deps;
    this.#metrics = metrics;
    this.#notReady = notReady;
    this.#isFailing = isFailing;
  }

  /** Calls that wait for either. */
  get length(): number {
    return this.ready.length + this.capacity.length;
  }

  /** Nothing is ready: the call waits for that, up to a time and in bounds. */
  waitReady(call: Call): void {
    if (!this.#mayWait(call)) {
      this.#failNotReady(call);
      return;
    }
    if (this.ready.length >= READY_QUEUE_CALLS_MAX) {
      this.refuse(call, "queue_full", `${READY_QUEUE_CALLS_MAX} calls wait: ${this.#notReady()}`);
      return;
    }
    this.ready.push(call);
    if (call.waitLimitMs === 0) {
      call.waitLimitMs = this.#deps.clock.nowMs() + this.#config.readyTimeoutMs;
    }
    this.arm(call);
  }

  #mayWait(call: Call): boolean {
    if (call.waitForReady || !this.#isFailing()) return true;
    // "If the subchannel is in IDLE or CONNECTING, the pick will be queued" (A42), however many
    // others have failed.
    return call.awaited !== null && call.awaited.connectivity !== "TRANSIENT_FAILURE";
  }

  /** Sets the timer of a call to the end of its time, or of the time that it may wait here. */
  arm(call: Call): void {
    const { wheel } = this.#deps;
    const limitMs = call.queue === this.ready ? call.waitLimitMs : Number.POSITIVE_INFINITY;
    const atMs = Math.min(limitMs, call.deadlineMs);
    if (atMs === Number.POSITIVE_INFINITY) wheel.remove(call);
    else wheel.add(call, atMs);
  }

  /** Nothing is about to be ready: calls that should not wait then are told so. */
  failImpatient(): void {
    const calls: Call[] = [];
    for (let call = this.ready.head; call !== null; call = call.queueNext) {
      if (!this.#mayWait(call)) calls.push(call);
    }
    // What one is told may end another.
    for (const call of calls) if (call.queue === this.ready) this.#failNotReady(call);
  }

  #failNotReady(call: Call): void {
    if (call.isRetriedUnplaced()) return;
    this.#count("not_ready");
    call.fail("refused", ErrorCode.CANCEL, Status.UNAVAILABLE, this.#notReady());
  }

  /** Everything that is ready is full: the call waits for a stream. */
  waitCapacity(call: Call): void {
    if (this.capacity.length >= CAPACITY_QUEUE_CALLS_MAX) {
      const reason = `${this.#full()}, and ${CAPACITY_QUEUE_CALLS_MAX} calls wait`;
      this.refuse(call, "capacity_full", reason);
      return;
    }
    this.capacity.push(call);
    call.waitingSinceMs = this.#deps.clock.nowMs();
    this.arm(call);
  }

  /**
   * About once a second: what has waited for a stream for too long is told so. Not a timer of each
   * call, because thousands may wait and nearly all of them leave long before.
   */
  onTick(nowMs: number): void {
    const { capacityTimeoutMs } = this.#config;
    if (capacityTimeoutMs === Number.POSITIVE_INFINITY) return;
    const sinceMs = nowMs - capacityTimeoutMs;
    for (;;) {
      const call = this.capacity.takeWaitingSince(sinceMs);
      if (call === null) return;
      const reason = `${this.#full()}, and the call has waited for ${capacityTimeoutMs} ms`;
      this.refuse(call, "capacity_timeout", reason);
    }
  }

  /**
   * Nothing is ready any more: what waited for capacity waits for that now, with its time limit.
   */
  moveToReady(): void {
    const { capacity } = this;
    for (let call = capacity.shift(); call !== null; call = capacity.shift()) this.waitReady(call);
  }

  /** A call has waited for as long as it may. */
  onWaitedTooLong(call: Call): void {
    if (call.queue !== this.ready) {
      this.#exceed(call, `every connection of ${this.#config.target} was full`);
    } else if (this.#config.isDeadlineTold && this.#deps.clock.nowMs() >= call.deadlineMs) {
      this.#exceed(call, `nothing was ready: ${this.#notReady()}`);
    } else this.#failNotReady(call);
  }

  #exceed(call: Call, during: string): void {
    this.#count("deadline");
    const reason = `deadline exceeded while ${during}`;
    call.fail("deadline", ErrorCode.CANCEL, Status.DEADLINE_EXCEEDED, reason);
  }

  /** Nothing will ever be ready again. */
  failAll(reason: string): void {
    for (const queue of [this.ready, this.capacity]) {
      for (let call = queue.shift(); call !== null; call = queue.shift()) {
        call.fail("refused", ErrorCode.REFUSED_STREAM, Status.UNAVAILABLE, reason);
      }
    }
  }

  #full(): string {
    return `every connection of ${this.#config.target} is at its MAX_CONCURRENT_STREAMS`;
  }

  /** It may not even wait. */
  refuse(call: Call, why: Refusal, reason: string): void {
    this.#count(why);
    call.fail("refused", ErrorCode.REFUSED_STREAM, Status.UNAVAILABLE, reason);
  }

  #count(why: Refusal): void {
    this.#metrics().refusals.get(why)!.add();
  }
}
