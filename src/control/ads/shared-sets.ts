/**
 * Sets of resources that many streams have been sent, kept once: every Envoy of a kind and zone has
 * the same clusters, listeners and routes, and a map of a thousand of them takes 33 KB.
 */
import type { Resource } from "../resources.ts";

/** Resources by name. */
export type ResourceSet = ReadonlyMap<string, Resource>;

/** Types times kinds of nodes times zones; what is pushed out is only shared no more. */
const SETS_MAX = 64;

/** See the head of this file. */
export class SharedSets {
  /** By version; what was asked for last is last. */
  readonly #sets = new Map<string, ResourceSet>();

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
}

function isSame(a: ResourceSet, b: ResourceSet): boolean {
  if (a.size !== b.size) return false;
  for (const [name, resource] of a) if (b.get(name) !== resource) return false;
  return true;
}
