/**
 * Where a call goes: to the endpoint that is picked, to another one when that is full or had the
 * call before, or into a queue; or nowhere, when a circuit breaker says so.
 */

import type { Call } from "./call.ts";
import type { CallOwner } from "./call-owner.ts";
import type { CircuitBreakers } from "./circuit-breakers.ts";
import type { Drops } from "./drops.ts";
import type { Picking } from "./picking.ts";
import type { Subchannel } from "./subchannel.ts";
import type { WaitingCalls } from "./waiting.ts";

/** Picks for a call that had endpoints before, until another one is looked for in order. */
const PICKS_MAX = 4;

/** What a dispatcher needs of its cluster. */
export interface DispatchOwner {
  readonly activeCalls: number;
}

/** See the head of this file. */
export class Dispatcher {
  readonly #owner: DispatchOwner;
  readonly #picking: Picking;
  readonly #waiting: WaitingCalls;
  readonly #breakers: CircuitBreakers;
  readonly #drops: Drops;

  constructor(
    owner: DispatchOwner,
    picking: Picking,
    waiting: WaitingCalls,
    breakers: CircuitBreakers,
    drops: Drops,
  ) {
    this.#owner = owner;
    this.#picking = picking;
    this.#waiting = waiting;
    this.#breakers = breakers;
    this.#drops = drops;
  }

  /** @param exclude is avoided when there is another endpoint; null to avoid none. */
  dispatch(call: Call, exclude: Subchannel | null, nowMs: number): void {
    const mayRefuse = this.#breakers.limitsCalls || this.#drops.isActive;
    if (mayRefuse && this.#isRefused(call)) return;
    const first = this.#pick(call, exclude, nowMs);
    if (first === null) {
      this.#wait(call, false);
      return;
    }
    if (first.canOpen()) {
      call.startOn(first);
      return;
    }
    if (this.#picking.policy.connects === "picked" && !first.isReady) {
      // It was picked because the call belongs there.
      first.connect();
      call.awaited = first;
      this.#wait(call, false);
      return;
    }
    first.wantConnection();
    const second = this.#picking.pick(first, call, nowMs);
    if (second?.canOpen() === true) call.startOn(second);
    else this.#startAnywhere(call);
  }

  /** Further attempts are of a call that was admitted. */
  #isRefused(call: Call): boolean {
    const isNew = call.isStarting && (call.plan === null || call.plan.previous === 0);
    if (!isNew) return false;
    const dropped = this.#drops.refusal();
    if (dropped !== null) {
      this.#waiting.refuse(call, "drop_overload", dropped);
      return true;
    }
    if (!this.#breakers.limitsCalls) return false;
    const reason = this.#breakers.refusal("maxCalls", this.#owner.activeCalls - 1);
    if (reason !== null) this.#waiting.refuse(call, "max_calls", reason);
    return reason !== null;
  }

  #pick(call: Call, exclude: Subchannel | null, nowMs: number): Subchannel | null {
    const { plan } = call;
    if (plan === null || plan.tried.length === 0) {
      return this.#picking.pick(exclude, call, nowMs);
    }
    return this.#pickUntried(call, plan.tried, nowMs);
  }

  /** "every retry gets a chance to be sent out on a different subchannel" (A6): here it is. */
  #pickUntried(call: Call, tried: readonly Subchannel[], nowMs: number): Subchannel | null {
    let picked: Subchannel | null = tried.at(-1)!;
    for (let i = 0; i < PICKS_MAX; i++) {
      picked = this.#picking.pick(picked, call, nowMs);
      if (picked === null || !tried.includes(picked)) return picked;
    }
    return this.#picking.find((each) => each.canOpen() && !tried.includes(each)) ?? picked;
  }

  /** Both picks are full. While calls wait for room, those that come wait behind them. */
  #startAnywhere(call: Call): void {
    const isCrowded = this.#waiting.capacity.length > 0;
    const other = isCrowded ? null : this.#picking.find((each) => each.canOpen());
    if (other === null) this.#wait(call, true);
    else call.startOn(other);
  }

  #wait(call: Call, isForCapacity: boolean): void {
    const reason = this.#breakers.refusal("maxPendingCalls", this.#waiting.length);
    if (reason !== null) this.#waiting.refuse(call, "max_pending_calls", reason);
    else if (isForCapacity) this.#waiting.waitCapacity(call);
    else this.#waiting.waitReady(call);
  }

  /** Calls that waited until something is ready go, evenly where the policy aims at that. */
  releaseReady(owner: CallOwner): void {
    if (this.#picking.policy.connects === "picked") {
      this.#releaseDecided(owner);
      return;
    }
    const waiting = this.#waiting.ready.length;
    const spread = this.#picking.spread(waiting);
    const nowMs = owner.nowMs();
    for (let i = 0; i < waiting && this.#picking.readyCount > 0; i++) {
      const call = this.#waiting.ready.shift();
      if (call === null) break;
      owner.disarm(call);
      const target = spread === null ? null : spread.pick(call, nowMs);
      const isFit = target?.canOpen() === true && call.plan?.tried.includes(target) !== true;
      if (isFit) call.startOn(target);
      else owner.dispatch(call, nowMs);
    }
  }

  /** Of calls that wait for their own endpoint go those whose is not about to be ready any more. */
  #releaseDecided(owner: CallOwner): void {
    const decided: Call[] = [];
    for (let call = this.#waiting.ready.head; call !== null; call = call.queueNext) {
      const state = call.awaited?.connectivity;
      if (state !== "IDLE" && state !== "CONNECTING") decided.push(call);
    }
    const nowMs = owner.nowMs();
    for (const call of decided) {
      // What becomes of one may end another.
      if (call.queue !== this.#waiting.ready) continue;
      this.#waiting.ready.remove(call);
      owner.disarm(call);
      call.awaited = null;
      owner.dispatch(call, nowMs);
    }
  }
}
