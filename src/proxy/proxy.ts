/**
 * The proxy: listeners in front, one cluster behind, a relay per call, and an orderly end.
 *
 * Not a process: signals, logs of addresses, the admin endpoint and workers are put around it.
 */

import type { Socket } from "node:net";
import { type Clock, type Logger, type Rng, silentLogger, TimerWheel } from "../base/index.ts";
import {
  type CallFailure,
  type Cluster,
  type ClusterCall,
  type ClusterView,
  createCluster,
  DEFAULT_CLUSTER_CONFIG,
  type Readiness,
  withTimeout,
} from "../cluster/index.ts";
import type { Resolver } from "../discovery/index.ts";
import { Status } from "../grpc/index.ts";
import {
  type ConnectionFailure,
  DEFAULT_CONNECTION_CONFIG,
  ErrorCode,
  type HeaderList,
  type Stream,
  type StreamEvents,
} from "../http2/index.ts";
import { ServiceConfigInForce } from "../mesh/index.ts";
import type { MetricsSnapshot, Registry } from "../telemetry/index.ts";
import {
  Acceptor,
  ConnectionCount,
  type ConnectionUser,
  Listener,
  type ListenerEvents,
  type RefusedWhy,
  remoteOf,
  type SocketConnection,
  type Ticking,
  TransportLoop,
} from "../transport/index.ts";
import { answer } from "./answers.ts";
import { Certificates } from "./certificates.ts";
import type { ProxyConfig } from "./config.ts";
import { deadlineOf } from "./deadline.ts";
import { Downstream, type DownstreamOwner } from "./downstream.ts";
import { ProxyMetrics } from "./metrics.ts";
import {
  type DownstreamConnection,
  Downstreams,
  type DownstreamsView,
  type LoadFigures,
  type ShedOrder,
} from "./nesting/index.ts";
import { chosenConfig } from "./policy-choice.ts";
import { RefusalLog } from "./refusal-log.ts";
import { Relay, type RelayOwner } from "./relay.ts";

import { CROWDED_STALL_REASON, stalledRelays } from "./stalled-readers.ts";

/** The real things that a proxy needs. */
export interface ProxySystem {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly resolver: Resolver;
  /** Where its figures go; what others have counted there is shown with them. */
  readonly registry: Registry;
}

/** A proxy, as the processes around it see it. */
export interface Proxy {
  /** Binds all listeners, or none; resolves with their addresses in order. */
  listen(): Promise<string[]>;
  /** Takes a plain socket of which `first` was read, on the turn that brought these bytes. */
  accept(socket: Socket, first: Buffer): void;
  /**
   * Not ready any more; after the delay listeners close, calls finish. Resolves when all is over.
   * @param by who asked for it, for the log: "SIGTERM".
   */
  drain(by: string): Promise<void>;
  /** Ends at once. */
  close(): void;
  clusters(): ClusterView[];
  metrics(): MetricsSnapshot;
  readiness(): Readiness;
  /** The load of its client connections. */
  load(): LoadFigures;
  /** Closes client connections as an order says, none in a drain; returns how many. */
  shed(order: ShedOrder): number;
  /** Its client connections, and those that it shed. */
  downstreams(): DownstreamsView;
}

/** Makes a proxy; throws when a policy or a certificate file is unusable. Nothing is bound yet. */
export function createProxy(config: ProxyConfig, system: ProxySystem): Proxy {
  return new RelayProxy(config, system);
}

class RelayProxy implements Proxy, ListenerEvents, DownstreamOwner, RelayOwner, Ticking {
  readonly #config: ProxyConfig;
  readonly #system: ProxySystem;
  readonly #loop: TransportLoop;
  readonly #registry: Registry;
  readonly #metrics: ProxyMetrics;
  readonly #refusals: RefusalLog;
  readonly #certificates: Certificates;
  readonly #serviceConfig: ServiceConfigInForce;
  readonly #cluster: Cluster;
  readonly #count = new ConnectionCount();
  readonly #downstreams: Downstreams;
  readonly #listeners: Listener[];
  /** For what it is handed. */
  readonly #acceptor: Acceptor;
  #draining: Promise<void> | null = null;
  #onIdle: (() => void) | null = null;
  /** Calls waited for a stream at the last look. */
  #isCrowded = false;

  constructor(config: ProxyConfig, system: ProxySystem) {
    const { clock, rng, log, resolver, registry } = system;
    this.#registry = registry;
    this.#config = config;
    this.#system = system;
    this.#loop = new TransportLoop(clock);
    // With several workers their primary says what becomes of it, as it is who resolves.
    const said = config.workers === 1 ? log : silentLogger;
    const { policy, target } = config;
    this.#serviceConfig = new ServiceConfigInForce(
      chosenConfig(policy),
      target,
      said,
      (changed) => {
        this.#cluster.reconfigure(changed);
      },
    );
    this.#certificates = new Certificates(config, clock, log, this.#registry);
    this.#refusals = new RefusalLog(log, clock);
    this.#cluster = createCluster(
      {
        ...DEFAULT_CLUSTER_CONFIG,
        target,
        serviceConfig: this.#serviceConfig.current,
        secure: this.#certificates.client,
        maxConnectionsPerEndpoint: config.maxConnectionsPerEndpoint,
        readyTimeoutMs: config.readyTimeoutMs,
        isSourceLogged: config.workers === 1,
      },
      {
        clock,
        rng,
        log,
        resolver,
        loop: this.#loop,
        wheel: new TimerWheel(clock),
        registry: this.#registry,
        listener: this.#serviceConfig,
      },
    );
    this.#metrics = new ProxyMetrics(
      this.#registry,
      () => this.#count.value,
      () => this.#cluster.activeCalls,
    );
    this.#downstreams = new Downstreams(config, {
      ...{ clock, rng, log, registry },
      cut: (connection, reason) => {
        this.#cutCallsOf(connection, reason);
        connection.close(0, reason);
      },
    });
    const accepted = {
      config: { ...DEFAULT_CONNECTION_CONFIG, maxStreams: config.maxStreams },
      maxConnections: config.maxConnections,
      idleTimeoutMs: config.idleTimeoutMs,
      count: this.#count,
    };
    this.#acceptor = new Acceptor(accepted, this, this.#loop);
    const tls = this.#certificates.server;
    // Of several workers none may: one could remove the other's. Their primary has done it.
    const removesStaleSocket = config.workers === 1;
    this.#listeners = config.listeners.map((address) => {
      const options = { ...accepted, address, tls, removesStaleSocket };
      return new Listener(options, this, this.#loop);
    });
  }

  async listen(): Promise<string[]> {
    const bound: string[] = [];
    try {
      for (const listener of this.#listeners) bound.push(await listener.listen());
    } catch (error) {
      this.close();
      throw error;
    }
    this.#cluster.start();
    this.#loop.add(this);
    return bound;
  }

  /** From the transport's loop, about once a second. */
  onTick(nowMs: number): void {
    this.#refusals.onTick();
    this.#downstreams.onTick(nowMs);
    const waiting = this.#cluster.callsWaitingForCapacity;
    // A burst that is over within a second is nobody's fault.
    if (this.#isCrowded && waiting > 0) this.#cutStalled(waiting, nowMs);
    this.#isCrowded = waiting > 0;
  }

  #cutStalled(most: number, nowMs: number): void {
    for (const relay of stalledRelays(this.#openConnections(), nowMs).slice(0, most)) {
      this.#metrics.stalled.add();
      relay.cut("stalled", Status.RESOURCE_EXHAUSTED, CROWDED_STALL_REASON);
    }
  }

  // ListenerEvents

  onConnection(remote: string): ConnectionUser {
    this.#metrics.accepted.add();
    return new Downstream(this, remote);
  }

  onRefused(remote: string, why: RefusedWhy, reason: string): void {
    this.#metrics.refusedConnection(why);
    this.#refusals.warn("connection refused", `connection ${reason}`, () => ({ remote, reason }));
  }

  // DownstreamOwner

  start(from: Downstream, stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    this.#metrics.calls.add();
    const relay = new Relay(this, stream, list);
    const call = this.#newCall(relay, list, isEnd, stream.openedMs);
    call.caller = from;
    relay.join(call);
    if (list.isTooLarge) {
      this.#refuseOversized(stream, list);
      call.cancel(ErrorCode.CANCEL);
    } else call.start();
    return relay;
  }

  #newCall(relay: Relay, list: HeaderList, isEnd: boolean, nowMs: number): ClusterCall {
    const deadlineMs = deadlineOf(list, nowMs);
    const { policies } = this.#serviceConfig;
    const method = policies === null ? null : policies.find(list);
    if (method === null) return this.#cluster.call(list, isEnd, relay, deadlineMs, nowMs);
    // "The actual deadline is the minimum of the value here and the value set by the application."
    const timeoutMs = method.timeoutMs ?? Number.POSITIVE_INFINITY;
    const isShorter = nowMs + timeoutMs < deadlineMs;
    const sent = isShorter ? withTimeout(list, timeoutMs) : list;
    const endMs = isShorter ? nowMs + timeoutMs : deadlineMs;
    const call = this.#cluster.call(sent, isEnd, relay, endMs, nowMs, method);
    call.waitForReady = method.waitForReady !== false;
    return call;
  }

  #refuseOversized(stream: Stream, list: HeaderList): void {
    this.#metrics.oversized.add();
    const reason = `the header list is larger than ${DEFAULT_CONNECTION_CONFIG.headerListBytesMax} bytes or has more than ${DEFAULT_CONNECTION_CONFIG.headerFieldsMax} fields`;
    this.#refusals.warn("call refused", "oversized", () => ({ reason, path: list.path?.value }));
    answer(stream, list, Status.RESOURCE_EXHAUSTED, reason);
  }

  onDownstreamClosed(remote: string, failure: ConnectionFailure): void {
    if (failure.by === "library" && failure.code !== 0) {
      this.#metrics.glitched.add();
      this.#refusals.warn("connection cut", `cut ${failure.reason}`, () => ({
        remote,
        reason: failure.reason,
      }));
    }
  }

  track(connection: SocketConnection, remote: string): DownstreamConnection {
    return this.#downstreams.add(connection, remote);
  }

  onDownstreamGone(tracked: DownstreamConnection): void {
    this.#downstreams.remove(tracked);
    if (this.#onIdle !== null && this.#openConnections().length === 0) this.#onIdle();
  }

  onRelayFailed(failure: CallFailure, list: HeaderList): void {
    this.#metrics.failed(failure.kind);
    this.#refusals.warn("call failed", `${failure.kind} ${failure.status}`, () => ({
      kind: failure.kind,
      reason: failure.reason,
      path: list.path?.value,
    }));
  }

  #openConnections(): SocketConnection[] {
    const accepted = [...this.#acceptor.connections];
    return this.#listeners.flatMap((listener) => [...listener.connections]).concat(accepted);
  }

  accept(socket: Socket, first: Buffer): void {
    if (!this.#acceptor.tryAdmit(socket)) return;
    this.#acceptor.acceptBegun(socket, first, this.onConnection(remoteOf(socket)));
  }

  drain(by: string): Promise<void> {
    this.#draining ??= this.#drain(by);
    return this.#draining;
  }

  async #drain(by: string): Promise<void> {
    const { log, clock } = this.#system;
    const { drainDelayMs, drainTimeoutMs } = this.#config;
    log.info("draining", {
      by,
      drainDelayMs,
      drainTimeoutMs,
      connections: this.#count.value,
      calls: this.#cluster.activeCalls,
    });
    if (drainDelayMs > 0) {
      await new Promise<void>((resolve) => clock.setTimer(drainDelayMs, resolve));
    }
    for (const listener of [...this.#listeners, this.#acceptor]) listener.stop();
    for (const connection of this.#openConnections()) connection.drain("fairlead is shutting down");
    await this.#waitIdle(drainTimeoutMs);
    this.#cutCalls();
    this.#refusals.flush();
    this.#closeConnections("drain timeout");
    // What was just said must reach the kernel before anybody ends the process.
    this.#loop.flushNow();
    log.info("drained", {});
  }

  #waitIdle(timeoutMs: number): Promise<void> {
    if (this.#openConnections().length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#system.clock.setTimer(timeoutMs, resolve);
      this.#onIdle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** The drain's time is up: what is in flight or waits is told so. */
  #cutCalls(): void {
    const reason = `cut at the end of the drain, after ${this.#config.drainTimeoutMs} ms`;
    let calls = 0;
    for (const connection of this.#openConnections()) {
      calls += this.#cutCallsOf(connection, reason);
    }
    if (calls > 0) this.#system.log.warn("drain timeout: calls were cut", { calls });
  }

  #cutCallsOf(connection: SocketConnection, reason: string): number {
    const relays = connection.http2.openStreams().map(({ events }) => events);
    let calls = 0;
    for (const relay of relays) {
      if (!(relay instanceof Relay)) continue;
      relay.cut("drained", Status.UNAVAILABLE, reason);
      calls += 1;
    }
    return calls;
  }

  #closeConnections(reason: string): void {
    for (const connection of this.#openConnections()) connection.close(0, reason);
  }

  close(): void {
    for (const listener of [...this.#listeners, this.#acceptor]) listener.stop();
    this.#loop.remove(this);
    this.#cluster.close();
    this.#closeConnections("fairlead is shutting down");
    this.#loop.flushNow();
    this.#certificates.close();
  }

  clusters(): ClusterView[] {
    return [{ ...this.#cluster.view(), draining: this.#draining !== null }];
  }

  metrics(): MetricsSnapshot {
    return this.#registry.snapshot();
  }

  readiness(): Readiness {
    if (this.#draining !== null) return { ready: false, reason: "draining" };
    return this.#cluster.readiness();
  }

  load(): LoadFigures {
    return this.#downstreams.load();
  }

  shed(order: ShedOrder): number {
    return this.#draining === null ? this.#downstreams.shed(order) : 0;
  }

  downstreams(): DownstreamsView {
    return this.#downstreams.view();
  }
}
