/**
 * The object source that is an API server: many queries, one client.
 *
 * Each query has a reflector of its own; connections, credentials, what was learnt of the server
 * and the counters are shared. Whether two targets share a query is for those who ask.
 */
import { assert, type Clock, type Logger, type Rng } from "../../../base/index.ts";
import type { Registry } from "../../../telemetry/index.ts";
import type { KindName, KubernetesObject, ObjectOfKind } from "../objects.ts";
import type {
  ObjectListener,
  ObjectQuery,
  ObjectSource,
  SourceProblem,
  Subscription,
} from "../source.ts";
import type { ApiAccess } from "./config/access.ts";
import type { LoadClientNode } from "./credentials/plugin.ts";
import { ApiClient } from "./http/client.ts";
import { ApiMetrics } from "./metrics.ts";
import type { Decode } from "./reflector/objects.ts";
import { Reflector } from "./reflector/reflector.ts";
import type { ServerTraits } from "./reflector/watch-session.ts";

/** What the source needs from outside. */
export interface ApiSourceDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Checks and trims objects. */
  readonly decode: Decode;
  /** Where counters go; nowhere by default. */
  readonly registry?: Registry | undefined;
  /** The connections do not keep the process alive. */
  readonly isUnref?: boolean | undefined;
  /** Loads `@kubernetes/client-node`; for tests. */
  readonly loadClientNode?: LoadClientNode | undefined;
}

/**
 * An object source that lists and watches at an API server. It connects when it is asked to watch.
 *
 * @throws ApiAccessError when credentials or certificates cannot be used.
 */
export function createApiSource(access: ApiAccess, deps: ApiSourceDeps): ObjectSource {
  return new ApiSource(access, deps);
}

class ApiSource implements ObjectSource {
  readonly description: string;
  readonly defaultNamespace: string;
  readonly #deps: ApiSourceDeps;
  /** Shows no token, whatever the server says. */
  readonly #log: Logger;
  readonly #client: ApiClient;
  readonly #metrics: ApiMetrics;
  readonly #traits: ServerTraits = { canStreamLists: true, sendsBookmarks: false };
  readonly #reflectors = new Set<Reflector>();
  /** The reason of each query that cannot be watched at the moment. */
  readonly #problems = new Map<ObjectQuery, string>();
  /** Why kinds are absent that the log has named so. */
  readonly #absent = new Map<KindName, string>();
  /** A watch is back of those that the log said are away; it has not been told yet. */
  #isBack = false;
  #isClosed = false;

  constructor(access: ApiAccess, deps: ApiSourceDeps) {
    this.description = access.description;
    this.defaultNamespace = access.namespace;
    this.#deps = deps;
    this.#client = new ApiClient(access, {
      ...deps,
      onBytes: (bytes) => this.#metrics.receivedBytes.add(bytes),
      onSilence: () => this.#metrics.failedProbes.add(),
    });
    this.#log = this.#client.redaction.logger(deps.log);
    this.#metrics = new ApiMetrics(deps.registry ?? null, () => this.#client.openWatches);
    if (access.cluster.isInsecure) {
      deps.log.warn("the API server's certificate is not verified (insecure-skip-tls-verify)", {
        server: access.cluster.server,
      });
    }
  }

  watch<K extends KindName>(
    query: ObjectQuery<K>,
    listener: ObjectListener<ObjectOfKind[K]>,
  ): Subscription {
    assert(!this.#isClosed, "a closed source watches nothing");
    const { clock, rng, decode } = this.#deps;
    const reflector = new Reflector(query, this.#withoutTokens(listener), {
      clock,
      rng,
      log: this.#log,
      decode,
      traits: this.#traits,
      transport: this.#client,
      counters: this.#metrics.of(query.kind),
      onProblem: (problem) => this.#onProblem(query, problem),
      onBack: () => this.#onBack(query),
    });
    this.#reflectors.add(reflector);
    return {
      close: () => {
        reflector.close();
        this.#reflectors.delete(reflector);
        this.#problems.delete(query);
      },
    };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const reflector of this.#reflectors) reflector.close();
    this.#reflectors.clear();
    this.#client.close();
    this.#metrics.close();
  }

  #withoutTokens<T extends KubernetesObject>(listener: ObjectListener<T>): ObjectListener {
    const one = listener as unknown as ObjectListener;
    const { redaction } = this.#client;
    return {
      onChanges: (changes, isSynced) => one.onChanges(changes, isSynced),
      onProblem: ({ kind, reason }) => one.onProblem({ kind, reason: redaction.clean(reason) }),
      onRecovered: () => one.onRecovered(),
    };
  }

  /** One line per reason: a server that is away takes all watches with it. */
  #onProblem(query: ObjectQuery, { kind, reason }: SourceProblem): void {
    if (kind === "forbidden") {
      // The server answers. Whether that is worth a line depends on what the objects are for.
      this.#settle(query);
      return;
    }
    if (kind === "absent") {
      this.#settle(query);
      if (this.#absent.get(query.kind) === reason) return;
      this.#absent.set(query.kind, reason);
      this.#log.info("the API server does not have a kind; it is looked for now and then", {
        kind: query.kind,
        reason,
      });
      return;
    }
    const isNews = ![...this.#problems.values()].includes(reason);
    this.#problems.set(query, reason);
    if (isNews) this.#log.warn("the API server cannot be watched", { kind, reason });
  }

  #onBack(query: ObjectQuery): void {
    if (this.#absent.delete(query.kind)) {
      this.#log.info("the API server has the kind now", { kind: query.kind });
    }
    // One that is allowed at last was never away.
    if (this.#problems.has(query)) this.#isBack = true;
    this.#settle(query);
    for (const other of this.#reflectors) other.hurry();
  }

  /** This query is not away any more: the last one ends the outage. */
  #settle(query: ObjectQuery): void {
    this.#problems.delete(query);
    if (this.#problems.size > 0 || !this.#isBack) return;
    this.#isBack = false;
    this.#log.info("the API server is watched again");
  }
}
