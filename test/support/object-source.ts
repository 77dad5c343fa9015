/**
 * A scripted source of Kubernetes objects for tests: it has a truth that the test changes, and
 * tells its watches of it when the test says so, in any order that a watch allows.
 */
import assert from "node:assert/strict";
import type { Clock, Rng } from "../../src/base/index.ts";
import {
  checkObject,
  type KindName,
  type KubernetesObject,
  type ObjectChange,
  type ObjectListener,
  type ObjectOfKind,
  type ObjectQuery,
  type ObjectSource,
  type SourceProblem,
  type Subscription,
} from "../../src/discovery/index.ts";

/** One watch of the source, as the test sees it. */
export interface ScriptedWatch {
  readonly query: ObjectQuery;
  readonly listener: ObjectListener;
  /** What the watch has been told of, by "namespace/name". */
  readonly told: Map<string, KubernetesObject>;
  /** What it has not been told yet, oldest first, by object. */
  readonly queues: Map<string, ObjectChange[]>;
  isListed: boolean;
  isAway: boolean;
}

/** See the head of this file. */
export class ScriptedSource implements ObjectSource {
  readonly description = "a script";
  readonly defaultNamespace = "prod";
  readonly watches: ScriptedWatch[] = [];
  /** All watches that were ever begun, as "Kind namespace name label", for assertions. */
  readonly begun: string[] = [];
  readonly #clock: Clock;
  readonly #truth = new Map<string, KubernetesObject>();
  readonly #forbidden: (query: ObjectQuery) => boolean;
  #revision = 0;

  /** @param forbidden which watches RBAC does not allow. */
  constructor(clock: Clock, forbidden: (query: ObjectQuery) => boolean = () => false) {
    this.#clock = clock;
    this.#forbidden = forbidden;
  }

  watch<K extends KindName>(
    query: ObjectQuery<K>,
    listener: ObjectListener<ObjectOfKind[K]>,
  ): Subscription {
    const watch: ScriptedWatch = {
      query,
      listener: listener as unknown as ObjectListener,
      told: new Map(),
      queues: new Map(),
      isListed: false,
      isAway: false,
    };
    this.watches.push(watch);
    const label = query.label === null ? "*" : query.label.value;
    this.begun.push(`${query.kind} ${query.namespace} ${query.name ?? "*"} ${label}`);
    const timer = this.#clock.setTimer(0, () => {
      if (this.#forbidden(query)) this.fail(watch, "forbidden", `may not watch ${query.kind}`);
      else if (!watch.isAway) this.list(watch);
    });
    return {
      close: () => {
        timer.cancel();
        const at = this.watches.indexOf(watch);
        if (at >= 0) this.watches.splice(at, 1);
      },
    };
  }

  /** Ends nothing: watches are closed by who began them, which tests look at. */
  close(): void {}

  /** Puts an object, as JSON, in place; each watch hears of it when told to. */
  put(kind: KindName, value: { metadata: object }): void {
    this.#revision += 1;
    const metadata = { namespace: "prod", ...value.metadata, resourceVersion: `${this.#revision}` };
    const { object, problem } = checkObject(kind, { ...value, metadata });
    assert.equal(problem, null);
    this.#change({ type: "upsert", object: object! });
  }

  /** Deletes an object, if there is such a one. */
  delete(kind: KindName, name: string, namespace = "prod"): void {
    const object = this.#truth.get(`${kind} ${namespace}/${name}`);
    if (object !== undefined) this.#change({ type: "delete", object });
  }

  /** Objects as they are, of one kind. */
  truth<K extends KindName>(kind: K): ObjectOfKind[K][] {
    return [...this.#truth.values()].filter((each) => each.kind === kind) as ObjectOfKind[K][];
  }

  /** Tells everything that is waiting, object by object. */
  tellAll(): void {
    for (const watch of [...this.watches]) {
      if (!watch.isListed || watch.isAway) continue;
      const changes = [...watch.queues.values()].flat();
      watch.queues.clear();
      if (changes.length > 0) this.#tell(watch, changes);
    }
  }

  /** Tells one watch a few changes of objects drawn at random; of each object in their order. */
  tellSome(watch: ScriptedWatch, rng: Rng): void {
    if (!watch.isListed || watch.isAway) return;
    const changes: ObjectChange[] = [];
    for (let count = rng.int(4); count >= 0 && watch.queues.size > 0; count -= 1) {
      const [id, queue] = [...watch.queues][rng.int(watch.queues.size)];
      changes.push(queue.shift()!);
      if (queue.length === 0) watch.queues.delete(id);
    }
    if (changes.length > 0) this.#tell(watch, changes);
  }

  /** Lists again: tells only what differs from what was told, as a reflector does. */
  list(watch: ScriptedWatch): void {
    const now = new Map(
      [...this.#truth.values()].filter((one) => matches(watch.query, one)).map((o) => [idOf(o), o]),
    );
    const changes: ObjectChange[] = [];
    for (const [id, object] of now) {
      if (watch.told.get(id) !== object) changes.push({ type: "upsert", object });
    }
    for (const [id, object] of watch.told) {
      if (!now.has(id)) changes.push({ type: "delete", object });
    }
    watch.queues.clear();
    watch.isListed = true;
    this.#tell(watch, changes);
  }

  /** The watch is cut. */
  fail(watch: ScriptedWatch, kind: SourceProblem["kind"], reason: string): void {
    watch.isAway = true;
    watch.listener.onProblem({ kind, reason });
  }

  /** The watch is back, by a list: nothing that it missed is told step by step. */
  recover(watch: ScriptedWatch): void {
    if (!watch.isAway) return;
    watch.isAway = false;
    this.list(watch);
    watch.listener.onRecovered();
  }

  #change(change: ObjectChange): void {
    const { type, object } = change;
    const old = this.#truth.get(idOf(object));
    if (type === "upsert") this.#truth.set(idOf(object), object);
    else this.#truth.delete(idOf(object));
    for (const { query, queues } of this.watches) {
      const isIn = type === "upsert" && matches(query, object);
      const wasIn = old !== undefined && matches(query, old);
      if (!isIn && !wasIn) continue;
      const queue = queues.get(idOf(object)) ?? [];
      queues.set(idOf(object), queue);
      queue.push(isIn ? change : { type: "delete", object: old ?? object });
    }
  }

  #tell(watch: ScriptedWatch, changes: readonly ObjectChange[]): void {
    for (const { type, object } of changes) {
      if (type === "upsert") watch.told.set(idOf(object), object);
      else watch.told.delete(idOf(object));
    }
    watch.listener.onChanges(changes, true);
  }
}

function idOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.namespace || "prod"}/${metadata.name}`;
}

function matches(query: ObjectQuery, { kind, metadata }: KubernetesObject): boolean {
  return (
    query.kind === kind &&
    (query.namespace === null || query.namespace === metadata.namespace) &&
    (query.name === null || query.name === metadata.name) &&
    (query.label === null || metadata.labels[query.label.key] === query.label.value)
  );
}
