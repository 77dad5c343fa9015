/**
 * Workers without processes, for tests: both ends of the line in one process, messages as JSON, and
 * relays that answer what a test says.
 */
import { scriptedRng, silentLogger, type VirtualClock } from "../../base/index.ts";
import type { EndpointSet, Resolver, ResolverListener } from "../../discovery/index.ts";
import { Registry } from "../../telemetry/index.ts";
import type { ListenError } from "../../transport/index.ts";
import { clusterView, endpointView } from "../admin/views.fixture.ts";
import { PROXY_DEFAULTS, type ProxyConfig } from "../config.ts";
import type { DownstreamsView, LoadFigures, ShedOrder } from "../nesting/index.ts";
import { createMeshProxy, type ProxySystem, type Proxy as RelayProxy } from "../proxy.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { WorkerProcess } from "./slot.ts";
import { serveWorker } from "./worker.ts";

/** A config for `workers` workers on a port of the system's choice. */
export function poolConfig(workers: number): ProxyConfig {
  const listeners = [{ host: "127.0.0.1", port: 0 }];
  return { ...PROXY_DEFAULTS, listeners, target: "echo:1", workers, maxConnections: 10 };
}

/** A resolver that says what a test tells it to say. */
export class FakeResolver implements Resolver {
  readonly target = "echo:1";
  listener: ResolverListener | null = null;
  resolveNowCount = 0;
  isClosed = false;

  start(listener: ResolverListener): void {
    this.listener = listener;
  }

  resolveNow(): void {
    this.resolveNowCount += 1;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** A relay that notes what happens to it. */
export class FakeRelay implements RelayProxy {
  readonly config: ProxyConfig;
  readonly system: ProxySystem;
  readonly sets: EndpointSet[] = [];
  readonly errors: string[] = [];
  readonly registry = new Registry();
  readonly calls = this.registry.counter("fairlead_calls_total", "Calls.");
  /** Set to refuse to listen. */
  refusal: ListenError | null = null;
  figures: LoadFigures = { connections: 2, callsPerSecond: 3 };
  readonly orders: ShedOrder[] = [];
  view: DownstreamsView = { connections: [], sheds: [] };
  isReady = true;
  isDrained = false;
  isClosed = false;
  finishDrain: () => void = () => {};

  constructor(config: ProxyConfig, system: ProxySystem) {
    this.config = config;
    this.system = system;
    this.calls.add(5);
    this.registry.gauge("fairlead_held", "What goes with the process.", {}, () => 1);
  }

  async listen(): Promise<string[]> {
    this.system.resolver.start({
      onEndpoints: (set) => this.sets.push(set),
      onError: (reason) => this.errors.push(reason),
    });
    if (this.refusal !== null) throw this.refusal;
    return this.config.listeners.map((a) => {
      return "path" in a ? `unix:${a.path}` : `${a.host}:${a.port === 0 ? 41_000 : a.port}`;
    });
  }

  accept(): void {}

  listeners() {
    return [];
  }

  routes() {
    return [];
  }

  drain(): Promise<void> {
    this.isDrained = true;
    return new Promise((resolve) => {
      this.finishDrain = resolve;
    });
  }

  close(): void {
    this.isClosed = true;
  }

  clusters() {
    return [clusterView([endpointView({ calls: 2 })])];
  }

  metrics() {
    return this.registry.snapshot();
  }

  readiness() {
    return { ready: this.isReady, reason: this.isReady ? "ready" : "no endpoint is ready" };
  }

  load() {
    return this.figures;
  }

  shed(order: ShedOrder) {
    this.orders.push(order);
    return Math.min(order.countMax, this.figures.connections);
  }

  downstreams() {
    return this.view;
  }
}

/** Both ends of a worker: what the pool holds, and what a test does to it. */
export class FakeProcess implements WorkerProcess {
  readonly pid: number;
  relay: FakeRelay | null = null;
  /** While true nothing gets through, as with a stuck process. */
  isStuck = false;
  isGone = false;
  #toPrimary: (message: FromWorker) => void = () => {};
  #toWorker: (message: ToWorker) => void = () => {};
  #exited: (how: string) => void = () => {};

  /** @param prepare is shown each relay before it listens. */
  constructor(pid: number, clock: VirtualClock, prepare: (relay: FakeRelay) => void) {
    this.pid = pid;
    queueMicrotask(() => {
      const line = {
        send: (message: FromWorker) => {
          if (!this.isStuck && !this.isGone) this.#toPrimary(throughJson(message));
        },
        onMessage: (fn: (message: ToWorker) => void) => {
          this.#toWorker = fn;
        },
      };
      serveWorker(line, {
        clock,
        rng: scriptedRng(),
        log: silentLogger,
        createProxy: (config, system) => {
          this.relay = new FakeRelay(config, system);
          prepare(this.relay);
          return this.relay;
        },
        createMeshProxy,
        exit: (code) => this.exit(`code ${code}`),
      });
    });
  }

  send(message: ToWorker): void {
    if (!this.isStuck && !this.isGone) this.#toWorker(throughJson(message));
  }

  onMessage(fn: (message: FromWorker) => void): void {
    this.#toPrimary = fn;
  }

  onExit(fn: (how: string) => void): void {
    this.#exited = fn;
  }

  kill(): void {
    this.exit("signal SIGKILL");
  }

  /** The process ends. */
  exit(how: string): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#exited(how);
  }
}

function throughJson<T>(message: T): T {
  return JSON.parse(JSON.stringify(message)) as T;
}
