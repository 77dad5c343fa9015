/**
 * The primary of several worker processes: resolves once for all, answers for all, and replaces
 * those that crash. It relays nothing itself.
 */
import type { Clock, Logger, Rng, Timer } from "../../base/index.ts";
import {
  type ClusterView,
  EndpointSetLog,
  type Readiness,
  SET_LOG_INTERVAL_MS,
} from "../../cluster/index.ts";
import type { EndpointSet, Resolver } from "../../discovery/index.ts";
import { ServiceConfigInForce } from "../../mesh/index.ts";
import {
  type Counter,
  type MetricsSnapshot,
  mergeSnapshots,
  type Registry,
} from "../../telemetry/index.ts";
import { removeStaleSocket } from "../../transport/index.ts";
import { mergeReadiness } from "../admin/index.ts";
import type { ProxyConfig } from "../config.ts";
import {
  type DownstreamsView,
  type LoadFigures,
  mergeDownstreams,
  type WorkerLoad,
  type WorkerOrder,
} from "../nesting/index.ts";
import { chosenConfig } from "../policy-choice.ts";
import { Figures } from "./figures.ts";
import type { Question } from "./messages.ts";
import type { RelayGroup } from "./relay-group.ts";
import { setChange } from "./set-change.ts";
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
  readonly resolver: Resolver;
  /** The primary's own figures, beside the sums of the workers'. */
  readonly registry: Registry;
  /** Starts a worker process. */
  fork(slot: number): WorkerProcess;
}

/** See the head of this file. */
export class WorkerPool implements RelayGroup {
  readonly #config: ProxyConfig;
  readonly #deps: PoolDeps;
  readonly #slots: Slot[];
  readonly #registry: Registry;
  readonly #restarts: Counter;
  readonly #figures = new Figures();
  /** By slot: the last answers, for a worker that is slow to give the next one. */
  readonly #loads = new Map<number, WorkerLoad>();
  readonly #setLog: EndpointSetLog;
  /** For the log alone: each worker applies it. */
  readonly #serviceConfig: ServiceConfigInForce;
  #setLogTimer: Timer | null = null;
  #refreshTimer: Timer | null = null;
  #isClosed = false;
  #set: EndpointSet | null = null;
  #error: string | null = null;
  #drained: Promise<void> | null = null;
  /** Where to listen from now on; see `#onListening`. */
  #startConfig: ProxyConfig;
  #addresses: string[] | null = null;
  #onFirst: { resolve(addresses: string[]): void; reject(error: Error): void } | null = null;

  constructor(config: ProxyConfig, deps: PoolDeps) {
    this.#config = config;
    this.#startConfig = {
      ...config,
      maxConnections: Math.ceil(config.maxConnections / config.workers),
    };
    this.#deps = deps;
    this.#registry = deps.registry;
    const { policy, target } = config;
    this.#setLog = new EndpointSetLog(target, deps.log, deps.clock);
    this.#serviceConfig = new ServiceConfigInForce(
      chosenConfig(policy),
      target,
      deps.log,
      () => {},
    );
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
    for (const address of this.#config.listeners) {
      if ("path" in address) await removeStaleSocket(address.path);
    }
    const first = new Promise<string[]>((resolve, reject) => {
      this.#onFirst = { resolve, reject };
    });
    this.#deps.resolver.start({
      onEndpoints: (set) => this.#onEndpoints(set),
      onError: (reason) => this.#onError(reason),
    });
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
    this.#setLogTimer?.cancel();
    this.#refreshTimer?.cancel();
    this.#deps.resolver.close();
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }

  async clusters(): Promise<ClusterView[]> {
    await this.#askAll<ClusterView[]>("clusters", (slot, views) => {
      this.#figures.noteClusters(slot.number, views);
    });
    return this.#figures.clusters();
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
    const { clock, rng, log, fork } = this.#deps;
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
      onResolveNow: () => this.#deps.resolver.resolveNow(),
      onEnded: (slot) => {
        this.#figures.onEnded(slot.number);
        this.#loads.delete(slot.number);
      },
      onRestart: () => this.#restarts.add(),
    });
  }

  #onOnline(slot: Slot): void {
    slot.send({ type: "start", config: this.#startConfig });
    if (this.#set !== null) slot.send({ type: "endpoints", set: this.#set });
    if (this.#error !== null) slot.send({ type: "resolverError", reason: this.#error });
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
    const listeners = this.#config.listeners.map((address, i) => {
      if ("path" in address || address.port !== 0) return address;
      return { host: address.host, port: Number(bound[i].slice(bound[i].lastIndexOf(":") + 1)) };
    });
    this.#startConfig = { ...this.#startConfig, listeners };
  }

  #onFailed(reason: string): void {
    if (this.#onFirst !== null) this.#onFirst.reject(new WorkerError(reason));
    else this.#deps.log.error("worker cannot serve", { reason });
  }

  #onEndpoints(set: EndpointSet): void {
    this.#setLog.onEndpoints(set);
    this.#serviceConfig.onServiceConfig(set.serviceConfig ?? null);
    this.#setLogTimer?.cancel();
    const tell = () => this.#setLog.tell();
    this.#setLogTimer = this.#deps.clock.setTimer(SET_LOG_INTERVAL_MS, tell);
    const before = this.#set;
    this.#set = set;
    if (!set.isStale) this.#error = null;
    const change = before === null ? null : setChange(before, set);
    for (const slot of this.#slots) {
      if (change === null) slot.send({ type: "endpoints", set });
      else slot.send({ type: "endpointsChange", change });
    }
  }

  #onError(reason: string): void {
    this.#setLog.onError(reason);
    this.#error = reason;
    for (const slot of this.#slots) slot.send({ type: "resolverError", reason });
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
