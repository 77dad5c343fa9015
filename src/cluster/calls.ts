/**
 * The calls of one cluster: made, counted, sent on their way, and kept within what its service
 * config allows of them, of retries and of connections.
 *
 * Which endpoint a call goes to is the dispatcher's, what waits is `WaitingCalls`'; this is what
 * every call sees of its cluster.
 */

import type { WheelEntry } from "../base/index.ts";
import { type MethodConfig, Status } from "../grpc/index.ts";
import { ErrorCode, type HeaderList } from "../http2/index.ts";
import { Connector } from "../transport/index.ts";
import { Call } from "./call.ts";
import type { CallEvents } from "./call-events.ts";
import type { CallOwner } from "./call-owner.ts";
import { CircuitBreakers } from "./circuit-breakers.ts";
import type { ClusterConfig, ClusterDeps } from "./config.ts";
import { Dispatcher, type DispatchOwner } from "./dispatcher.ts";
import { Drops } from "./drops.ts";
import type { HedgeOwner } from "./hedge-owner.ts";
import { HedgedCall } from "./hedged-call.ts";
import { LimitedConnections } from "./limited-connections.ts";
import type { ClusterMetrics } from "./metrics.ts";
import type { Picking } from "./picking.ts";
import { ReplayBounds } from "./request-body.ts";
import { Retries } from "./retries.ts";
import type { ServiceConfig } from "./service-config.ts";
import type { Subchannel } from "./subchannel.ts";
import type { BreakerView } from "./view.ts";
import type { WaitingCalls } from "./waiting.ts";

/** A call of a cluster: nearly always a `Call`. */
export type ClusterCall = Call | HedgedCall;

/** See the head of this file. */
export class Calls implements CallOwner, HedgeOwner, DispatchOwner {
  readonly #deps: ClusterDeps;
  readonly #waiting: WaitingCalls;
  readonly #metrics: ClusterMetrics;
  readonly #dispatcher: Dispatcher;
  readonly #breakers: CircuitBreakers;
  /** What the endpoints are connected by. */
  readonly connections: LimitedConnections;
  readonly retries: Retries;
  /** Calls that the source of endpoints wants refused. */
  readonly drops: Drops;
  readonly replayBounds: ReplayBounds;
  readonly deadlineGraceMs: number;
  /** Those that are not over, the waiting ones included. */
  activeCalls = 0;
  /** What those that come are told once it is closed; null before. */
  #endReason: string | null = null;

  constructor(
    config: ClusterConfig,
    deps: ClusterDeps,
    picking: Picking,
    waiting: WaitingCalls,
    metrics: ClusterMetrics,
  ) {
    const { target, deadlineGraceMs, replay } = config;
    this.#deps = deps;
    this.#waiting = waiting;
    this.#metrics = metrics;
    this.deadlineGraceMs = deadlineGraceMs;
    this.replayBounds = new ReplayBounds(replay);
    this.#breakers = new CircuitBreakers(target, deps.log);
    this.drops = new Drops(deps.rng);
    const source = deps.connector ?? new Connector(config, deps.loop);
    this.connections = new LimitedConnections(source, this.#breakers, deps.clock);
    this.#dispatcher = new Dispatcher(this, picking, waiting, this.#breakers, this.drops);
    this.retries = new Retries(deps.rng, this.#breakers, metrics.retrying, () => this.activeCalls);
    this.configure(config.serviceConfig);
  }

  /** From now on a service config says how many there may be. */
  configure({ extensions, retryThrottling }: ServiceConfig): void {
    this.#breakers.configure(extensions.circuitBreakers);
    this.retries.configure(retryThrottling, extensions.retryBudget);
  }

  /** See `Cluster.call`. */
  newCall(
    list: HeaderList,
    isEnd: boolean,
    events: CallEvents,
    deadlineMs: number,
    nowMs: number,
    config: MethodConfig | null,
  ): ClusterCall {
    this.activeCalls += 1;
    if (config !== null && config.hedgingPolicy !== null) {
      const { hedgingPolicy } = config;
      return new HedgedCall(this, list, isEnd, events, deadlineMs, nowMs, hedgingPolicy);
    }
    const call = new Call(this, list, isEnd, events, deadlineMs, nowMs);
    call.plan = this.retries.planOf(config);
    return call;
  }

  /** Calls that waited until something is ready go. */
  releaseReady(): void {
    this.#dispatcher.releaseReady(this);
  }

  /** About once a second. */
  onTick(): void {
    this.#breakers.onTick();
  }

  /** The circuit breakers that are set. */
  breakers(): BreakerView[] {
    return this.#breakers.view({
      maxConnections: this.connections.count,
      maxPendingCalls: this.#waiting.length,
      maxCalls: this.activeCalls,
      maxRetries: this.retries.inFlight,
    });
  }

  /** From now on every call that is to be sent on fails with this. */
  close(reason: string): void {
    this.#endReason = reason;
  }

  // CallOwner

  plan(call: Call, config: MethodConfig): ClusterCall {
    const { hedgingPolicy } = config;
    // It may have taken room for a retry, although no endpoint has had the call yet.
    call.plan?.onOver();
    if (hedgingPolicy === null) {
      call.plan = this.retries.planOf(config);
      return call;
    }
    const nowMs = this.nowMs();
    const { request, deadlineMs, caller, hashHeader } = call;
    const { events } = call;
    const hedged = new HedgedCall(this, request, false, events, deadlineMs, nowMs, hedgingPolicy);
    hedged.caller = caller;
    hedged.hashHeader = hashHeader;
    hedged.takeOver(call);
    return hedged;
  }

  dispatch(call: Call, nowMs: number): void {
    this.#dispatch(call, null, nowMs);
  }

  replay(call: Call, from: Subchannel | null, nowMs: number): void {
    this.#metrics.replays.add();
    this.#dispatch(call, from, nowMs);
  }

  #dispatch(call: Call, exclude: Subchannel | null, nowMs: number): void {
    const reason = this.#endReason;
    if (reason === null) this.#dispatcher.dispatch(call, exclude, nowMs);
    else call.fail("refused", ErrorCode.REFUSED_STREAM, Status.UNAVAILABLE, reason);
  }

  arm(call: WheelEntry, atMs: number): void {
    this.#deps.wheel.add(call, atMs);
  }

  disarm(call: WheelEntry): void {
    this.#deps.wheel.remove(call);
  }

  armWaiting(call: Call): void {
    this.#waiting.arm(call);
  }

  nowMs(): number {
    return this.#deps.clock.nowMs();
  }

  onCallEnded(call: Call, replays: number): void {
    if (call.plan === null || !call.plan.isPart) this.activeCalls -= 1;
    if (replays > 0) this.retries.onReplayedOver(replays);
  }

  onWaitedTooLong(call: Call): void {
    this.#waiting.onWaitedTooLong(call);
  }

  // HedgeOwner

  newAttempt(
    list: HeaderList,
    isEnd: boolean,
    events: CallEvents,
    deadlineMs: number,
    nowMs: number,
  ): Call {
    return new Call(this, list, isEnd, events, deadlineMs, nowMs);
  }

  onHedgedCallEnded(hedges: number): void {
    this.activeCalls -= 1;
    this.retries.onHedgedOver(hedges);
  }
}
