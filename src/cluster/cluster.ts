/**
 * A named set of endpoints kept ready to use, and `call`, the one way a call reaches a pod.
 *
 * It joins discovery (who can serve), a policy (who should), connections and queues. On the call
 * path: pick, open a stream, done; everything else happens when something changes.
 */

import { assert, silentLogger } from "../base/index.ts";
import type { Endpoint, EndpointSet, ResolverListener } from "../discovery/index.ts";
import { Status } from "../grpc/index.ts";
import { ErrorCode, type HeaderList } from "../http2/index.ts";
import { type ConnectionSource, Connector, type Ticking } from "../transport/index.ts";
import { Backoff } from "./backoff.ts";
import { Call, type CallEvents, type CallOwner } from "./call.ts";
import type { ClusterConfig, ClusterDeps } from "./config.ts";
import { ConnectOrder } from "./connect-order.ts";
import { type Connectivity, ConnectivityAggregate } from "./connectivity.ts";
import { EndpointLog } from "./endpoint-log.ts";
import { EndpointSetLog } from "./endpoint-set-log.ts";
import { Endpoints } from "./endpoints.ts";
import { ClusterMetrics } from "./metrics.ts";
import { Picking, type PickingOwner } from "./picking.ts";
import type { ServiceConfig } from "./service-config.ts";
import { notReadyReason, readinessOf, viewOf } from "./show.ts";
import { SourceStatus } from "./source-status.ts";
import { Subchannel, type SubchannelOwner } from "./subchannel.ts";
import { Subset } from "./subset.ts";
import type { ClusterView, EndpointState, Readiness } from "./view.ts";
import { WaitingCalls } from "./waiting.ts";
import { WarmUp } from "./warm-up.ts";

const SHUTTING_DOWN = "fairlead is shutting down";
const CLOSED = "the channel is closed";

/** See the head of this file. */
export class Cluster
  implements CallOwner, SubchannelOwner, PickingOwner, ResolverListener, Ticking
{
  readonly #config: ClusterConfig;
  readonly #deps: ClusterDeps;
  readonly #endpoints: Endpoints;
  readonly #endpointLog: EndpointLog;
  readonly #setLog: EndpointSetLog;
  readonly #connector: ConnectionSource;
  readonly #metrics: ClusterMetrics;
  readonly #waiting: WaitingCalls;
  readonly #warmUp: WarmUp;
  readonly #order: ConnectOrder;
  readonly #source = new SourceStatus();
  readonly #connectivity = new ConnectivityAggregate();
  readonly deadlineGraceMs: number;
  readonly #picking: Picking;
  readonly #subset: Subset;
  #set: EndpointSet | null = null;
  #serviceConfig: ServiceConfig;
  #activeCalls = 0;
  #isClosed = false;
  /** What calls are told once it is closed. */
  #endReason = "";

  constructor(config: ClusterConfig, deps: ClusterDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#serviceConfig = config.serviceConfig;
    this.#picking = new Picking(config.target, config.serviceConfig, deps, this);
    this.#subset = new Subset(deps.rng);
    this.#order = new ConnectOrder(deps.rng);
    this.deadlineGraceMs = config.deadlineGraceMs;
    this.#connector = deps.connector ?? new Connector(config, deps.loop);
    this.#warmUp = new WarmUp(config.warmUp, deps.clock, () => this.#releaseReady());
    this.#endpointLog = new EndpointLog(config.target, deps.log, deps.clock);
    const setLog = config.isSourceLogged ? deps.log : silentLogger;
    this.#setLog = new EndpointSetLog(config.target, setLog, deps.clock);
    this.#endpoints = new Endpoints((endpoint) => this.#newSubchannel(endpoint));
    this.#waiting = new WaitingCalls(
      config,
      deps,
      () => this.#metrics,
      () => this.#notReady(),
      () => this.#connectivity.isFailing,
    );
    const { ready, capacity } = this.#waiting;
    const count = (state: EndpointState) => () => this.#endpoints.countOf(state);
    this.#metrics = new ClusterMetrics(
      deps.registry,
      config.target,
      {
        ready: count("READY"),
        connecting: count("CONNECTING"),
        failed: count("TRANSIENT_FAILURE"),
        unhealthy: count("UNHEALTHY"),
        ejected: count("EJECTED"),
        draining: () => this.#endpoints.draining.length,
      },
      { ready: () => ready.length, capacity: () => capacity.length },
      () => this.#source.staleMs(deps.clock.nowMs()) / 1_000,
    );
  }

  /** Begins to resolve and to connect. */
  start(): void {
    this.#deps.loop.add(this);
    this.#judge();
    this.#deps.resolver.start(this);
  }

  #newSubchannel(endpoint: Endpoint): Subchannel {
    const { clock, rng } = this.#deps;
    const { maxConnectionsPerEndpoint, backoff } = this.#config;
    this.#connectivity.onEndpoint(null, "IDLE");
    const subchannel = new Subchannel(
      endpoint,
      this.#connector,
      clock,
      new Backoff(rng, backoff),
      this.#metrics.endpoint(endpoint),
      maxConnectionsPerEndpoint,
      this,
    );
    this.#picking.adopt(subchannel);
    return subchannel;
  }

  /** The endpoints of the current set. */
  get subchannels(): readonly Subchannel[] {
    return this.#endpoints.current;
  }

  /** Calls that are not over, the waiting ones included. */
  get activeCalls(): number {
    return this.#activeCalls;
  }

  /** gRPC's state of it as a whole: IDLE before `start`, SHUTDOWN after `close`. */
  get connectivity(): Connectivity {
    return this.#connectivity.state;
  }

  /**
   * From now on `serviceConfig` holds. Connections stay; what a new policy needs is made, and what
   * it has no use for finishes its streams.
   */
  reconfigure(serviceConfig: ServiceConfig): void {
    if (this.#isClosed || serviceConfig === this.#serviceConfig) return;
    this.#serviceConfig = serviceConfig;
    this.#picking.configure(serviceConfig);
    if (this.#set !== null) this.#takeOver(this.#set);
    this.#judge();
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

  dispatch(call: Call, exclude: Subchannel | null, nowMs: number): void {
    if (this.#isClosed) {
      call.fail("refused", ErrorCode.REFUSED_STREAM, Status.UNAVAILABLE, this.#endReason);
      return;
    }
    if (exclude !== null) this.#metrics.replays.add();
    const first = this.#picking.pick(exclude, call.request, nowMs);
    if (first === null) {
      this.#waiting.waitReady(call);
      return;
    }
    if (first.canOpen()) {
      call.startOn(first);
      return;
    }
    if (this.#picking.policy.connects === "picked" && !first.isReady) {
      // It was picked because the call belongs there.
      first.connect();
      this.#waiting.waitReady(call);
      return;
    }
    first.wantConnection();
    const second = this.#picking.pick(first, call.request, nowMs);
    if (second?.canOpen() === true) call.startOn(second);
    else this.#startAnywhere(call);
  }

  /** Both picks are full. While calls wait, no endpoint has room: whatever has some takes them. */
  #startAnywhere(call: Call): void {
    const hasRoom = (each: Subchannel) => this.#picking.mayTake(each) && each.canOpen();
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
    const { isResolved, missingReason } = this.#source;
    return notReadyReason(this.#config.target, this.#endpoints, isResolved, missingReason);
  }

  // SubchannelOwner

  onSubchannelState(subchannel: Subchannel, before: EndpointState): void {
    if (this.#isClosed) return;
    this.#connectivity.onEndpoint(before, subchannel.state);
    this.#endpointLog.onState(subchannel);
    if (this.#picking.onState(subchannel)) this.#picking.publishSoon();
    else if (this.#waiting.ready.length > 0 && this.#picking.readyCount > 0) this.#warm();
    this.#order.onState(subchannel);
    this.#judge();
  }

  /** Where it stands as a whole; who must know is told. */
  #judge(): void {
    const { policy, isPanic } = this.#picking;
    if (!this.#connectivity.update(this.#source, policy.connects, isPanic)) return;
    if (this.#connectivity.isFailing) this.#waiting.failImpatient();
    this.#deps.listener?.onConnectivity(this.#connectivity.state);
  }

  /** It may be gone for good, and another have come: the source is asked again. */
  onSubchannelLost(): void {
    if (!this.#isClosed) this.#deps.resolver.resolveNow();
  }

  onSubchannelCapacity(subchannel: Subchannel): void {
    if (this.#waiting.capacity.length === 0 || !this.#picking.mayTake(subchannel)) return;
    while (this.#waiting.capacity.length > 0 && subchannel.canOpen()) {
      this.#waiting.capacity.shift()!.startOn(subchannel);
    }
    if (this.#waiting.capacity.length > 0) subchannel.wantConnection();
  }

  onSubchannelGone(subchannel: Subchannel): void {
    this.#endpoints.forget(subchannel);
  }

  // PickingOwner

  onPicker(wasReady: number): void {
    const { readyCount } = this.#picking;
    if (readyCount === 0) this.#waiting.moveToReady();
    else {
      const current = this.#endpoints.current;
      if (readyCount > wasReady) for (const each of current) this.onSubchannelCapacity(each);
      if (this.#waiting.ready.length > 0) this.#warm();
    }
    this.#judge();
  }

  #warm(): void {
    if (this.#picking.policy.connects === "all") {
      this.#warmUp.judge(this.#connectivity, this.#endpoints.size);
    } else this.#releaseReady();
  }

  #releaseReady(): void {
    const waiting = this.#waiting.ready.length;
    const spread = this.#picking.spread(waiting);
    const nowMs = this.nowMs();
    for (let i = 0; i < waiting && this.#picking.readyCount > 0; i++) {
      const call = this.#waiting.ready.shift();
      if (call === null) break;
      this.disarm(call);
      const target = spread === null ? null : spread.pick(call.request, nowMs);
      if (target?.canOpen() === true) call.startOn(target);
      else this.dispatch(call, null, nowMs);
    }
  }

  // ResolverListener

  onEndpoints(set: EndpointSet): void {
    if (this.#isClosed) return;
    this.#deps.listener?.onServiceConfig(set.serviceConfig ?? null);
    if (this.#isClosed) return;
    this.#source.onSet(set);
    this.#setLog.onEndpoints(set);
    this.#set = set;
    this.#takeOver(set);
    this.#judge();
  }

  /** What of the set is to be used: endpoints come and go, and the picker follows. */
  #takeOver(set: EndpointSet): void {
    const used = this.#subset.of(set, this.#serviceConfig.balancing.subsetting);
    const removed = this.#endpoints.update(used);
    this.#picking.onSet(set);
    this.#order.set(this.#endpoints.current, this.#picking);
    for (const subchannel of removed) {
      subchannel.remove(this.#endpoints.reasonOfLeaving(subchannel));
    }
    this.#order.connect();
    this.#picking.publish();
  }

  onError(reason: string): void {
    if (this.#isClosed) return;
    this.#source.onError(reason, this.#deps.clock.nowMs());
    this.#setLog.onError(reason);
    this.#judge();
  }

  /** From the transport's loop, about once a second. */
  onTick(nowMs: number): void {
    this.#endpointLog.onTick();
    this.#waiting.onTick(nowMs);
    this.#setLog.tell();
    for (const subchannel of this.#endpoints.current) subchannel.onTick(nowMs);
  }

  // For people

  /** The cluster as it stands. */
  view(): ClusterView {
    return {
      target: this.#config.target,
      policy: this.#picking.policy.name,
      draining: false,
      stale: this.#source.isStale,
      staleMs: Math.round(this.#source.staleMs(this.#deps.clock.nowMs())),
      reason: this.#source.reason,
      notes: [...this.#endpoints.notes, ...this.#picking.notes],
      endpoints: viewOf(this.#endpoints, this.#picking),
    };
  }

  /** Whether a call could be served now. */
  readiness(): Readiness {
    return readinessOf(this.#endpoints, this.#picking.readyCount, () => this.#notReady());
  }

  /** Ends everything: waiting calls fail, connections close. */
  close(): void {
    this.#end(SHUTTING_DOWN, (subchannel) => subchannel.close("the cluster is closed"));
  }

  /** As `close`, but calls that have an endpoint finish there; connections close behind them. */
  retire(): void {
    this.#end(CLOSED, (subchannel) => subchannel.remove(CLOSED));
  }

  #end(reason: string, end: (subchannel: Subchannel) => void): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endReason = reason;
    this.#connectivity.close();
    this.#warmUp.cancel();
    this.#picking.close();
    this.#deps.resolver.close();
    this.#deps.loop.remove(this);
    this.#waiting.failAll(reason);
    const all = [...this.#endpoints.current, ...this.#endpoints.draining];
    for (const subchannel of all) end(subchannel);
    this.#metrics.remove();
    for (const subchannel of all) subchannel.metrics.remove();
    assert(this.#waiting.ready.length === 0, "no call waits in a closed cluster");
    this.#deps.listener?.onConnectivity("SHUTDOWN");
  }
}

/** Makes a cluster; `start` begins its work. */
export function createCluster(config: ClusterConfig, deps: ClusterDeps): Cluster {
  return new Cluster(config, deps);
}
