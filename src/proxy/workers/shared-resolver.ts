/**
 * A resolver of the primary whose finds all workers are told: a whole set to each once, then what
 * changed of it.
 */
import type { Clock, Logger, Timer } from "../../base/index.ts";
import { EndpointSetLog, SET_LOG_INTERVAL_MS, type ServiceConfig } from "../../cluster/index.ts";
import type { EndpointSet, Resolver } from "../../discovery/index.ts";
import { ServiceConfigInForce } from "../../mesh/index.ts";
import type { ToWorker } from "./messages.ts";
import { setChange } from "./set-change.ts";

/** What it needs and tells. */
export interface SharedResolverDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** To all workers. */
  sendAll(message: ToWorker): void;
}

/** See the head of this file. */
export class SharedResolver {
  readonly #resolver: Resolver;
  /** By what workers tell it from others; absent where there is one only. */
  readonly #id: { readonly cluster?: string };
  readonly #deps: SharedResolverDeps;
  readonly #setLog: EndpointSetLog;
  /** For the log alone: each worker applies it. */
  readonly #serviceConfig: ServiceConfigInForce;
  #timer: Timer | null = null;
  #set: EndpointSet | null = null;
  #error: string | null = null;

  /**
   * @param target for people.
   * @param own the service config that holds whatever the resolver says; null: none.
   */
  constructor(
    resolver: Resolver,
    target: string,
    id: { readonly cluster?: string },
    own: ServiceConfig | null,
    deps: SharedResolverDeps,
  ) {
    this.#resolver = resolver;
    this.#id = id;
    this.#deps = deps;
    this.#setLog = new EndpointSetLog(target, deps.log, deps.clock);
    this.#serviceConfig = new ServiceConfigInForce(own, target, deps.log, () => {});
  }

  start(): void {
    this.#resolver.start({
      onEndpoints: (set) => this.#onEndpoints(set),
      onError: (reason) => this.#onError(reason),
    });
  }

  resolveNow(): void {
    this.#resolver.resolveNow();
  }

  /** Tells one worker all that is known. */
  tell(send: (message: ToWorker) => void): void {
    if (this.#set !== null) send({ type: "endpoints", ...this.#id, set: this.#set });
    if (this.#error !== null) send({ type: "resolverError", ...this.#id, reason: this.#error });
  }

  close(): void {
    this.#timer?.cancel();
    this.#resolver.close();
  }

  #onEndpoints(set: EndpointSet): void {
    this.#setLog.onEndpoints(set);
    this.#serviceConfig.onServiceConfig(set.serviceConfig ?? null);
    this.#timer?.cancel();
    const tell = () => this.#setLog.tell();
    this.#timer = this.#deps.clock.setTimer(SET_LOG_INTERVAL_MS, tell);
    const before = this.#set;
    this.#set = set;
    if (!set.isStale) this.#error = null;
    const { sendAll } = this.#deps;
    if (before === null) sendAll({ type: "endpoints", ...this.#id, set });
    else sendAll({ type: "endpointsChange", ...this.#id, change: setChange(before, set) });
  }

  #onError(reason: string): void {
    this.#setLog.onError(reason);
    this.#error = reason;
    this.#deps.sendAll({ type: "resolverError", ...this.#id, reason });
  }
}
