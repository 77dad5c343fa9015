/**
 * All watches of the control plane as one state: what a cluster is, kept through every outage.
 *
 * It knows no meaning of objects; that of routes, endpoints and certificates is for who listens.
 * Least rights: without Services and EndpointSlices there is nothing to serve, so these must be
 * readable; any other kind that RBAC forbids, or that is not installed, counts as "there are none",
 * is logged once, and is taken up when it can be read. A Secret that becomes unusable keeps its
 * last good certificate, beside what is wrong with it.
 */
import { isDeepStrictEqual } from "node:util";
import { assert, type Clock, type Logger, runSlice, type Timer } from "../../base/index.ts";
import {
  type EndpointSlice,
  KINDS,
  type KindName,
  type KubernetesObject,
  type ObjectChange,
  type ObjectSource,
  SERVICE_NAME_LABEL,
  type Secret,
  type SourceProblem,
  type Subscription,
} from "../../discovery/index.ts";
import type { Reading, Registry } from "../../telemetry/index.ts";
import {
  type ObjectKey,
  type ObjectMaps,
  type ObjectsListener,
  type ObjectsProblem,
  type ObjectsState,
  objectKey,
  type TouchedKeys,
} from "./state.ts";

/** What it needs from outside. */
export interface ControlObjectsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Only objects of these are looked at, and of those that live in none; null: of all. */
  readonly namespaces: readonly string[] | null;
  /** Where gauges go; nowhere by default. */
  readonly registry?: Registry | undefined;
  /**
   * Work that listeners would have to do at once, done in slices of time before they are called;
   * null: there is none. The maps change between its steps, and what does is told with the rest.
   */
  readonly prepare?: (touched: TouchedKeys) => Iterator<undefined, void> | null;
}

/** Kinds without which there is nothing to serve. */
const REQUIRED: readonly KindName[] = ["Service", "EndpointSlice"];
const ALL_KINDS = Object.keys(KINDS) as KindName[];

type MutableMaps = { readonly [K in KindName]: Map<ObjectKey, KubernetesObject> };

/** One watch, and how it stands. */
interface Watch {
  readonly kind: KindName;
  readonly namespace: string | null;
  subscription: Subscription | null;
  isSynced: boolean;
  problem: ObjectsProblem | null;
}

/** See the head of this file. */
export class ControlObjects implements ObjectsState {
  readonly objects: ObjectMaps;
  readonly #maps: MutableMaps;
  readonly #slices = new Map<ObjectKey, Map<string, EndpointSlice>>();
  readonly #source: ObjectSource;
  readonly #deps: ControlObjectsDeps;
  readonly #watches: Watch[] = [];
  readonly #listeners = new Set<ObjectsListener>();
  /** Kinds that the log has named as forbidden. */
  readonly #forbidden = new Set<KindName>();
  readonly #gauges: Reading[] = [];
  #touched = new Map<KindName, Set<ObjectKey>>();
  #timer: Timer | null = null;
  #revision = 0;
  #isSynced = false;
  #isClosed = false;

  /** @param source is not closed with this; its watches are. */
  constructor(source: ObjectSource, deps: ControlObjectsDeps) {
    this.#source = source;
    this.#deps = deps;
    const maps = Object.fromEntries(ALL_KINDS.map((kind) => [kind, new Map()]));
    this.#maps = maps as MutableMaps;
    this.objects = maps as unknown as ObjectMaps;
  }

  /** Begins to watch. Once only. */
  start(): void {
    assert(this.#watches.length === 0 && !this.#isClosed, "it is started once");
    const { namespaces } = this.#deps;
    for (const kind of ALL_KINDS) {
      const places = KINDS[kind].isNamespaced ? (namespaces ?? [null]) : [null];
      for (const namespace of new Set(places)) this.#watch(kind, namespace);
    }
    if (this.#deps.registry !== undefined) this.#measure(this.#deps.registry);
  }

  /** Ends all watches; no listener is called any more. Harmless when repeated. */
  close(): void {
    this.#isClosed = true;
    for (const { subscription } of this.#watches) subscription?.close();
    for (const gauge of this.#gauges) gauge.remove();
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  get revision(): number {
    return this.#revision;
  }

  get problems(): readonly ObjectsProblem[] {
    return this.#watches.map(({ problem }) => problem).filter((problem) => problem !== null);
  }

  get staleSinceMs(): number | null {
    const times = this.problems.filter(isOutage).map(({ sinceMs }) => sinceMs);
    return times.length === 0 ? null : Math.min(...times);
  }

  slicesOf(service: ObjectKey): readonly EndpointSlice[] {
    const slices = [...(this.#slices.get(service)?.values() ?? [])];
    return slices.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  subscribe(listener: ObjectsListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #measure(registry: Registry): void {
    for (const kind of ALL_KINDS) {
      const labels = { resource: KINDS[kind].plural };
      const read = () => this.#maps[kind].size;
      const help = "Objects that are known.";
      this.#gauges.push(registry.gauge("fairlead_control_objects", help, labels, read));
    }
    const staleS = () => {
      const sinceMs = this.staleSinceMs;
      return sinceMs === null ? 0 : (this.#deps.clock.nowMs() - sinceMs) / 1000;
    };
    const help = "How long a watch of objects has been away; 0 when none is.";
    const name = "fairlead_control_objects_stale_seconds";
    this.#gauges.push(registry.gauge(name, help, {}, staleS));
  }

  #watch(kind: KindName, namespace: string | null): void {
    const watch: Watch = { kind, namespace, subscription: null, isSynced: false, problem: null };
    this.#watches.push(watch);
    watch.subscription = this.#source.watch(
      { kind, namespace, name: null, label: null },
      {
        onChanges: (changes, isSynced) => {
          for (const change of changes) this.#apply(change);
          watch.isSynced ||= isSynced;
          this.#plan();
        },
        onProblem: (problem) => this.#onProblem(watch, problem),
        onRecovered: () => {
          watch.problem = null;
          this.#forbidden.delete(kind);
          this.#plan();
        },
      },
    );
  }

  #apply({ type, object: found }: ObjectChange): void {
    const { kind } = found;
    const key = objectKey(found);
    const map = this.#maps[kind];
    const before = map.get(key);
    const object = kind === "Secret" ? this.#withLastGood(found as Secret, before) : found;
    this.#revision += 1;
    if (type === "upsert") map.set(key, object);
    else map.delete(key);
    if (kind === "EndpointSlice") {
      const now = type === "upsert" ? (object as EndpointSlice) : null;
      this.#file((before as EndpointSlice | undefined) ?? null, now);
    } else if (type === "delete" || before === undefined || !isSame(before, object)) {
      this.#touch(kind, key);
    }
  }

  /** A rotation that is half done closes no listener: what was served last is served on. */
  #withLastGood(secret: Secret, before: KubernetesObject | undefined): Secret {
    const last = (before as Secret | undefined)?.tls ?? null;
    if (secret.tls !== null || last === null) return secret;
    const fields = { secret: objectKey(secret), reason: secret.problem };
    this.#deps.log.warn("Secret cannot be used; its last good certificate stays", fields);
    return { ...secret, tls: last };
  }

  /** Files a slice under its Service, and takes it from where it was. */
  #file(before: EndpointSlice | null, now: EndpointSlice | null): void {
    const old = before === null ? null : serviceOf(before);
    if (before !== null && old !== null) {
      const slices = this.#slices.get(old);
      slices?.delete(before.metadata.name);
      if (slices?.size === 0) this.#slices.delete(old);
      this.#touch("EndpointSlice", old);
    }
    const service = now === null ? null : serviceOf(now);
    if (now === null || service === null) return;
    const slices = this.#slices.get(service) ?? new Map<string, EndpointSlice>();
    this.#slices.set(service, slices.set(now.metadata.name, now));
    this.#touch("EndpointSlice", service);
  }

  #touch(kind: KindName, key: ObjectKey): void {
    const keys = this.#touched.get(kind) ?? new Set();
    this.#touched.set(kind, keys.add(key));
  }

  #onProblem(watch: Watch, problem: SourceProblem): void {
    const { kind, namespace } = watch;
    const sinceMs = watch.problem?.sinceMs ?? this.#deps.clock.nowMs();
    watch.problem = { ...problem, of: kind, namespace, sinceMs };
    if (problem.kind === "forbidden" && !this.#forbidden.has(kind)) {
      this.#forbidden.add(kind);
      const { reason } = problem;
      if (REQUIRED.includes(kind)) {
        this.#deps.log.error("objects that are needed may not be read", { kind, reason });
      } else this.#deps.log.warn("objects may not be read: none are used", { kind, reason });
    }
    this.#plan();
  }

  #plan(): void {
    if (this.#isClosed || this.#timer !== null) return;
    if (!this.#watches.every(isSettled)) return;
    if (this.#isSynced && this.#touched.size === 0) return;
    this.#timer = this.#deps.clock.setTimer(0, () => {
      this.#prepare(this.#deps.prepare?.(this.#touched) ?? null);
    });
  }

  #prepare(work: Iterator<undefined, void> | null): void {
    const { clock } = this.#deps;
    if (work === null || runSlice(work, clock).done === true) this.#tell();
    else this.#timer = clock.setTimer(0, () => this.#prepare(work));
  }

  #tell(): void {
    this.#timer = null;
    this.#isSynced = true;
    const touched = this.#touched;
    this.#touched = new Map();
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) listener.onObjects(touched);
    }
  }
}

/** Nothing is to be waited for before what is known can be used. */
function isSettled({ kind, isSynced, problem }: Watch): boolean {
  return isSynced || (problem?.kind === "forbidden" && !REQUIRED.includes(kind));
}

function isOutage({ kind }: ObjectsProblem): boolean {
  return kind !== "forbidden" && kind !== "absent";
}

/** "namespace/service" of a slice; null when it has none. */
function serviceOf({ metadata: { namespace, labels } }: KubernetesObject): ObjectKey | null {
  const name = labels[SERVICE_NAME_LABEL];
  return name === undefined ? null : `${namespace}/${name}`;
}

/** Written again with the same content, as Nodes are by their heartbeats. */
function isSame(before: KubernetesObject, now: KubernetesObject): boolean {
  const { resourceVersion } = now.metadata;
  const metadata = { ...before.metadata, resourceVersion };
  return isDeepStrictEqual({ ...before, metadata }, now);
}
