/**
 * Leaves of a cluster as one endpoint set: priorities one behind the other, localities as groups,
 * health as rules, and a service config of the policy. gRFCs A27, A37.
 *
 * EDS names all endpoints of a cluster whenever one of them is another. Those that are told again
 * stay the same objects, so that a change costs comparisons, here and for who reads the set.
 */
import { isDeepStrictEqual } from "node:util";
import {
  type AssignedHealth,
  type DropCategory,
  type Endpoint,
  type EndpointGroup,
  type EndpointSet,
  newEndpoint,
  newEndpointSet,
  type SkippedEndpoint,
} from "../../endpoint.ts";
import type { ClusterResource } from "../decode/cluster.ts";
import type { AssignedEndpoint, AssignedLocality, LoadAssignment } from "../decode/endpoints.ts";
import { HASHING, serviceConfigOf } from "../decode/service-config.ts";

/** One cluster that is no aggregate, with its endpoints; null while nothing is known of these. */
export interface ClusterLeaf {
  readonly cluster: ClusterResource;
  readonly assignment: LoadAssignment | null;
}

/** Only endpoints whose health status is UNKNOWN or HEALTHY will be considered usable (A27). */
const USABLE: readonly AssignedHealth[] = ["UNKNOWN", "HEALTHY"];

/** Everything that becomes one set. */
export interface SetParts {
  /** The cluster that calls are routed to: its policy counts (A37 as in Envoy). */
  readonly root: ClusterResource;
  /** In order: the first is used first. */
  readonly leaves: readonly ClusterLeaf[];
  readonly isStale: boolean;
  readonly reason: string;
}

/** Sets of one resolver, one after the other. */
export class EndpointSets {
  /** Of the last set, by cluster. */
  #kept: ReadonlyMap<string, readonly Endpoint[]> = new Map();
  #groups: ReadonlyMap<string, EndpointGroup> = new Map();

  /** @param parts of which nothing is kept but its texts. */
  next({ root, leaves, isStale, reason }: SetParts): EndpointSet {
    const policyOf = root.discovery.kind === "aggregate" ? (leaves[0]?.cluster ?? root) : root;
    const gathered = new Gathered(policyOf, this.#kept, this.#groups);
    let priority = 0;
    for (const leaf of leaves) priority = gathered.add(leaf, priority);
    this.#kept = gathered.kept;
    this.#groups = gathered.groups;
    const set = newEndpointSet(gathered.endpoints, reason);
    const overprovisioningPercent = leaves[0]?.assignment?.overprovisioningPercent ?? undefined;
    const notes = notesOf(root, policyOf, leaves);
    const skipped = unusedOf(gathered.skipped, set);
    return Object.freeze({
      ...set,
      ...(skipped.length === 0 ? {} : { skipped }),
      ...(notes.length === 0 ? {} : { notes }),
      ...(gathered.drops.length === 0 ? {} : { drops: gathered.drops }),
      ...(isStale ? { isStale } : {}),
      serviceConfig: { json: serviceConfigOf(policyOf, overprovisioningPercent) },
    });
  }
}

/** Whether two sets of one `EndpointSets` say the same. */
export function isSameSet(a: EndpointSet, b: EndpointSet): boolean {
  const [ofA, ofB] = [a.skipped ?? [], b.skipped ?? []];
  if (a.endpoints.length !== b.endpoints.length || ofA.length !== ofB.length) return false;
  if (!a.endpoints.every((endpoint, i) => endpoint === b.endpoints[i])) return false;
  const isSkipped = ofA.every(
    ({ endpoint, reason }, i) => endpoint === ofB[i]!.endpoint && reason === ofB[i]!.reason,
  );
  const rest = { endpoints: undefined, skipped: undefined };
  return isSkipped && isDeepStrictEqual({ ...a, ...rest }, { ...b, ...rest });
}

/** Those whose address is not used either, sorted by it. */
function unusedOf(skipped: readonly SkippedEndpoint[], { endpoints }: EndpointSet) {
  if (skipped.length === 0) return skipped;
  const used = new Set(endpoints.map(({ address }) => address));
  return skipped.filter(({ endpoint }) => !used.has(endpoint.address)).sort(byAddress);
}

function notesOf(
  root: ClusterResource,
  { policy }: ClusterResource,
  leaves: readonly ClusterLeaf[],
): string[] {
  const notes = new Set(root.notes);
  for (const { cluster, assignment } of leaves) {
    for (const note of [...cluster.notes, ...(assignment?.notes ?? [])]) notes.add(note);
  }
  const name = Object.keys(policy.entry)[0]!;
  const isWeighted = leaves.some(({ assignment }) =>
    assignment?.localities.some(({ endpoints }) =>
      endpoints.some(({ weight }) => weight !== endpoints[0]!.weight),
    ),
  );
  if (isWeighted && !HASHING.includes(name)) {
    notes.add(`load_balancing_weight of endpoints is not applied: ${name} does not use it`);
  }
  return [...notes];
}

/** Endpoints of all leaves. */
class Gathered {
  readonly endpoints: Endpoint[] = [];
  readonly skipped: SkippedEndpoint[] = [];
  readonly drops: DropCategory[] = [];
  readonly kept = new Map<string, readonly Endpoint[]>();
  readonly groups = new Map<string, EndpointGroup>();
  readonly #isHashing: boolean;
  readonly #isByLocality: boolean;
  readonly #before: ReadonlyMap<string, readonly Endpoint[]>;
  readonly #groupsBefore: ReadonlyMap<string, EndpointGroup>;

  constructor(
    { policy }: ClusterResource,
    before: ReadonlyMap<string, readonly Endpoint[]>,
    groupsBefore: ReadonlyMap<string, EndpointGroup>,
  ) {
    this.#isHashing = HASHING.includes(Object.keys(policy.entry)[0]!);
    this.#isByLocality = policy.isByLocality;
    this.#before = before;
    this.#groupsBefore = groupsBefore;
  }

  /** Returns the priority that the next leaf begins with. */
  add({ cluster, assignment }: ClusterLeaf, from: number): number {
    if (assignment === null) return from;
    this.drops.push(...assignment.drops);
    let next = from;
    const before = new KnownEndpoints(this.#before.get(cluster.name) ?? []);
    const kept: Endpoint[] = [];
    this.kept.set(cluster.name, kept);
    const isWeighted =
      this.#isByLocality && assignment.localities.some(({ weight }) => weight !== null);
    for (const locality of assignment.localities) {
      const priority = from + locality.priority;
      next = Math.max(next, priority + 1);
      const weight = isWeighted ? (locality.weight ?? 0) : 1;
      const name = isWeighted && !this.#isHashing ? locality.name : "";
      const group = this.#group(priority, name, Math.max(weight, 1));
      const sum = locality.endpoints.reduce((total, each) => total + each.weight, 0);
      for (const each of locality.endpoints) {
        // A flat ring: the locality weight multiplied by the endpoint weight (A42).
        const own = this.#isHashing && isWeighted ? (each.weight * weight) / sum : each.weight;
        const known = before.find(each.addresses[0]!);
        const isSame = known !== undefined && says(known, each, locality, priority, group, own);
        const endpoint = isSame
          ? known
          : endpointOf(each, cluster.name, locality, priority, group, own);
        kept.push(endpoint);
        const why = reasonOf(each, cluster, isWeighted && weight === 0);
        if (why === null) this.endpoints.push(endpoint);
        else this.skipped.push({ endpoint, reason: why });
      }
    }
    return next;
  }

  /** The same object for the same group, also of the set before. */
  #group(priority: number, name: string, weight: number): EndpointGroup {
    const key = `${priority} ${weight} ${name}`;
    let group = this.groups.get(key) ?? this.#groupsBefore.get(key);
    group ??= Object.freeze({ priority, name, weight });
    this.groups.set(key, group);
    return group;
  }
}

/** Endpoints of one cluster by address: cheap for who asks in the order in which they stand. */
class KnownEndpoints {
  readonly #all: readonly Endpoint[];
  /** Made when somebody asks in another order. */
  #indexes: Map<string, number> | null = null;
  #at = 0;

  constructor(all: readonly Endpoint[]) {
    this.#all = all;
  }

  find(address: string): Endpoint | undefined {
    const all = this.#all;
    let at = this.#at;
    // The one before may be gone.
    if (all[at]?.address !== address && all[at + 1]?.address === address) at += 1;
    if (all[at]?.address !== address) {
      this.#indexes ??= new Map(all.map((each, i) => [each.address, i]));
      at = this.#indexes.get(address) ?? -1;
      if (at < 0) return undefined;
    }
    this.#at = at + 1;
    return all[at];
  }
}

/** Whether an endpoint of the same cluster and address is what `endpointOf` would make. */
function says(
  known: Endpoint,
  { addresses, pod, uid, node, health }: AssignedEndpoint,
  { name, zone }: AssignedLocality,
  priority: number,
  group: EndpointGroup,
  weight: number,
): boolean {
  const { assignment } = known;
  return (
    assignment?.health === health &&
    assignment.locality === name &&
    assignment.priority === priority &&
    known.group === group &&
    known.weight === weight &&
    known.pod === pod &&
    known.uid === uid &&
    known.node === node &&
    known.zone === zone &&
    known.addresses.length === addresses.length &&
    known.addresses.every((address, i) => address === addresses[i])
  );
}

function endpointOf(
  { addresses, pod, uid, node, health }: AssignedEndpoint,
  cluster: string,
  { name: locality, zone }: AssignedLocality,
  priority: number,
  group: EndpointGroup,
  weight: number,
): Endpoint {
  const plain = newEndpoint(addresses[0]!, `xDS cluster ${cluster}`);
  const rule = health === "UNKNOWN" ? null : saidOf(health);
  return Object.freeze({
    ...{ ...plain, addresses, pod, uid, node, zone, group, weight, rule },
    assignment: Object.freeze({ cluster, locality, priority, health }),
  });
}

function saidOf(health: AssignedHealth): string {
  return `the control plane says ${health}`;
}

/** localities with no weight will be ignored where weights of localities count (A27). */
function reasonOf(
  endpoint: AssignedEndpoint,
  cluster: ClusterResource,
  isWithoutWeight: boolean,
): string | null {
  const { health, socketMatch } = endpoint;
  if (!USABLE.includes(health)) return saidOf(health);
  if (isWithoutWeight) return "its locality has no weight";
  const other = cluster.otherSockets.find((match) =>
    Object.entries(match).every(([key, value]) => socketMatch[key] === value),
  );
  if (other === undefined) return null;
  return `it wants connections of another kind: ${JSON.stringify(other)}`;
}

function byAddress(a: SkippedEndpoint, b: SkippedEndpoint): number {
  return a.endpoint.address < b.endpoint.address ? -1 : 1;
}
