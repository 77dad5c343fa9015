/**
 * A named set of endpoints kept ready to use, and `call`, the one way a call reaches a pod.
 *
 * It joins discovery (who can serve), a policy (who should), connections and queues. On the call
 * path: pick, open a stream, done; everything else happens when something changes.
 */

import type { Picker } from "../balancing/index.ts";
import type { Timer } from "../base/index.ts";
import { assert, shuffled, silentLogger } from "../base/index.ts";
import type { Endpoint, EndpointSet, ResolverListener } from "../discovery/index.ts";
import { Status } from "../grpc/index.ts";
import { DEFAULT_CONNECTION_CONFIG, ErrorCode, type HeaderList } from "../http2/index.ts";
import { Connector, type Ticking } from "../transport/index.ts";
import { Backoff } from "./backoff.ts";
import { Call, type CallEvents, type CallOwner } from "./call.ts";
import type { ClusterConfig, ClusterDeps } from "./config.ts";
import { EndpointLog } from "./endpoint-log.ts";
import { EndpointSetLog } from "./endpoint-set-log.ts";
import { Endpoints } from "./endpoints.ts";
import { ClusterMetrics } from "./metrics.ts";
import { notReadyReason, readinessOf, viewOf } from "./show.ts";
import { Subchannel, type SubchannelOwner } from "./subchannel.ts";
import type { ClusterView, Readiness } from "./view.ts";
import { WaitingCalls } from "./waiting.ts";

/**
 * After the first endpoint is ready, calls that queued wait this much longer for the others, so
 * that a cold start does not give all of them to one pod.
 */
export const WARM_UP_MS = 50;

/** With fewer ready endpoints than this, a change is in the next pick. */
const PUBLISH_AT_ONCE_MAX = 256;
/** Otherwise it is this much later. */
const PUBLISH_DELAY_MS = 1;

const SHUTTING_DOWN = "fairlead is shutting down";

/** See the head of this file. */
export class Cluster implements CallOwner, SubchannelOwner, ResolverListener, Ticking {
  readonly #config: ClusterConfig;
  readonly #deps: ClusterDeps;
  readonly #endpoints: Endpoints;
  readonly #endpointLog: EndpointLog;
  readonly #setLog: EndpointSetLog;
  readonly #connector: Connector;
  readonly #metrics: ClusterMetrics;
  readonly #waiting: WaitingCalls;
  #picker: Picker<Subchannel> | null = null;
  /** The current endpoints in the order in which `pick_first` tries them. */
  #order: readonly Subchannel[] = [];
  #readyCount = 0;
  #activeCalls = 0;
  #warmUp: Timer | null = null;
  #publishTimer: Timer | null = null;
  #isResolved = false;
  /** Why the set is empty, or the source is away; null when neither. */
  #emptyReason: string | null = null;
  #staleReason: string | null = null;
  #staleSinceMs = 0;
  #isClosed = false;

  constructor(config: ClusterConfig, deps: ClusterDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#connector = new Connector(config.tls, DEFAULT_CONNECTION_CONFIG, deps.loop);
    this.#endpointLog = new EndpointLog(config.target, deps.log, deps.clock);
    const setLog = config.isSourceLogged ? deps.log : silentLogger;
    this.#setLog = new EndpointSetLog(config.target, setLog, deps.clock);
    this.#endpoints = new Endpoints((endpoint) => this.#newSubchannel(endpoint));
    this.#waiting = new WaitingCalls(
      config,
      deps,
      () => this.#metrics,
      () => this.#notReady(),
    );
    const { ready, capacity } = this.#waiting;
    const count = (state: string) => () =>
      this.#endpoints.current.filter((each) => each.state === state).length;
    this.#metrics = new ClusterMetrics(
      deps.registry,
      config.target,
      {
        ready: count("READY"),
        connecting: count("CONNECTING"),
        failed: count("TRANSIENT_FAILURE"),
        draining: () => this.#endpoints.draining.length,
      },
      { ready: () => ready.length, capacity: () => capacity.length },
      () => this.#staleMs() / 1_000,
    );
  }

  /** Begins to resolve and to connect. */
  start(): void {
    this.#deps.loop.add(this);
    this.#deps.resolver.start(this);
  }

  #newSubchannel(endpoint: Endpoint): Subchannel {
    const { clock, rng } = this.#deps;
    const metrics = this.#metrics.endpoint(endpoint);
    const { maxConnectionsPerEndpoint } = this.#config;
    const backoff = new Backoff(rng);
    return new Subchannel(
      endpoint,
      this.#connector,
      clock,
      backoff,
      metrics,
      maxConnectionsPerEndpoint,
      this,
    );
  }

  /** Calls that are not over, the waiting ones included. */
  get activeCalls(): number {
    return this.#activeCalls;
  }

  /** Calls that wait because every connection is at its MAX_CONCURRENT_STREAMS. */
  get callsWaitingForCapacity(): number {
    return this.#waiting.capacity.length;
  }

  /**
   * A call with its request headers; `Call.start` sends it on its way. `deadlineMs` is on the
   * cluster's clock, Infinity for none; `nowMs` is that clock's time. Failures come through
   * `events`.
   */
  call(
    list: HeaderList,
    isEnd: boolean,
    events: CallEvents,
    deadlineMs: number,
    nowMs: number,
  ): Call {
    const call = new Call(this, list, isEnd, events, deadlineMs, nowMs);
    this.#activeCalls += 1;
    return call;
  }

  // CallOwner

  dispatch(call: Call, exclude: Subchannel | null): void {
    if (this.#isClosed) {
      call.fail("refused", ErrorCode.REFUSED_STREAM, Status.UNAVAILABLE, SHUTTING_DOWN);
      return;
    }
    if (exclude !== null) this.#metrics.replays.add();
    const picker = this.#picker;
    const first = picker === null ? null : picker.pick(exclude);
    if (first === null) {
      this.#waiting.waitReady(call);
      return;
    }
    if (first.canOpen()) {
      call.startOn(first);
      return;
    }
    first.wantConnection();
    const second = picker!.pick(first);
    if (second?.canOpen() === true) call.startOn(second);
    else this.#startAnywhere(call);
  }

  /** Both picks are full. While calls wait, no endpoint has room: whatever has some takes them. */
  #startAnywhere(call: Call): void {
    const hasRoom = (each: Subchannel) => each.isReady && each.canOpen();
    const other =
      this.#waiting.capacity.length > 0 ? undefined : this.#endpoints.current.find(hasRoom);
    if (other === undefined) this.#waiting.waitCapacity(call);
    else call.startOn(other);
  }

  arm(call: Call, atMs: number): void {
    this.#deps.wheel.add(call, atMs);
  }

  disarm(call: Call): void {
    this.#deps.wheel.remove(call);
  }

  nowMs(): number {
    return this.#deps.clock.nowMs();
  }

  onCallEnded(_call: Call): void {
    this.#activeCalls -= 1;
  }

  onWaitedTooLong(call: Call): void {
    this.#waiting.onWaitedTooLong(call);
  }

  #notReady(): string {
    const reason = this.#isResolved ? this.#emptyReason : this.#staleReason;
    return notReadyReason(this.#config.target, this.#endpoints, this.#isResolved, reason);
  }

  // SubchannelOwner

  onSubchannelState(subchannel: Subchannel): void {
    if (this.#isClosed) return;
    this.#endpointLog.onState(subchannel);
    if (subchannel.isReady !== subchannel.isPublished) this.#publishSoon();
    else if (this.#waiting.ready.length > 0 && this.#readyCount > 0) this.#warm();
    if (this.#config.policy.connects !== "first") return;
    if (subchannel.isReady) for (const each of this.#endpoints.current) each.rest();
    else this.#connectFirst();
  }

  /** It may be gone for good, and another have come: the source is asked again. */
  onSubchannelLost(): void {
    if (!this.#isClosed) this.#deps.resolver.resolveNow();
  }

  onSubchannelCapacity(subchannel: Subchannel): void {
    if (this.#waiting.capacity.length === 0 || !subchannel.isReady) return;
    while (this.#waiting.capacity.length > 0 && subchannel.canOpen()) {
      this.#waiting.capacity.shift()!.startOn(subchannel);
    }
    if (this.#waiting.capacity.length > 0) subchannel.wantConnection();
  }

  onSubchannelGone(subchannel: Subchannel): void {
    this.#endpoints.forget(subchannel);
  }

  /**
   * With many endpoints a new picker for each that comes would be the square of their number; a
   * picker that is a moment old costs a second pick at most.
   */
  #publishSoon(): void {
    if (this.#readyCount < PUBLISH_AT_ONCE_MAX) this.#publish();
    else this.#publishTimer ??= this.#deps.clock.setTimer(PUBLISH_DELAY_MS, () => this.#publish());
  }

  /** A new picker for the endpoints that are ready now. */
  #publish(): void {
    this.#publishTimer?.cancel();
    this.#publishTimer = null;
    for (const each of this.#endpoints.current) each.isPublished = each.isReady;
    const ready = this.#endpoints.current.filter((each) => each.isReady);
    const wasReady = this.#readyCount;
    this.#readyCount = ready.length;
    const { policy } = this.#config;
    this.#picker = policy.newPicker(ready, this.#deps.rng, this.#picker);
    if (ready.length === 0) this.#waiting.moveToReady();
    else {
      if (ready.length > wasReady) for (const each of ready) this.onSubchannelCapacity(each);
      if (this.#waiting.ready.length > 0) this.#warm();
    }
  }

  #warm(): void {
    const { policy } = this.#config;
    const isSettled = this.#endpoints.current.every(
      (each) => each.state !== "CONNECTING" && each.state !== "IDLE",
    );
    if (isSettled || policy.connects === "first") this.#releaseReady();
    else this.#warmUp ??= this.#deps.clock.setTimer(WARM_UP_MS, () => this.#releaseReady());
  }

  #releaseReady(): void {
    this.#warmUp?.cancel();
    this.#warmUp = null;
    const waiting = this.#waiting.ready.length;
    for (let i = 0; i < waiting && this.#readyCount > 0; i++) {
      const call = this.#waiting.ready.shift();
      if (call === null) break;
      this.disarm(call);
      this.dispatch(call, null);
    }
  }

  /** pick_first: one connection, to the first endpoint that can be reached. gRFC A62. */
  #connectFirst(): void {
    const all = this.#order;
    const isBusy = all.some((each) => each.state === "READY" || each.state === "CONNECTING");
    if (!isBusy) all.find((each) => each.state === "IDLE")?.connect();
  }

  // ResolverListener

  onEndpoints(set: EndpointSet): void {
    if (this.#isClosed) return;
    this.#isResolved = true;
    if (!set.isStale) this.#staleReason = null;
    this.#emptyReason = set.endpoints.length === 0 ? (set.reason ?? "the set is empty") : null;
    this.#setLog.onEndpoints(set);
    const { added, removed } = this.#endpoints.update(set);
    const { policy } = this.#config;
    const { current } = this.#endpoints;
    // gRFC A62.
    this.#order = policy.shuffleAddressList ? shuffled(current, this.#deps.rng) : current;
    for (const subchannel of removed) {
      subchannel.remove(this.#endpoints.reasonOfLeaving(subchannel));
    }
    if (policy.connects === "first") this.#connectFirst();
    else for (const subchannel of added) subchannel.connect();
    this.#publish();
  }

  onError(reason: string): void {
    if (this.#isClosed) return;
    if (this.#staleReason === null) this.#staleSinceMs = this.#deps.clock.nowMs();
    this.#staleReason = reason;
    this.#setLog.onError(reason);
  }

  /** From the transport's loop, about once a second. */
  onTick(nowMs: number): void {
    this.#endpointLog.onTick();
    this.#waiting.onTick(nowMs);
    this.#setLog.tell();
    for (const subchannel of this.#endpoints.current) subchannel.onTick(nowMs);
  }

  // For people

  /** For how long the source of endpoints has been away; 0 when it is there. */
  #staleMs(): number {
    // Before the first set there is nothing that could be old.
    const isStale = this.#isResolved && this.#staleReason !== null;
    return !isStale ? 0 : this.#deps.clock.nowMs() - this.#staleSinceMs;
  }

  /** The cluster as it stands. */
  view(): ClusterView {
    // Before the first set nothing is stale: there is nothing.
    const stale = this.#isResolved && this.#staleReason !== null;
    return {
      target: this.#config.target,
      policy: this.#config.policy.name,
      draining: false,
      stale,
      staleMs: Math.round(this.#staleMs()),
      reason: this.#staleReason ?? this.#emptyReason,
      notes: this.#endpoints.notes,
      endpoints: viewOf(this.#endpoints, this.#config.policy, this.#picker),
    };
  }

  /** Whether a call could be served now. */
  readiness(): Readiness {
    return readinessOf(this.#endpoints, this.#readyCount, () => this.#notReady());
  }

  /** Ends everything: waiting calls fail, connections close. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#warmUp?.cancel();
    this.#publishTimer?.cancel();
    this.#deps.resolver.close();
    this.#deps.loop.remove(this);
    this.#waiting.failAll(SHUTTING_DOWN);
    const all = [...this.#endpoints.current, ...this.#endpoints.draining];
    for (const subchannel of all) subchannel.close("the cluster is closed");
    this.#metrics.remove();
    for (const subchannel of all) subchannel.metrics.remove();
    assert(this.#waiting.ready.length === 0, "no call waits in a closed cluster");
  }
}

/** Makes a cluster; `start` begins its work. */
export function createCluster(config: ClusterConfig, deps: ClusterDeps): Cluster {
  return new Cluster(config, deps);
}
