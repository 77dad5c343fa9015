/**
 * A source that is the store of the lab's API server in the same process, on any clock: what is
 * written there is told on a later turn. Outages are a switch; what they hid is told at their end.
 */
import type { Clock } from "../../src/base/index.ts";
import {
  checkObject,
  type KindName,
  type KubernetesObject,
  type ObjectChange,
  type ObjectListener,
  type ObjectOfKind,
  type ObjectQuery,
  type ObjectSource,
  type Subscription,
} from "../../src/discovery/index.ts";
import type { ApiObject } from "../../src/lab/cluster/index.ts";
import type { Store } from "../../src/lab/cluster/store.ts";

interface Watch {
  readonly query: ObjectQuery;
  readonly listener: ObjectListener;
  readonly told: Map<string, KubernetesObject>;
}

/** See the head of this file. Only queries without a name and a label. */
export class LabSource implements ObjectSource {
  readonly description = "the lab's store";
  readonly defaultNamespace = "default";
  /** How long a change takes to be told. */
  latencyMs = 1;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #watches = new Set<Watch>();
  readonly #stop: () => void;
  #isAway = false;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#stop = store.onEvent(({ kind }) => this.#plan(kind));
  }

  watch<K extends KindName>(
    query: ObjectQuery<K>,
    listener: ObjectListener<ObjectOfKind[K]>,
  ): Subscription {
    const watch = { query, listener: listener as unknown as ObjectListener, told: new Map() };
    this.#watches.add(watch);
    this.#clock.setTimer(this.latencyMs, () => this.#tell(watch, true));
    return { close: () => void this.#watches.delete(watch) };
  }

  close(): void {
    this.#stop();
    this.#watches.clear();
  }

  /** The source is away, or back. */
  setAway(isAway: boolean): void {
    this.#isAway = isAway;
    for (const watch of [...this.#watches]) {
      if (isAway) watch.listener.onProblem({ kind: "unreachable", reason: "api: no answer" });
      else {
        this.#tell(watch, false);
        watch.listener.onRecovered();
      }
    }
  }

  #plan(kind: string): void {
    this.#clock.setTimer(this.latencyMs, () => {
      for (const watch of [...this.#watches]) {
        if (watch.query.kind === kind) this.#tell(watch, false);
      }
    });
  }

  #tell(watch: Watch, isFirst: boolean): void {
    if (this.#isAway || !this.#watches.has(watch)) return;
    const { kind, namespace } = watch.query;
    const changes: ObjectChange[] = [];
    const now = new Set<string>();
    for (const value of this.#store.all(kind)) {
      if (namespace !== null && (value.metadata.namespace ?? "") !== namespace) continue;
      const { key, version } = nameOf(value);
      now.add(key);
      if (watch.told.get(key)?.metadata.resourceVersion === version) continue;
      const { object, problem } = checkObject(kind, value);
      if (object === null) throw new Error(problem);
      watch.told.set(key, object);
      changes.push({ type: "upsert", object });
    }
    for (const [key, object] of watch.told) {
      if (now.has(key)) continue;
      watch.told.delete(key);
      changes.push({ type: "delete", object });
    }
    if (isFirst || changes.length > 0) watch.listener.onChanges(changes, true);
  }
}

function nameOf({ metadata }: ApiObject): { readonly key: string; readonly version: string } {
  const { namespace = "", name, resourceVersion } = metadata;
  return { key: `${namespace}/${name}`, version: resourceVersion };
}
