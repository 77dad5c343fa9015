/**
 * Sets of resources that many streams have been sent, kept once: every Envoy of a kind and zone has
 * the same clusters, listeners and routes, and a map of a thousand of them takes 33 KB.
 *
 * What changes of a set is found out once as well: the first stream that is told makes the set that
 * comes next, and who had the same and is told the same gets that.
 */
import type { Resource } from "../resources.ts";

/** Resources by name. */
export type ResourceSet = ReadonlyMap<string, Resource>;

/** Resources that come or take another's place, by name; null: what goes. */
export type SetChanges = ReadonlyMap<string, Resource | null>;

/** The set that came of another one last. */
interface Step {
  readonly changes: SetChanges;
  /** Weak: a stream that stays behind must not keep all sets that came after its own. */
  readonly to: WeakRef<ResourceSet>;
}

/** Types times kinds of nodes times zones; what is pushed out is only shared no more. */
const SETS_MAX = 64;

/** See the head of this file. */
export class SharedSets {
  /** By version; what was asked for last is last. */
  readonly #sets = new Map<string, ResourceSet>();
  readonly #steps = new WeakMap<ResourceSet, Step>();

  /**
   * The set that others with the same contents have; otherwise this one, for those who come.
   *
   * @param set that nobody changes from now on.
   * @param version of its contents; two sets of one version are compared before one is used.
   */
  share(version: string, set: ResourceSet): ResourceSet {
    const known = this.#sets.get(version);
    const shared = known !== undefined && isSame(known, set) ? known : set;
    this.#sets.delete(version);
    this.#sets.set(version, shared);
    if (this.#sets.size > SETS_MAX) this.#sets.delete(this.#sets.keys().next().value!);
    return shared;
  }

  /**
   * What comes of a shared set by changes, shared too. Costs as much as there are changes, unless
   * it is the first time.
   *
   * @param version of the contents that come of it.
   */
  changed(set: ResourceSet, changes: SetChanges, version: string): ResourceSet {
    if (changes.size === 0) return set;
    const step = this.#steps.get(set);
    const known = step !== undefined && isSame(step.changes, changes) ? step.to.deref() : undefined;
    if (known !== undefined) return known;
    const made = new Map(set);
    applyTo(made, changes);
    const shared = this.share(version, made);
    this.#steps.set(set, { changes, to: new WeakRef(shared) });
    return shared;
  }
}

/** Changes a set that is nobody else's. */
export function applyTo(set: Map<string, Resource>, changes: SetChanges): void {
  for (const [name, resource] of changes) {
    if (resource === null) set.delete(name);
    else set.set(resource.name, resource);
  }
}

function isSame(a: SetChanges, b: SetChanges): boolean {
  if (a.size !== b.size) return false;
  for (const [name, resource] of a) if (b.get(name) !== resource) return false;
  return true;
}
