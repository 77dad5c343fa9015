/**
 * A named set of endpoints kept ready to use, and `call`, the one way a call reaches a pod.
 *
 * It joins discovery (who can serve), a policy (who should), connections and queues. On the call
 * path: pick, open a stream, done; everything else happens when something changes.
 */

import { assert, silentLogger } from "../base/index.ts";
import type { Endpoint, EndpointSet, ResolverListener } from "../discovery/index.ts";
import type { MethodConfig } from "../grpc/index.ts";
import type { HeaderList } from "../http2/index.ts";
import type { Ticking } from "../transport/index.ts";
import { Backoff } from "./backoff.ts";
import type { CallEvents } from "./call-events.ts";
import { Calls, type ClusterCall } from "./calls.ts";
import type { ClusterConfig, ClusterDeps } from "./config.ts";
import { ConnectOrder } from "./connect-order.ts";
import { type Connectivity, ConnectivityAggregate } from "./connectivity.ts";
import { EndpointLog } from "./endpoint-log.ts";
import { EndpointSetLog } from "./endpoint-set-log.ts";
import { Endpoints } from "./endpoints.ts";
import { ClusterMetrics } from "./metrics.ts";
import { Monitoring } from "./monitoring.ts";
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
export class Cluster implements SubchannelOwner, PickingOwner, ResolverListener, Ticking {
  readonly #config: ClusterConfig;
  readonly #deps: ClusterDeps;
  readonly #endpoints: Endpoints;
  readonly #endpointLog: EndpointLog;
  readonly #setLog: EndpointSetLog;
  readonly #metrics: ClusterMetrics;
  readonly #waiting: WaitingCalls;
  readonly #warmUp: WarmUp;
  readonly #order: ConnectOrder;
  readonly #source = new SourceStatus();
  readonly #connectivity = new ConnectivityAggregate();
  readonly #picking: Picking;
  readonly #calls: Calls;
  readonly #monitoring: Monitoring;
  readonly #subset: Subset;
  #set: EndpointSet | null = null;
  #serviceConfig: ServiceConfig;
  #isClosed = false;

  constructor(config: ClusterConfig, deps: ClusterDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#serviceConfig = config.serviceConfig;
    this.#picking = new Picking(config.target, config.serviceConfig, deps, this);
    this.#subset = new Subset(deps.rng);
    this.#monitoring = new Monitoring(config, deps);
    this.#order = new ConnectOrder(deps.rng);
    this.#warmUp = new WarmUp(config.warmUp, deps.clock, () => this.#calls.releaseReady());
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
    this.#metrics = new ClusterMetrics(
      deps.registry,
      config.target,
      (state) => this.#endpoints.countOf(state),
      { ready: () => ready.length, capacity: () => capacity.length },
      () => this.#source.staleMs(deps.clock.nowMs()) / 1_000,
    );
    this.#calls = new Calls(config, deps, this.#picking, this.#waiting, this.#metrics);
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
      this.#calls.connections,
      clock,
      new Backoff(rng, backoff),
      this.#metrics.endpoint(endpoint),
      maxConnectionsPerEndpoint,
      this,
    );
    this.#picking.adopt(subchannel);
    this.#monitoring.attach(subchannel);
    return subchannel;
  }

  /** The endpoints of the current set. */
  get subchannels(): readonly Subchannel[] {
    return this.#endpoints.current;
  }

  /** Calls that are not over, the waiting ones included. */
  get activeCalls(): number {
    return this.#calls.activeCalls;
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
    this.#calls.configure(serviceConfig);
    this.#picking.configure(serviceConfig);
    this.#monitoring.reconfigure(serviceConfig, this.#endpoints.current);
    if (this.#set !== null) this.#takeOver(this.#set);
    this.#judge();
  }

  /**
   * Calls that wait because every connection is at its MAX_CONCURRENT_STREAMS; not those without a
   * caller, for whom nobody has to make room.
   */
  get callsWaitingForCapacity(): number {
    const { capacity } = this.#waiting;
    return capacity.length - capacity.lengthOf(null);
  }

  /**
   * A call with its request headers; `start` of it sends it on its way. `deadlineMs` is on the
   * cluster's clock, Infinity for none; `nowMs` is that clock's time. Failures come through
   * `events`.
   *
   * @param config of its method, whose policies are carried out; null for none.
   */
  call(
    list: HeaderList,
    isEnd: boolean,
    events: CallEvents,
    deadlineMs: number,
    nowMs: number,
    config: MethodConfig | null = null,
  ): ClusterCall {
    return this.#calls.newCall(list, isEnd, events, deadlineMs, nowMs, config);
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
    const isPicked = this.#picking.policy.connects === "picked";
    const isWaiting = this.#waiting.ready.length > 0;
    if (this.#picking.onState(subchannel)) this.#picking.publishSoon();
    else if (!isPicked && isWaiting && this.#picking.readyCount > 0) this.#warm();
    if (isPicked && isWaiting) this.#calls.releaseReady();
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
    const { readyCount, leaves } = this.#picking;
    for (const { weighing } of leaves) {
      if (weighing !== undefined) this.#metrics.onWeighing(weighing);
    }
    if (readyCount === 0) this.#waiting.moveToReady();
    else {
      const hasMore = readyCount > wasReady && this.#waiting.capacity.length > 0;
      if (hasMore) for (const each of this.#endpoints.current) this.onSubchannelCapacity(each);
    }
    // Of a policy that connects what it picks, nothing is ready before a call went through it.
    const isOfUse = readyCount > 0 || this.#picking.policy.connects === "picked";
    if (isOfUse && this.#waiting.ready.length > 0) this.#warm();
    this.#judge();
  }

  #warm(): void {
    if (this.#picking.policy.connects === "all") {
      this.#warmUp.judge(this.#connectivity, this.#endpoints.size);
    } else this.#calls.releaseReady();
  }

  // ResolverListener

  onEndpoints(set: EndpointSet): void {
    if (this.#isClosed) return;
    this.#deps.listener?.onServiceConfig(set.serviceConfig ?? null);
    if (this.#isClosed) return;
    this.#source.onSet(set);
    this.#setLog.onEndpoints(set);
    this.#set = set;
    this.#calls.drops.set(set.drops);
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
    this.#calls.onTick();
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
      circuitBreakers: this.#calls.breakers(),
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
    this.#calls.close(reason);
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
