/**
 * The candidates of all slices of a Service, joined: one group an address, sorted, the preferred
 * candidate first; and for a pod with an address of each family, the two groups as twins.
 *
 * Kept up to date group by group. `settle` is linear in all groups only in one merge of two sorted
 * lists, so that one change among ten thousand endpoints costs next to nothing.
 */
import type { Endpoint, SkippedEndpoint } from "../../endpoint.ts";
import type { Place } from "../place.ts";
import { type Candidate, isPreferred } from "./candidate.ts";
import type { Census } from "./census.ts";

/** All candidates of one address. */
export class Group {
  readonly address: string;
  readonly candidates: Candidate[];
  /** The preferred one; null only before `settle`, and when the group is gone. */
  best: Candidate | null = null;
  /** The same pod's address of the other family. */
  twin: Group | null = null;
  /** Whether what follows is out of date: set by `settle`, cleared by who shows the group. */
  isStale = true;
  /** What it is shown as: one of the two, or neither when it is shown as part of its twin. */
  endpoint: Endpoint | null = null;
  skipped: SkippedEndpoint | null = null;
  /** What that was made from. */
  shownBest: Candidate | null = null;
  shownOther: Candidate | null = null;

  constructor(candidate: Candidate) {
    this.address = candidate.address;
    // A list of its exact length: most groups have one candidate, and there may be many groups.
    this.candidates = [candidate];
  }
}

/** See the head of this file. */
export class Groups {
  readonly #byAddress = new Map<string, Group>();
  readonly #byUid = new Map<string, Group[]>();
  readonly #touched = new Set<Group>();
  readonly #census: Census;
  #sorted: readonly Group[] = [];

  /** @param census is kept up to date with the preferred candidates. */
  constructor(census: Census) {
    this.#census = census;
  }

  /** Takes a candidate in. */
  add(candidate: Candidate): void {
    const known = this.#byAddress.get(candidate.address);
    const group = known ?? new Group(candidate);
    if (known === undefined) this.#byAddress.set(candidate.address, group);
    else known.candidates.push(candidate);
    this.#touched.add(group);
  }

  /** Takes out a candidate that was added. */
  remove(candidate: Candidate): void {
    const group = this.#byAddress.get(candidate.address)!;
    group.candidates.splice(group.candidates.indexOf(candidate), 1);
    this.#touched.add(group);
  }

  /** The revision of a candidate's slice changed: another one may be preferred now. */
  review(candidate: Candidate): void {
    const group = this.#byAddress.get(candidate.address)!;
    if (group.candidates.length > 1) this.#touched.add(group);
  }

  /** Counts all again for another place. */
  setPlace(place: Place): void {
    this.#census.reset(place);
    for (const { best } of this.#byAddress.values()) {
      if (best !== null) this.#census.count(best, 1);
    }
  }

  /** All groups as they are now, sorted by address; the list is never changed afterwards. */
  settle(): readonly Group[] {
    const fresh: Group[] = [];
    const uids = new Set<string>();
    let goneCount = 0;
    for (const group of this.#touched) {
      const old = group.best;
      const best = electFrom(group.candidates);
      if (best === null) this.#byAddress.delete(group.address);
      if (old === best) continue;
      group.best = best;
      group.isStale = true;
      if (old === null) fresh.push(group);
      else this.#census.count(old, -1);
      if (best === null) goneCount += 1;
      else this.#census.count(best, 1);
      this.#index(group, old?.uid ?? "", best?.uid ?? "", uids);
    }
    this.#touched.clear();
    for (const uid of uids) pairTwins(this.#byUid.get(uid) ?? []);
    if (fresh.length > 0 || goneCount > 0) this.#sorted = merge(this.#sorted, fresh);
    return this.#sorted;
  }

  #index(group: Group, oldUid: string, uid: string, changed: Set<string>): void {
    group.twin = null;
    if (oldUid !== "") {
      const rest = (this.#byUid.get(oldUid) ?? []).filter((each) => each !== group);
      if (rest.length > 0) this.#byUid.set(oldUid, rest);
      else this.#byUid.delete(oldUid);
      changed.add(oldUid);
    }
    if (uid !== "") {
      this.#byUid.set(uid, [...(this.#byUid.get(uid) ?? []), group]);
      changed.add(uid);
    }
  }
}

function electFrom(candidates: readonly Candidate[]): Candidate | null {
  let best: Candidate | null = null;
  for (const candidate of candidates) {
    if (best === null || isPreferred(candidate, best)) best = candidate;
  }
  return best;
}

/** Dual stack: slices are of one family each, and name the pod by the same uid. */
function pairTwins(groups: Group[]): void {
  groups.sort((a, b) => (a.address < b.address ? -1 : 1));
  for (const group of groups) {
    group.twin = null;
    group.isStale = true;
  }
  for (const group of groups) {
    const { isIPv6, port } = group.best!;
    if (isIPv6 || port === null) continue;
    const twin = groups.find(
      ({ best, twin }) => twin === null && best!.isIPv6 && best!.port === port,
    );
    if (twin === undefined) continue;
    group.twin = twin;
    twin.twin = group;
  }
}

/** Without those that are gone, and with the new ones. */
function merge(sorted: readonly Group[], fresh: Group[]): readonly Group[] {
  fresh.sort((a, b) => (a.address < b.address ? -1 : 1));
  const merged: Group[] = [];
  let next = 0;
  for (const group of sorted) {
    while (next < fresh.length && fresh[next].address < group.address) merged.push(fresh[next++]);
    if (group.best !== null) merged.push(group);
  }
  while (next < fresh.length) merged.push(fresh[next++]);
  return merged;
}
