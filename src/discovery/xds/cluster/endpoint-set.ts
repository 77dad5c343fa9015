/**
 * Leaves of a cluster as one endpoint set: priorities one behind the other, localities as groups,
 * health as rules, and a service config of the policy. gRFCs A27, A37. Pure.
 */

import {
  type AssignedHealth,
  type DropCategory,
  type Endpoint,
  type EndpointAssignment,
  type EndpointGroup,
  type EndpointSet,
  newEndpoint,
  newEndpointSet,
  type SkippedEndpoint,
} from "../../endpoint.ts";
import type { ClusterResource } from "../decode/cluster.ts";
import type { AssignedEndpoint, LoadAssignment } from "../decode/endpoints.ts";
import { HASHING, serviceConfigOf } from "../decode/service-config.ts";

/** One cluster that is no aggregate, with its endpoints; null while nothing is known of these. */
export interface ClusterLeaf {
  readonly cluster: ClusterResource;
  readonly assignment: LoadAssignment | null;
}

/** "Only endpoints whose health status is UNKNOWN or HEALTHY will be considered usable" (A27). */
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

/** @param parts of which nothing is kept but its texts. */
export function endpointSetOf(parts: SetParts): EndpointSet {
  const { root, leaves, isStale, reason } = parts;
  const policyOf = root.discovery.kind === "aggregate" ? (leaves[0]?.cluster ?? root) : root;
  const isHashing = HASHING.includes(Object.keys(policyOf.policy.entry)[0]!);
  const gathered: Gathered = { endpoints: [], skipped: [], drops: [] };
  let priority = 0;
  for (const leaf of leaves) {
    priority = gather(leaf, priority, isHashing, policyOf.policy.isByLocality, gathered);
  }
  const set = newEndpointSet(gathered.endpoints, reason);
  const overprovisioningPercent = leaves[0]?.assignment?.overprovisioningPercent ?? undefined;
  const used = new Set(set.endpoints.map(({ address }) => address));
  const skipped = gathered.skipped.filter(({ endpoint }) => !used.has(endpoint.address));
  const notes = notesOf(root, policyOf, leaves);
  return Object.freeze({
    ...set,
    ...(skipped.length === 0 ? {} : { skipped: skipped.sort(byAddress) }),
    ...(notes.length === 0 ? {} : { notes }),
    ...(gathered.drops.length === 0 ? {} : { drops: gathered.drops }),
    ...(isStale ? { isStale } : {}),
    serviceConfig: { json: serviceConfigOf(policyOf, overprovisioningPercent) },
  });
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

interface Gathered {
  readonly endpoints: Endpoint[];
  readonly skipped: SkippedEndpoint[];
  readonly drops: DropCategory[];
}

/** Returns the priority that the next leaf begins with. */
function gather(
  { cluster, assignment }: ClusterLeaf,
  from: number,
  isHashing: boolean,
  isByLocality: boolean,
  into: Gathered,
): number {
  if (assignment === null) return from;
  into.drops.push(...assignment.drops);
  let next = from;
  const isWeighted = isByLocality && assignment.localities.some(({ weight }) => weight !== null);
  for (const locality of assignment.localities) {
    const priority = from + locality.priority;
    next = Math.max(next, priority + 1);
    const weight = isWeighted ? (locality.weight ?? 0) : 1;
    const name = isWeighted && !isHashing ? locality.name : "";
    const group: EndpointGroup = Object.freeze({ priority, name, weight: Math.max(weight, 1) });
    const sum = locality.endpoints.reduce((total, each) => total + each.weight, 0);
    for (const each of locality.endpoints) {
      // A flat ring: the locality weight multiplied by the endpoint weight (A42).
      const own = isHashing && isWeighted ? (each.weight * weight) / sum : each.weight;
      const at = { cluster: cluster.name, locality: locality.name, priority };
      const endpoint = endpointOf(each, { ...at, health: each.health }, group, own, locality.zone);
      const why = reasonOf(each, cluster, isWeighted && weight === 0);
      if (why === null) into.endpoints.push(endpoint);
      else into.skipped.push({ endpoint, reason: why });
    }
  }
  return next;
}

function endpointOf(
  { addresses, pod, uid, node }: AssignedEndpoint,
  assignment: EndpointAssignment,
  group: EndpointGroup,
  weight: number,
  zone: string | null,
): Endpoint {
  const plain = newEndpoint(addresses[0]!, `xDS cluster ${assignment.cluster}`);
  const { health } = assignment;
  const rule = health === "UNKNOWN" ? null : saidOf(health);
  return Object.freeze({
    ...{ ...plain, addresses, pod, uid, node, zone, group, weight, rule },
    assignment: Object.freeze(assignment),
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
