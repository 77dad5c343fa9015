/**
 * What a primary finds out once for all of its workers: the endpoints of one target; or a mesh's
 * configuration and the endpoints of the clusters that workers have use for.
 */
import type { ServiceConfig } from "../../cluster/index.ts";
import type { Resolver } from "../../discovery/index.ts";
import type { MeshConfig, MeshSource } from "../../mesh/index.ts";
import { ConfigurationLog } from "../configuration-log.ts";
import { encodeMesh } from "./mesh-text.ts";
import type { ToWorker } from "./messages.ts";
import { SharedResolver, type SharedResolverDeps } from "./shared-resolver.ts";
import type { WorkerNews } from "./slot.ts";

/** See the head of this file. */
export interface Feed {
  /** Begins to find out. */
  start(deps: SharedResolverDeps): void;
  /** Tells a worker that has just started all that is known. */
  tell(send: (message: ToWorker) => void): void;
  /** A worker says something of its own accord. */
  onNews(message: WorkerNews, send: (message: ToWorker) => void): void;
  close(): void;
}

/** The feed of one target. @param own see `SharedResolver`. */
export function targetFeed(resolver: Resolver, target: string, own: ServiceConfig | null): Feed {
  let shared: SharedResolver | null = null;
  return {
    start: (deps) => {
      shared = new SharedResolver(resolver, target, {}, own, deps);
      shared.start();
    },
    tell: (send) => shared?.tell(send),
    onNews: ({ type }) => {
      if (type === "resolveNow") shared?.resolveNow();
    },
    close: () => (shared === null ? resolver.close() : shared.close()),
  };
}

/** The feed of many. */
export class MeshFeed implements Feed {
  readonly #source: MeshSource;
  readonly #own: ServiceConfig | null;
  readonly #serves: string;
  /** By the keys of clusters that a worker has use for. */
  readonly #resolvers = new Map<string, SharedResolver>();
  readonly #bound = new Set<string>();
  #deps: SharedResolverDeps | null = null;
  #config: MeshConfig | null = null;
  #text = "";
  #problem: string | null = null;

  /** @param serves for people. @param own holds for every cluster; null: what each says. */
  constructor(source: MeshSource, serves: string, own: ServiceConfig | null) {
    this.#source = source;
    this.#serves = serves;
    this.#own = own;
  }

  start(deps: SharedResolverDeps): void {
    this.#deps = deps;
    const { sendAll } = deps;
    const log = new ConfigurationLog(deps.log, this.#serves);
    this.#source.start({
      onConfig: (config) => {
        this.#config = config;
        this.#problem = null;
        this.#text = encodeMesh(config);
        sendAll({ type: "mesh", text: this.#text });
        this.#forget(config);
        log.onConfig(config);
        log.tell(config);
      },
      onError: (reason) => {
        this.#problem = reason;
        sendAll({ type: "meshError", reason });
        log.onError(reason);
      },
    });
  }

  tell(send: (message: ToWorker) => void): void {
    if (this.#config !== null) send({ type: "mesh", text: this.#text });
    if (this.#problem !== null) send({ type: "meshError", reason: this.#problem });
  }

  onNews(message: WorkerNews, send: (message: ToWorker) => void): void {
    if (message.type === "bound") {
      this.#onBound(message.address, message.name);
      return;
    }
    const { cluster: key = "" } = message;
    const known = this.#resolvers.get(key);
    if (message.type === "resolveNow") known?.resolveNow();
    else if (known !== undefined) known.tell(send);
    else this.#open(key);
  }

  #open(key: string): void {
    // A cluster that has gone since: the worker will hear of it.
    const spec = [...(this.#config?.clusters.values() ?? [])].find((one) => one.key === key);
    if (spec === undefined) return;
    const id = { cluster: key };
    const made = new SharedResolver(spec.newResolver(), spec.name, id, this.#own, this.#deps!);
    this.#resolvers.set(key, made);
    made.start();
  }

  /** What no cluster is for any more. */
  #forget({ clusters, listeners }: MeshConfig): void {
    const keys = new Set([...clusters.values()].map(({ key }) => key));
    for (const [key, resolver] of this.#resolvers) {
      if (keys.has(key)) continue;
      this.#resolvers.delete(key);
      resolver.close();
    }
    const names = new Set(listeners.map(({ name }) => name));
    for (const bound of this.#bound) {
      if (!names.has(bound.slice(bound.indexOf(" ") + 1))) this.#bound.delete(bound);
    }
  }

  /** One line for all workers. */
  #onBound(address: string, name: string): void {
    const key = `${address} ${name}`;
    if (this.#bound.has(key)) return;
    this.#bound.add(key);
    this.#deps!.log.info("listening", { address, listener: name });
  }

  close(): void {
    this.#source.close();
    for (const resolver of this.#resolvers.values()) resolver.close();
  }
}
