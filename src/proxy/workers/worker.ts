/**
 * A worker process: one proxy that is started, asked and ended by its primary.
 *
 * It opens no admin endpoint and resolves no name. When the primary goes, so does the worker
 * (`node-cluster.ts`).
 */
import type { Clock, Logger, Rng } from "../../base/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { ListenError, TlsFileError } from "../../transport/index.ts";
import type { MeshProxyConfig, ProxyConfig } from "../config.ts";
import type { ShedOrder } from "../nesting/index.ts";
import type { createMeshProxy, createProxy, Proxy as RelayProxy } from "../proxy.ts";
import { LineResolver } from "./line-resolver.ts";
import { LineSource } from "./line-source.ts";
import type { FromWorker, Line, Question, ToWorker } from "./messages.ts";

/** What a worker is made of. */
export interface WorkerDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly createProxy: typeof createProxy;
  readonly createMeshProxy: typeof createMeshProxy;
  /** Ends the process. */
  exit(code: number): void;
}

/** Serves the primary at the other end of `line` until it says "exit". */
export function serveWorker(line: Line<ToWorker, FromWorker>, deps: WorkerDeps): void {
  const worker = new Worker(line, deps);
  line.onMessage((message) => worker.recv(message));
  line.send({ type: "online" });
}

class Worker {
  readonly #line: Line<ToWorker, FromWorker>;
  readonly #deps: WorkerDeps;
  #proxy: RelayProxy | null = null;
  /** By the key of their cluster; "" for the only one. */
  readonly #resolvers = new Map<string, LineResolver>();
  #mesh: LineSource | null = null;

  constructor(line: Line<ToWorker, FromWorker>, deps: WorkerDeps) {
    this.#line = line;
    this.#deps = deps;
  }

  recv(message: ToWorker): void {
    switch (message.type) {
      case "start":
        void this.#start(() => this.#newProxy(message.config));
        break;
      case "startMesh":
        void this.#start(() => this.#newMeshProxy(message.config));
        break;
      case "mesh":
        this.#mesh?.onText(message.text);
        break;
      case "meshError":
        this.#mesh?.onError(message.reason);
        break;
      case "endpoints":
        this.#resolvers.get(message.cluster ?? "")?.onEndpoints(message.set);
        break;
      case "endpointsChange":
        this.#resolvers.get(message.cluster ?? "")?.onChange(message.change);
        break;
      case "resolverError":
        this.#resolvers.get(message.cluster ?? "")?.onError(message.reason);
        break;
      case "ask":
        this.#answer(message.id, message.question);
        break;
      case "shed":
        this.#shed(message.id, message.order);
        break;
      case "drain":
        void this.#drain(message.by);
        break;
      case "exit":
        this.#proxy?.close();
        this.#deps.exit(0);
        break;
    }
  }

  #newProxy(config: ProxyConfig): RelayProxy {
    const { clock, rng, log, createProxy } = this.#deps;
    const resolver = new LineResolver(config.target, () => this.#line.send({ type: "resolveNow" }));
    this.#resolvers.set("", resolver);
    return createProxy(config, { clock, rng, log, resolver, registry: new Registry() });
  }

  #newMeshProxy(config: MeshProxyConfig): RelayProxy {
    const { clock, rng, log, createMeshProxy } = this.#deps;
    const source = new LineSource((key) => this.#resolverOf(key));
    this.#mesh = source;
    const onListening = (address: string, name: string): void => {
      this.#line.send({ type: "bound", address, name });
    };
    const registry = new Registry();
    return createMeshProxy(config, { clock, rng, log, source, registry, onListening });
  }

  /** A new one takes the place of one with its key, whose cluster is leaving. */
  #resolverOf(cluster: string): LineResolver {
    const askAgain = () => this.#line.send({ type: "resolveNow", cluster });
    const resolver = new LineResolver(cluster, askAgain);
    this.#resolvers.set(cluster, resolver);
    this.#line.send({ type: "resolve", cluster });
    return resolver;
  }

  async #start(newProxy: () => RelayProxy): Promise<void> {
    try {
      this.#proxy = newProxy();
      const addresses = await this.#proxy.listen();
      this.#line.send({ type: "listening", addresses });
    } catch (error) {
      this.#proxy?.close();
      this.#line.send({ type: "failed", reason: reasonOf(error) });
    }
  }

  async #drain(by: string): Promise<void> {
    await this.#proxy?.drain(by);
    this.#line.send({ type: "drained" });
  }

  #shed(id: number, order: ShedOrder): void {
    this.#line.send({ type: "answer", id, value: this.#proxy?.shed(order) ?? 0 });
  }

  #answer(id: number, question: Question): void {
    if (this.#proxy === null) return;
    this.#line.send({ type: "answer", id, value: this.#proxy[question]() });
  }
}

/** One sentence for what a user can mend; a stack for what is a bug of ours. */
function reasonOf(error: unknown): string {
  if (error instanceof ListenError || error instanceof TlsFileError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
