/**
 * A worker process: one relay that is started, asked and ended by its primary.
 *
 * It opens no admin endpoint and resolves no name. When the primary goes, so does the worker
 * (`cluster.ts`).
 */
import type { Clock, Logger, Rng } from "../../base/index.ts";
import { ListenError, TlsFileError } from "../../transport/index.ts";
import type { ProxyConfig } from "../config.ts";
import { LineResolver } from "./line-resolver.ts";
import type { FromWorker, Line, Question, ToWorker } from "./messages.ts";
import type { CreateRelay, RelayWorker } from "./relay-worker.ts";

/** What a worker is made of. */
export interface WorkerDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly createRelay: CreateRelay;
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
  #relay: RelayWorker | null = null;
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
      case "resolverError":
        this.#resolver?.onError(message.reason);
        break;
      case "ask":
        this.#answer(message.id, message.question);
        break;
      case "drain":
        void this.#drain();
        break;
      case "exit":
        this.#relay?.close();
        this.#deps.exit(0);
        break;
    }
  }

  async #start(config: ProxyConfig): Promise<void> {
    const { clock, rng, log, createRelay } = this.#deps;
    const resolver = new LineResolver(config.target, () => this.#line.send({ type: "resolveNow" }));
    this.#resolver = resolver;
    try {
      this.#relay = createRelay(config, { clock, rng, log, resolver });
      const addresses = await this.#relay.listen();
      this.#line.send({ type: "listening", addresses });
    } catch (error) {
      this.#relay?.close();
      this.#line.send({ type: "failed", reason: reasonOf(error) });
    }
  }

  async #drain(): Promise<void> {
    await this.#relay?.drain();
    this.#line.send({ type: "drained" });
  }

  #answer(id: number, question: Question): void {
    if (this.#relay === null) return;
    this.#line.send({ type: "answer", id, value: this.#relay[question]() });
  }
}

/** One sentence for what a user can mend; a stack for what is a bug of ours. */
function reasonOf(error: unknown): string {
  if (error instanceof ListenError || error instanceof TlsFileError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
