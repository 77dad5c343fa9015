/**
 * What the control plane knows of a cluster: the contract between who watches it and who makes
 * something of it. Data only.
 *
 * The maps are live: they change between two turns of the event loop, never while a listener is
 * called. An object in them is immutable; one that changed is another one. The order of a map is
 * that in which objects became known, so whoever makes something that must be the same on every
 * replica sorts by key.
 */
import type {
  EndpointSlice,
  KindName,
  KubernetesObject,
  ObjectOfKind,
  SourceProblem,
} from "../../discovery/index.ts";

/** "namespace/name"; the name alone for a kind that lives in no namespace. */
export type ObjectKey = string;

/** All objects that are known, by kind and key. */
export type ObjectMaps = {
  readonly [K in KindName]: ReadonlyMap<ObjectKey, ObjectOfKind[K]>;
};

/**
 * What came, changed or went since the last call, by kind: kinds without a change are not in it. Of
 * EndpointSlices these are the keys of the Services ("namespace/service") whose slices are others
 * than before; of all other kinds those of the objects themselves. A key that is in no map any more
 * is one that went.
 */
export type TouchedKeys = ReadonlyMap<KindName, ReadonlySet<ObjectKey>>;

/** Kinds that no route depends on, and no status: those that change most. */
const NOT_ROUTED: readonly KindName[] = ["EndpointSlice", "Node"];

/** Whether routes may come to something else than before. */
export function areRoutesTouched(touched: TouchedKeys): boolean {
  return [...touched.keys()].some((kind) => !NOT_ROUTED.includes(kind));
}

/** Hears of changes. */
export interface ObjectsListener {
  /**
   * Once a turn of the event loop at most, on a turn of its own, and never before `isSynced`: the
   * first call has everything that there is then, and comes even when that is nothing. Who
   * subscribes after it begins with the maps as they are.
   */
  onObjects(touched: TouchedKeys): void;
}

/** Why a part of what is known may be out of date. */
export interface ObjectsProblem extends SourceProblem {
  readonly of: KindName;
  /** Null: all namespaces. */
  readonly namespace: string | null;
  /** By `Clock.nowMs()`. */
  readonly sinceMs: number;
}

/** The state of a cluster, as far as it is watched. */
export interface ObjectsState {
  readonly objects: ObjectMaps;
  /** Another number after each change of the maps. */
  readonly revision: number;
  /** Every kind is known, or may not be read, or is not installed. Once true it stays true. */
  readonly isSynced: boolean;
  /** Watches that are away, may not be made, or are of a kind that is not installed. */
  readonly problems: readonly ObjectsProblem[];
  /**
   * Since when a watch that there was is away, by `Clock.nowMs()`; null: what is known is what is.
   * A kind that may not be read or is not installed is no outage.
   */
  readonly staleSinceMs: number | null;
  /** The slices of a Service, sorted by name. */
  slicesOf(service: ObjectKey): readonly EndpointSlice[];
  /** Calls the listener from now on; answers how to end that. */
  subscribe(listener: ObjectsListener): () => void;
}

/** The key of an object. */
export function objectKey({ metadata: { namespace, name } }: KubernetesObject): ObjectKey {
  return namespace === "" ? name : `${namespace}/${name}`;
}
