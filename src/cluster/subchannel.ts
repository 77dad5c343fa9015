/**
 * One endpoint kept ready: its connections, their state, backoff, and its figures. gRPC
 * connectivity semantics (IDLE, CONNECTING, READY, TRANSIENT_FAILURE).
 *
 * One connection as a rule; more are opened one by one while all are at their
 * MAX_CONCURRENT_STREAMS, and closed again at rest. Whom to pick is the policy's business.
 */

import type { Socket } from "node:net";
import type {
  EndpointLoad,
  OutlierRecord,
  OutlierTarget,
  Policy,
  RampTarget,
  TargetConnectivity,
} from "../balancing/index.ts";
import type { Clock, Timer } from "../base/index.ts";
import type { Endpoint } from "../discovery/index.ts";
import { Status } from "../grpc/index.ts";
import type { HeaderList, Stream, StreamEvents } from "../http2/index.ts";
import type { ConnectionSource } from "../transport/index.ts";
import type { Backoff } from "./backoff.ts";
import { ENDPOINT_DRAIN_TIMEOUT_MS, EXTRA_CONNECTION_IDLE_MS } from "./config.ts";
import type { EndpointMonitor } from "./endpoint-monitor.ts";
import type { OwnStreamPlace } from "./kept-stream.ts";
import { takeReport } from "./load-reports.ts";
import type { EndpointMetrics } from "./metrics.ts";
import { isEndpointFault, outcomeOf } from "./outcome.ts";
import { connectivityOf, type EndpointHealth, Overlay } from "./overlay.ts";
import { Reconnect } from "./reconnect.ts";
import { Standing } from "./standing.ts";
import { Upstream, type UpstreamOwner } from "./upstream.ts";
import type { EndpointState } from "./view.ts";

/** What a subchannel tells its cluster. */
export interface SubchannelOwner {
  /** `isReady` or `state` changed, from `before`. */
  onSubchannelState(subchannel: Subchannel, before: EndpointState): void;
  /** Its last usable connection ended, or one could not be made. */
  onSubchannelLost(subchannel: Subchannel): void;
  /** A stream can be opened here that could not before. */
  onSubchannelCapacity(subchannel: Subchannel): void;
  /** A draining one has closed its last connection. */
  onSubchannelGone(subchannel: Subchannel): void;
}

/** Share of a new latency in the mean. */
const LATENCY_WEIGHT = 0.1;

/** See the head of this file. */
export class Subchannel implements RampTarget, OutlierTarget, UpstreamOwner, OwnStreamPlace {
  /** As the last set has it: address and uid stay, what else is known of it may change. */
  endpoint: Endpoint;
  readonly #connector: ConnectionSource;
  readonly #clock: Clock;
  readonly #owner: SubchannelOwner;
  readonly #maxConnections: number;
  readonly metrics: EndpointMetrics;
  activeCalls = 0;
  /** What the policy keeps of it, and whether that is to see the trailers of calls. */
  load: EndpointLoad | null = null;
  #takesReports = false;
  /** What watches it while it is connected; null for nothing. See `Monitoring`. */
  monitor: EndpointMonitor | null = null;
  /** What outlier detection keeps of it; null without. */
  outlier: OutlierRecord | null = null;
  /** See `Ramp`. */
  rampFromMs = Number.NEGATIVE_INFINITY;
  readonly standing = new Standing();
  /** A recent mean of the time from an attempt's start to its response headers. */
  latencyMs: number | null = null;
  /** Of its connections, and what they are not used for all the same. */
  #state: EndpointState = "IDLE";
  #reason = "not connected yet";
  readonly #overlay = new Overlay();
  #upstreams: Upstream[] = [];
  readonly #reconnect: Reconnect;
  /** Ends the streams of one that was removed. */
  #drainEnd: Timer | null = null;
  #isRemoved = false;

  constructor(
    endpoint: Endpoint,
    connector: ConnectionSource,
    clock: Clock,
    backoff: Backoff,
    metrics: EndpointMetrics,
    maxConnections: number,
    owner: SubchannelOwner,
  ) {
    this.endpoint = endpoint;
    this.#connector = connector;
    this.#clock = clock;
    this.#reconnect = new Reconnect(clock, backoff, () => this.#open());
    this.metrics = metrics;
    this.#maxConnections = maxConnections;
    this.#owner = owner;
  }

  /** From now on this policy picks it, or does not. */
  usePolicy(policy: Policy): void {
    this.load = policy.newLoad?.(this.#clock.nowMs(), this.load) ?? null;
    this.#takesReports = this.load !== null && policy.usesReports === true;
  }

  /** What its connections are doing, or why they get no calls. */
  get state(): EndpointState {
    return this.#state === "READY" ? this.#overlay.state : this.#state;
  }

  /** The same as a policy sees it. */
  get connectivity(): TargetConnectivity {
    return connectivityOf(this.state);
  }

  /** For policies that hash: what tells it from others in every process. */
  get key(): string {
    return this.endpoint.address;
  }

  /** Its share of calls in relation to the others. */
  get weight(): number {
    return this.endpoint.weight;
  }

  /** Whether it has a usable connection, whatever is known of its health. */
  get isConnected(): boolean {
    return this.#state === "READY";
  }

  /** Why it is in its state, for people; with the time of the next attempt. */
  get reason(): string {
    const { inMs } = this.#reconnect;
    if (inMs === null) return this.cause;
    return `${this.#reason}; next attempt in ${(inMs / 1_000).toFixed(1)} s`;
  }

  /** The same without figures that change while it stays the same, for callers of calls. */
  get cause(): string {
    return (this.#state === "READY" ? this.#overlay.reason : null) ?? this.#reason;
  }

  /** Connections that are made, draining ones included. */
  get connectionCount(): number {
    return this.#upstreams.filter((upstream) => upstream.isOpen).length;
  }

  /** Of its first open connection; null when there is none. */
  get socket(): Socket | null {
    return this.#upstreams.find((upstream) => upstream.isOpen)?.connection?.socket ?? null;
  }

  /** Whether a policy may pick it. */
  get isReady(): boolean {
    return this.#state === "READY" && this.#overlay.state === "READY";
  }

  /**
   * Whether it is connected and kept from calls by what we have concluded ourselves, which may be
   * wrong (ejection, active checks). What an endpoint says of itself is not in question.
   */
  get isHeldBack(): boolean {
    return this.#state === "READY" && this.#overlay.isConcluded;
  }

  /**
   * What a health check says; "unknown" before the first answer. It counts while it is connected.
   *
   * @param reason one clause for people.
   */
  setHealth(health: EndpointHealth, reason: string): void {
    const before = this.state;
    this.#overlay.health = health;
    this.#overlay.healthReason = reason;
    this.#tellState(before);
  }

  /** Outlier detection ejects it, with a reason for people, or takes it back (null). */
  setEjected(reason: string | null): void {
    const before = this.state;
    this.#overlay.ejectedBecause = reason;
    this.#tellState(before);
  }

  #tellState(before: EndpointState): void {
    if (this.state !== before) this.#owner.onSubchannelState(this, before);
  }

  /** Another endpoint takes the calls (pick_first): it tries no more, its streams may finish. */
  rest(): void {
    if (this.#isRemoved || this.#state === "IDLE") return;
    this.#reconnect.cancel();
    this.#setState("IDLE", this.#reason);
    for (const upstream of [...this.#upstreams]) {
      if (!upstream.isDraining) this.#retire(upstream, "another endpoint is used");
    }
  }

  /** Begins to connect, unless it is connected or has been told when to try again. */
  connect(): void {
    if (this.#isRemoved || this.#state !== "IDLE") return;
    this.#setState("CONNECTING", "connecting");
    this.#open();
  }

  #open(): void {
    const upstream = new Upstream(this);
    this.#upstreams.push(upstream);
    upstream.attempt = this.#connector.connect(this.endpoint.address, upstream);
  }

  #setState(state: EndpointState, reason: string): void {
    const before = this.state;
    if (state !== "READY") this.monitor?.stop();
    else if (this.#state !== "READY") this.monitor?.start();
    this.#reason = reason;
    this.#state = state;
    this.#tellState(before);
  }

  /** Whether a stream can be opened now. */
  canOpen(): boolean {
    const upstreams = this.#upstreams;
    for (let i = 0; i < upstreams.length; i++) if (upstreams[i]!.canOpen()) return true;
    return false;
  }

  /** See `OwnStreamPlace`. */
  ownUpstream(): Upstream | null {
    const open = this.#upstreams.find((upstream) => upstream.canOpen());
    return open ?? this.#upstreams.find((upstream) => upstream.isUsable) ?? null;
  }

  /** Everything here is full: opens one connection more, if allowed and none is being made. */
  wantConnection(): void {
    if (this.#state !== "READY" || !this.#hasUsable()) return;
    const kept = this.#upstreams.filter((upstream) => !upstream.isDraining);
    if (kept.length >= this.#maxConnections) return;
    if (kept.some((upstream) => !upstream.isReady)) return;
    this.#open();
  }

  /** Opens the stream of an attempt. The caller asked `canOpen`. */
  open(list: HeaderList, isEnd: boolean, events: StreamEvents, nowMs: number): Stream {
    const upstreams = this.#upstreams;
    let at = 0;
    while (!upstreams[at]!.canOpen()) at += 1;
    const upstream = upstreams[at]!;
    upstream.idleSinceMs = 0;
    this.activeCalls += 1;
    this.metrics.calls.add();
    const { http2 } = upstream.connection!;
    return http2.open(list, isEnd, events, nowMs);
  }

  /** From `Call`: its attempt here is over. `isUnprocessed`: nothing was done with it here. */
  onAttemptEnded(status: Status, startedMs: number, isUnprocessed: boolean): void {
    this.activeCalls -= 1;
    if (status !== Status.OK) this.metrics.failures.add();
    const nowMs = this.#clock.nowMs();
    this.metrics.durations.of(status).record((nowMs - startedMs) / 1_000);
    this.load?.onEnded(isEndpointFault(status), nowMs - startedMs, nowMs);
    this.outlier?.onEnded(isUnprocessed ? "unknown" : outcomeOf(status), nowMs);
  }

  /** From `Call`: the response headers of its attempt came. How long its stream lasts says less. */
  onAttemptAnswered(startedMs: number): void {
    const nowMs = this.#clock.nowMs();
    const tookMs = nowMs - startedMs;
    this.load?.onAnswered(tookMs, nowMs);
    const mean = this.latencyMs;
    this.latencyMs = mean === null ? tookMs : mean + LATENCY_WEIGHT * (tookMs - mean);
  }

  /** From `Call`: the trailers of its attempt, which may report load. */
  onAttemptTrailers(trailers: HeaderList): void {
    if (this.#takesReports) takeReport(trailers, this.load!, this.#clock.nowMs());
  }

  /** The endpoint left the set: streams finish, connections close. */
  remove(reason: string): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    this.#reconnect.cancel();
    this.#setState("DRAINING", reason);
    for (const upstream of [...this.#upstreams]) this.#retire(upstream, reason);
    if (this.#upstreams.length > 0) {
      const end = () => this.close("its streams did not end in time");
      this.#drainEnd = this.#clock.setTimer(ENDPOINT_DRAIN_TIMEOUT_MS, end);
    }
    this.#reportGone();
  }

  /** Ends what is still open, now. */
  close(reason: string): void {
    this.remove(reason);
    for (const upstream of [...this.#upstreams]) upstream.connection?.close(0, reason);
  }

  #retire(upstream: Upstream, reason: string): void {
    const isMade = upstream.connection !== null;
    upstream.drain(reason);
    if (!isMade) this.#forget(upstream);
  }

  #forget(upstream: Upstream): void {
    this.#upstreams = this.#upstreams.filter((each) => each !== upstream);
  }

  #reportGone(): void {
    if (!this.#isRemoved || this.#upstreams.length > 0) return;
    this.#drainEnd?.cancel();
    this.#owner.onSubchannelGone(this);
  }

  /** About once a second: connections beyond the first close when they rest. */
  onTick(nowMs: number): void {
    const usable = this.#upstreams.filter((each) => each.isReady && !each.isDraining);
    for (const upstream of usable.slice(1)) {
      const isIdle = upstream.isIdleFor(EXTRA_CONNECTION_IDLE_MS, nowMs);
      if (isIdle) upstream.drain("idle beyond the first connection");
    }
  }

  // UpstreamOwner

  onUpstreamReady(upstream: Upstream): void {
    if (this.#isRemoved) {
      upstream.drain(this.#reason);
      return;
    }
    upstream.readyMs = this.#clock.nowMs();
    this.#reconnect.cancel();
    if (this.#state === "READY") this.#owner.onSubchannelCapacity(this);
    else {
      this.load?.onReady?.(upstream.readyMs);
      this.#setState("READY", "ready");
    }
  }

  onUpstreamCapacity(upstream: Upstream): void {
    if (upstream.canOpen()) this.#owner.onSubchannelCapacity(this);
  }

  /** GOAWAY: what is open finishes there; a new connection takes its place. */
  onUpstreamDraining(upstream: Upstream, reason: string): void {
    if (this.#isRemoved || this.#hasUsable()) return;
    this.#replace(upstream, reason);
  }

  onUpstreamClosed(upstream: Upstream, reason: string): void {
    this.#forget(upstream);
    if (!upstream.isReady) this.metrics.connectFailures.add();
    if (this.#isRemoved) {
      this.#reportGone();
      return;
    }
    if (this.#hasUsable() || this.#state === "IDLE") return;
    if (this.#isConnecting()) {
      // Another attempt is under way: what becomes of it decides.
      if (this.#state !== "READY") return;
      this.#setState("CONNECTING", reason);
      this.#owner.onSubchannelLost(this);
      return;
    }
    if (!upstream.isReady) this.#retryLater(reason);
    else if (this.#state === "READY") this.#replace(upstream, reason);
  }

  #replace(upstream: Upstream, reason: string): void {
    if (!this.#reconnect.isAtOnce(upstream)) {
      this.#retryLater(reason);
      return;
    }
    // Whether it is connected again is the cluster's: not every policy wants it.
    this.#setState("IDLE", reason);
    this.#owner.onSubchannelLost(this);
  }

  #isConnecting(): boolean {
    return this.#upstreams.some((upstream) => !upstream.isReady && !upstream.isDraining);
  }

  #hasUsable(): boolean {
    return this.#upstreams.some((upstream) => upstream.isUsable);
  }

  #retryLater(reason: string): void {
    this.#reconnect.later();
    this.#setState("TRANSIENT_FAILURE", reason);
    this.#owner.onSubchannelLost(this);
  }
}
