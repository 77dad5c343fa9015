/**
 * The primary of several worker processes: resolves once for all, answers for all, and replaces
 * those that crash. It relays nothing itself.
 */
import type { Clock, Logger, Rng, Timer } from "../../base/index.ts";
import type { ClusterView, Readiness } from "../../cluster/index.ts";
import {
  type Counter,
  type MetricsSnapshot,
  mergeSnapshots,
  type Registry,
} from "../../telemetry/index.ts";
import { type ListenAddress, removeStaleSocket } from "../../transport/index.ts";
import { mergeListeners, mergeReadiness } from "../admin/index.ts";
import type { MeshProxyConfig, ProxyConfig } from "../config.ts";
import {
  type DownstreamsView,
  type LoadFigures,
  mergeDownstreams,
  type WorkerLoad,
  type WorkerOrder,
} from "../nesting/index.ts";
import type { ListenerView, RouteView } from "../serving/views.ts";
import type { Feed } from "./feeds.ts";
import { Figures } from "./figures.ts";
import type { Question, ToWorker } from "./messages.ts";
import type { RelayGroup } from "./relay-group.ts";
import { Slot, type WorkerProcess } from "./slot.ts";

/** A drain of workers is given up this long after their own time-out. */
const DRAIN_GRACE_MS = 2000;

/**
 * How often all workers are asked for their figures unasked for: what a crash can take with it at
 * most. Only with an admin endpoint, which shows them.
 */
export const REFRESH_MS = 5000;

/** The workers could not start; the message is the first one's reason. */
export class WorkerError extends Error {
  override readonly name = "WorkerError";
}

/** What a pool is made of. */
export interface PoolDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Not started yet; the pool starts and closes it. */
  readonly feed: Feed;
  /** The primary's own figures, beside the sums of the workers'. */
  readonly registry: Registry;
  /** Starts a worker process. */
  fork(slot: number): WorkerProcess;
}

/** See the head of this file. */
export class WorkerPool implements RelayGroup {
  readonly #config: ProxyConfig | MeshProxyConfig;
  readonly #deps: PoolDeps;
  readonly #slots: Slot[];
  readonly #registry: Registry;
  readonly #restarts: Counter;
  readonly #figures = new Figures();
  /** By slot: the last answers, for a worker that is slow to give the next one. */
  readonly #loads = new Map<number, WorkerLoad>();
  #refreshTimer: Timer | null = null;
  #isClosed = false;
  #drained: Promise<void> | null = null;
  /** Where to listen from now on; see `#onListening`. */
  #startConfig: ProxyConfig | MeshProxyConfig;
  #addresses: string[] | null = null;
  #onFirst: { resolve(addresses: string[]): void; reject(error: Error): void } | null = null;

  constructor(config: ProxyConfig | MeshProxyConfig, deps: PoolDeps) {
    this.#config = config;
    this.#startConfig = {
      ...config,
      maxConnections: Math.ceil(config.maxConnections / config.workers),
    };
    this.#deps = deps;
    this.#registry = deps.registry;
    this.#restarts = this.#registry.counter(
      "fairlead_worker_restarts_total",
      "Worker processes started in place of one that crashed.",
    );
    this.#registry.gauge("fairlead_workers", "Worker processes that serve.", {}, () => {
      return this.#slots.filter((slot) => slot.isListening).length;
    });
    this.#slots = Array.from({ length: config.workers }, (_, i) => this.#newSlot(i + 1));
  }

  /** Starts all workers; when one cannot serve, ends all and rejects. */
  async listen(): Promise<string[]> {
    // Here and once: of workers that each looked, one could remove the other's new socket.
    for (const address of this.#addressesOf()) {
      if ("path" in address) await removeStaleSocket(address.path);
    }
    const first = new Promise<string[]>((resolve, reject) => {
      this.#onFirst = { resolve, reject };
    });
    const { clock, log, feed } = this.#deps;
    const sendAll = (message: ToWorker): void => {
      for (const slot of this.#slots) slot.send(message);
    };
    feed.start({ clock, log, sendAll });
    for (const slot of this.#slots) slot.start();
    try {
      const addresses = await first;
      if (this.#config.admin !== null) this.#armRefresh();
      return addresses;
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      this.#onFirst = null;
    }
  }

  drain(by: string): Promise<void> {
    this.#drained ??= this.#drain(by);
    return this.#drained;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#refreshTimer?.cancel();
    this.#deps.feed.close();
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }

  async clusters(): Promise<ClusterView[]> {
    await this.#askAll<ClusterView[]>("clusters", (slot, views) => {
      this.#figures.noteClusters(slot.number, views);
    });
    return this.#figures.clusters();
  }

  async listeners(): Promise<readonly ListenerView[]> {
    const answers: (readonly ListenerView[])[] = [];
    await this.#askAll<ListenerView[]>("listeners", (_slot, views) => answers.push(views));
    return mergeListeners(answers);
  }

  async routes(): Promise<readonly RouteView[]> {
    let found: readonly RouteView[] = [];
    await this.#askAll<RouteView[]>("routes", (_slot, views) => {
      found = views;
    });
    return found;
  }

  async metrics(): Promise<MetricsSnapshot> {
    await this.#askAll<MetricsSnapshot>("metrics", (slot, snapshot) => {
      this.#figures.noteMetrics(slot.number, snapshot);
    });
    return mergeSnapshots([this.#figures.metrics(), this.#registry.snapshot()]);
  }

  async readiness(): Promise<Readiness> {
    const answers: Readiness[] = [];
    await this.#askAll<Readiness>("readiness", (_slot, answer) => answers.push(answer));
    return mergeReadiness(answers);
  }

  async loads(): Promise<readonly WorkerLoad[]> {
    await this.#askAll<LoadFigures>("load", ({ number }, figures) => {
      this.#loads.set(number, { worker: number, ...figures });
    });
    return [...this.#loads.values()];
  }

  async shed(orders: readonly WorkerOrder[]): Promise<number> {
    const counts = orders.map(async ({ worker, order }) => {
      const slot = this.#slots.find(({ number }) => number === worker);
      if (slot === undefined) return 0;
      const count = await slot.shed(order);
      // One that does not say so in time may have closed all that it was allowed to.
      return typeof count === "number" ? count : order.countMax;
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async downstreams(): Promise<DownstreamsView> {
    const views: DownstreamsView[] = [];
    await this.#askAll<DownstreamsView>("downstreams", ({ number }, view) => {
      views.push(ofWorker(number, view));
    });
    return mergeDownstreams(views);
  }

  #newSlot(number: number): Slot {
    const { clock, rng, log, fork, feed } = this.#deps;
    return new Slot(number, {
      clock,
      rng,
      log,
      fork: () => {
        this.#keepAddresses();
        return fork(number);
      },
      onOnline: (slot) => this.#onOnline(slot),
      onListening: (_slot, addresses) => this.#onListening(addresses),
      onFailed: (_slot, reason) => this.#onFailed(reason),
      onNews: (slot, message) => feed.onNews(message, (to) => slot.send(to)),
      onEnded: (slot) => {
        this.#figures.onEnded(slot.number);
        this.#loads.delete(slot.number);
      },
      onRestart: () => this.#restarts.add(),
    });
  }

  #onOnline(slot: Slot): void {
    const config = this.#startConfig;
    slot.send("target" in config ? { type: "start", config } : { type: "startMesh", config });
    this.#deps.feed.tell((message) => slot.send(message));
  }

  #onListening(addresses: readonly string[]): void {
    this.#addresses ??= [...addresses];
    if (this.#slots.every((slot) => slot.isListening)) this.#onFirst?.resolve(this.#addresses);
  }

  /**
   * Workers share one socket per address, which closes with the last of them. With port 0 the next
   * one would get another port: then it is told the one that was in use.
   */
  #keepAddresses(): void {
    if (this.#addresses === null || this.#slots.some((slot) => slot.isListening)) return;
    const bound = this.#addresses;
    if (!("target" in this.#startConfig)) return;
    const listeners = this.#addressesOf().map((address, i) => {
      if ("path" in address || address.port !== 0) return address;
      return { host: address.host, port: Number(bound[i].slice(bound[i].lastIndexOf(":") + 1)) };
    });
    this.#startConfig = { ...this.#startConfig, listeners };
  }

  /** Those of the start: listeners of a configuration are each worker's to bind. */
  #addressesOf(): readonly ListenAddress[] {
    return "target" in this.#config ? this.#config.listeners : [];
  }

  #onFailed(reason: string): void {
    if (this.#onFirst !== null) this.#onFirst.reject(new WorkerError(reason));
    else this.#deps.log.error("worker cannot serve", { reason });
  }

  async #drain(by: string): Promise<void> {
    const { drainDelayMs, drainTimeoutMs } = this.#config;
    const all = Promise.all(this.#slots.map((slot) => slot.drain(by)));
    await new Promise<void>((resolve) => {
      const limitMs = drainDelayMs + drainTimeoutMs + DRAIN_GRACE_MS;
      const timer = this.#deps.clock.setTimer(limitMs, resolve);
      void all.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #armRefresh(): void {
    this.#refreshTimer = this.#deps.clock.setTimer(REFRESH_MS, () => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    await Promise.all([this.metrics(), this.clusters()]);
    if (!this.#isClosed) this.#armRefresh();
  }

  /** Hands each answer to `take` when it comes; resolves when all have come or the time is over. */
  async #askAll<T>(question: Question, take: (slot: Slot, answer: T) => void): Promise<void> {
    const one = async (slot: Slot): Promise<void> => {
      const answer = await slot.ask(question);
      if (answer !== undefined) take(slot, answer as T);
    };
    await Promise.all(this.#slots.map(one));
  }
}

function ofWorker(worker: number, { connections, sheds }: DownstreamsView): DownstreamsView {
  return {
    connections: connections.map((connection) => ({ ...connection, worker })),
    sheds: sheds.map((shed) => ({ ...shed, worker })),
  };
}
