/**
 * The contract of an object source: where Kubernetes objects come from, be it an API server or a
 * directory of files. Who reads objects knows nothing else of either.
 *
 * A source keeps what it was told through any outage: its listeners hear that it is away and for
 * what reason, and when it is back, only what has changed.
 */
import type { KindName, KubernetesObject, ObjectOfKind } from "./objects.ts";

/** What is watched: a kind, narrowed. */
export interface ObjectQuery<K extends KindName = KindName> {
  readonly kind: K;
  /** Null for all namespaces; "" or null for a kind that lives in none. */
  readonly namespace: string | null;
  /** One object by its name; null for all. */
  readonly name: string | null;
  /** Only objects whose label has this value; null for all. */
  readonly label: { readonly key: string; readonly value: string } | null;
}

/** One object that came, changed or went. */
export interface ObjectChange<T extends KubernetesObject = KubernetesObject> {
  readonly type: "upsert" | "delete";
  /** As it is now; for "delete" as it was last. */
  readonly object: T;
}

/** Why a source has nothing new to say. */
export interface SourceProblem {
  /**
   * `forbidden`: RBAC does not allow it; `unauthorized`: the credentials are not accepted;
   * `unreachable`: no answer, or none that makes sense; `invalid`: the files or credentials that
   * the user named cannot be used; `absent`: the server has no such kind, as when a custom resource
   * is not installed. That is an answer: there are no objects, `onChanges` has said so before, and
   * `onRecovered` follows when the kind is there.
   */
  readonly kind: "forbidden" | "unauthorized" | "unreachable" | "invalid" | "absent";
  /** One clause for people, with the verb and resource when RBAC forbids it. */
  readonly reason: string;
}

/** Hears of the objects of one query. Never called after its subscription was closed. */
export interface ObjectListener<T extends KubernetesObject = KubernetesObject> {
  /**
   * What changed, in order, as one read brought it. `isSynced` is true when all objects that
   * existed at a time are known with this: from then on the sum of all changes is the state. The
   * first call with `isSynced` may have no changes: there are none. An object whose content did not
   * change is not reported again by a relist.
   */
  onChanges(changes: readonly ObjectChange<T>[], isSynced: boolean): void;
  /** The source is away. Called when the reason changes, not at every attempt. */
  onProblem(problem: SourceProblem): void;
  /** The source is back after `onProblem`; what changed meanwhile has been told before this. */
  onRecovered(): void;
}

/** A watch that can be ended. */
export interface Subscription {
  /** No call of the listener after this. Harmless when repeated. */
  close(): void;
}

/** Where objects come from. */
export interface ObjectSource {
  /** For people: "https://10.0.0.1:6443 as context prod" or "directory ./objects". No secrets. */
  readonly description: string;
  /** The namespace of a target that names none. */
  readonly defaultNamespace: string;
  /** Begins to watch. The listener is called on later turns of the event loop. */
  watch<K extends KindName>(
    query: ObjectQuery<K>,
    listener: ObjectListener<ObjectOfKind[K]>,
  ): Subscription;
  /** Ends all watches. */
  close(): void;
}
