/**
 * A worker process: one proxy that is started, asked and ended by its primary.
 *
 * It opens no admin endpoint and resolves no name. When the primary goes, so does the worker
 * (`node-cluster.ts`).
 */
import type { Clock, Logger, Rng } from "../../base/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { ListenError, TlsFileError } from "../../transport/index.ts";
import type { ProxyConfig } from "../config.ts";
import type { ShedOrder } from "../nesting/index.ts";
import type { createProxy, Proxy as RelayProxy } from "../proxy.ts";
import { LineResolver } from "./line-resolver.ts";
import type { FromWorker, Line, Question, ToWorker } from "./messages.ts";

/** What a worker is made of. */
export interface WorkerDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly createProxy: typeof createProxy;
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
  #resolver: LineResolver | null = null;

  constructor(line: Line<ToWorker, FromWorker>, deps: WorkerDeps) {
    this.#line = line;
    this.#deps = deps;
  }

  recv(message: ToWorker): void {
    switch (message.type) {
      case "start":
        void this.#start(message.config);
        break;
      case "endpoints":
        this.#resolver?.onEndpoints(message.set);
        break;
      case "endpointsChange":
        this.#resolver?.onChange(message.change);
        break;
      case "resolverError":
        this.#resolver?.onError(message.reason);
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

  async #start(config: ProxyConfig): Promise<void> {
    const { clock, rng, log, createProxy } = this.#deps;
    const resolver = new LineResolver(config.target, () => this.#line.send({ type: "resolveNow" }));
    this.#resolver = resolver;
    try {
      this.#proxy = createProxy(config, { clock, rng, log, resolver, registry: new Registry() });
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
