/**
 * The proxy: listeners in front, clusters behind, a relay per call, and an orderly end.
 *
 * Not a process: signals, logs of addresses, the admin endpoint and workers are put around it. What
 * is served is in `serving/`.
 */
import type { Socket } from "node:net";
import type { ClusterView, Readiness } from "../cluster/index.ts";
import type { Resolver } from "../discovery/index.ts";
import { Status } from "../grpc/index.ts";
import type { ListenerSpec, MeshSource } from "../mesh/index.ts";
import { type MetricsSnapshot, mergeSnapshots } from "../telemetry/index.ts";
import { type Ticking, TransportLoop } from "../transport/index.ts";
import type { FrontConfig, MeshProxyConfig, ProxyConfig } from "./config.ts";
import { Front, type FrontSystem } from "./front.ts";
import type { DownstreamsView, LoadFigures, ShedOrder } from "./nesting/index.ts";
import { CapturedServing } from "./serving/captured-serving.ts";
import { MeshServing } from "./serving/mesh-serving.ts";
import type { Serving } from "./serving/serving.ts";
import { TargetServing } from "./serving/target-serving.ts";
import type { ListenerView, RouteView } from "./serving/views.ts";
import { CROWDED_STALL_REASON, StalledReaders } from "./stalled-readers.ts";

/** The real things that a proxy of one target needs. */
export interface ProxySystem extends FrontSystem {
  readonly resolver: Resolver;
}

/** The real things that a proxy of many targets needs. */
export interface MeshProxySystem extends FrontSystem {
  readonly source: MeshSource;
  /** A listener is bound: `name` is its configuration's. */
  onListening(address: string, name: string): void;
}

/** A proxy, as the processes around it see it. */
export interface Proxy {
  /**
   * Binds all listeners, or none; resolves with their addresses in order. Listeners of a
   * configuration that comes later are bound when it does: then with none.
   */
  listen(): Promise<string[]>;
  /**
   * Takes a plain socket of which `first` was read, on the turn that brought these bytes.
   * @param listener whose it is, in a proxy of captured connections; null in others.
   */
  accept(socket: Socket, first: Buffer, listener: ListenerSpec | null): void;
  /**
   * Not ready any more; after the delay listeners close, calls finish. Resolves when all is over.
   * @param by who asked for it, for the log: "SIGTERM".
   * @param handedOver resolves after the last `accept`, if one may come after the delay still: such
   *   a connection is drained at once, and waited for as all others are.
   */
  drain(by: string, handedOver?: Promise<void>): Promise<void>;
  /** Ends at once. */
  close(): void;
  clusters(): ClusterView[];
  listeners(): ListenerView[];
  routes(): RouteView[];
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
  return new RelayProxy(
    config,
    system,
    (front, loop) => new TargetServing(config, system, front, loop),
  );
}

/** The same of many targets: what its source says is served. */
export function createMeshProxy(config: MeshProxyConfig, system: MeshProxySystem): Proxy {
  return new RelayProxy(
    config,
    system,
    (front, loop) => new MeshServing(config, system, front, loop),
  );
}

/** The same for connections that were captured, each handed over with its listener. */
export function createCapturedProxy(config: MeshProxyConfig, system: MeshProxySystem): Proxy {
  return new RelayProxy(
    config,
    system,
    (front, loop) => new CapturedServing(config, system, front, loop),
  );
}

class RelayProxy implements Proxy, Ticking {
  readonly #config: FrontConfig;
  readonly #system: FrontSystem;
  readonly #loop: TransportLoop;
  readonly #front: Front;
  readonly #serving: Serving;
  #draining: Promise<void> | null = null;
  readonly #stalledReaders = new StalledReaders();

  constructor(
    config: FrontConfig,
    system: FrontSystem,
    newServing: (front: Front, loop: TransportLoop) => Serving,
  ) {
    this.#config = config;
    this.#system = system;
    this.#loop = new TransportLoop(system.clock);
    this.#front = new Front(config, system, () => this.#serving.activeCalls);
    this.#serving = newServing(this.#front, this.#loop);
  }

  async listen(): Promise<string[]> {
    try {
      const bound = await this.#serving.listen();
      this.#loop.add(this);
      return bound;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  accept(socket: Socket, first: Buffer, listener: ListenerSpec | null): void {
    this.#serving.accept(socket, first, listener);
  }

  /** From the transport's loop, about once a second. */
  onTick(nowMs: number): void {
    this.#front.refusals.onTick();
    this.#front.downstreams.onTick(nowMs);
    this.#serving.onTick(nowMs);
    for (const relay of this.#stalledReaders.look(this.#serving, nowMs)) {
      this.#front.metrics.stalled.add();
      relay.cut("stalled", Status.RESOURCE_EXHAUSTED, CROWDED_STALL_REASON);
    }
  }

  drain(by: string, handedOver?: Promise<void>): Promise<void> {
    this.#draining ??= this.#drain(by, handedOver);
    return this.#draining;
  }

  async #drain(by: string, handedOver?: Promise<void>): Promise<void> {
    const { log, clock } = this.#system;
    const { drainDelayMs, drainTimeoutMs } = this.#config;
    log.info("draining", {
      by,
      drainDelayMs,
      drainTimeoutMs,
      connections: this.#front.count.value,
      calls: this.#serving.activeCalls,
    });
    if (drainDelayMs > 0) {
      await new Promise<void>((resolve) => clock.setTimer(drainDelayMs, resolve));
    }
    this.#serving.stop();
    for (const connection of this.#serving.connections()) {
      connection.drain("fairlead is shutting down");
    }
    await this.#waitIdle(drainTimeoutMs, handedOver);
    this.#cutCalls();
    this.#front.refusals.flush();
    this.#closeConnections("drain timeout");
    // What was just said must reach the kernel before anybody ends the process.
    this.#loop.flushNow();
    log.info("drained", {});
  }

  #waitIdle(timeoutMs: number, handedOver?: Promise<void>): Promise<void> {
    let mayCome = handedOver !== undefined;
    const isIdle = () => !mayCome && this.#serving.connections().length === 0;
    if (isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#system.clock.setTimer(timeoutMs, resolve);
      const look = (): void => {
        if (!isIdle()) return;
        timer.cancel();
        resolve();
      };
      this.#front.onGone = look;
      void handedOver?.then(() => {
        mayCome = false;
        look();
      });
    });
  }

  /** The drain's time is up: what is in flight or waits is told so. */
  #cutCalls(): void {
    const reason = `cut at the end of the drain, after ${this.#config.drainTimeoutMs} ms`;
    let calls = 0;
    for (const connection of this.#serving.connections()) {
      calls += this.#front.cutCallsOf(connection, reason);
    }
    if (calls > 0) this.#system.log.warn("drain timeout: calls were cut", { calls });
  }

  #closeConnections(reason: string): void {
    for (const connection of this.#serving.connections()) connection.close(0, reason);
  }

  close(): void {
    this.#serving.stop();
    this.#loop.remove(this);
    this.#serving.close();
    this.#closeConnections("fairlead is shutting down");
    this.#loop.flushNow();
  }

  clusters(): ClusterView[] {
    const draining = this.#draining !== null;
    return this.#serving.clusters().map((view) => ({ ...view, draining }));
  }

  listeners(): ListenerView[] {
    return this.#serving.listeners();
  }

  routes(): RouteView[] {
    return this.#serving.routes();
  }

  metrics(): MetricsSnapshot {
    const own = this.#system.registry.snapshot();
    const figures = this.#serving.figures();
    return figures === null ? own : mergeSnapshots([own, figures]);
  }

  readiness(): Readiness {
    if (this.#draining !== null) return { ready: false, reason: "draining" };
    return this.#serving.readiness();
  }

  load(): LoadFigures {
    return this.#front.downstreams.load();
  }

  shed(order: ShedOrder): number {
    return this.#draining === null ? this.#front.downstreams.shed(order) : 0;
  }

  downstreams(): DownstreamsView {
    return this.#front.downstreams.view();
  }
}
