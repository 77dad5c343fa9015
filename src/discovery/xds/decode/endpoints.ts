/**
 * EDS: a `ClusterLoadAssignment` as plain data, checked. gRFC A27.
 */
import { fromBinary } from "@bufbuild/protobuf";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
  decoded,
  FieldProblem,
  type LbEndpoint,
  type LocalityLbEndpoints,
  type Metadata,
  Notes,
  perMillion,
  RESOURCE_TYPES,
} from "../../../xds/index.ts";
import type { AssignedHealth, DropCategory } from "../../endpoint.ts";
import { XDS_ENDPOINTS_MAX, XDS_PRIORITIES_MAX } from "../limits.ts";
import type { ResourceKind } from "../resource.ts";
import { addressText } from "./address.ts";

/** One endpoint of a locality. */
export interface AssignedEndpoint {
  /** The first is connected to first. */
  readonly addresses: readonly string[];
  /** Of its locality's share. */
  readonly weight: number;
  readonly health: AssignedHealth;
  /** From the metadata "fairlead", which our control plane sets. */
  readonly pod: string | null;
  readonly uid: string | null;
  readonly node: string | null;
  /** Metadata "envoy.transport_socket_match", flat: what its connections must be like. */
  readonly socketMatch: Readonly<Record<string, string>>;
}

/** Endpoints of one place and priority. */
export interface AssignedLocality {
  /** "region/zone/sub_zone"; "" for none. */
  readonly name: string;
  readonly zone: string | null;
  /** 0 is used first. */
  readonly priority: number;
  /** Share of its priority's calls; null: none is said. */
  readonly weight: number | null;
  readonly endpoints: readonly AssignedEndpoint[];
}

/** What is said of a cluster's endpoints. Immutable. */
export interface LoadAssignment {
  readonly name: string;
  readonly localities: readonly AssignedLocality[];
  readonly drops: readonly DropCategory[];
  /** Per cent, such as 140; null: the default. */
  readonly overprovisioningPercent: number | null;
  /** What was asked for and is not done, for people. */
  readonly notes: readonly string[];
}

/** EDS for an `XdsClient`. */
export const ENDPOINTS_KIND: ResourceKind<LoadAssignment> = {
  typeUrl: RESOURCE_TYPES.EDS,
  name: "EDS",
  isComplete: false,
  decode: (bytes) => {
    const message = fromBinary(ClusterLoadAssignmentSchema, bytes);
    return decoded(message.clusterName, () => loadAssignmentOf(message, "", false));
  },
};

/**
 * @param names whether names may stand for IPs, as in clusters that look them up.
 * @throws FieldProblem
 */
export function loadAssignmentOf(
  message: ClusterLoadAssignment,
  path: string,
  names: boolean,
): LoadAssignment {
  const at = path === "" ? "" : `${path}.`;
  const localities = message.endpoints.map((each, i) =>
    localityOf(each, `${at}endpoints[${i}]`, names),
  );
  checkPriorities(localities, `${at}endpoints`);
  checkAddresses(localities, `${at}endpoints`);
  const policy = message.policy;
  return {
    name: message.clusterName,
    localities,
    drops: (policy?.dropOverloads ?? []).map((each, i) => ({
      category: each.category,
      perMillion:
        perMillion(each.dropPercentage, `${at}policy.drop_overloads[${i}].drop_percentage`) ?? 0,
    })),
    overprovisioningPercent: policy?.overprovisioningFactor ?? null,
    notes: notesOf(message, path),
  };
}

function notesOf({ policy, endpoints }: ClusterLoadAssignment, path: string): string[] {
  const notes = new Notes();
  notes.addSet(path === "" ? "policy" : `${path}.policy`, [
    ["endpoint_stale_after", policy?.endpointStaleAfter !== undefined],
    ["weighted_priority_health", policy?.weightedPriorityHealth === true],
  ]);
  const isNear = endpoints.some(({ proximity }) => proximity !== undefined);
  notes.addSet(path === "" ? "endpoints" : `${path}.endpoints`, [["proximity", isNear]]);
  return notes.list();
}

function localityOf(message: LocalityLbEndpoints, path: string, names: boolean): AssignedLocality {
  const { locality, lbEndpoints, lbConfig, loadBalancingWeight, priority } = message;
  if (lbConfig.case === "ledsClusterLocalityConfig") {
    throw new FieldProblem(`${path}.leds_cluster_locality_config`, "is not supported");
  }
  if (priority >= XDS_PRIORITIES_MAX) {
    throw new FieldProblem(`${path}.priority`, `is ${priority}, above ${XDS_PRIORITIES_MAX - 1}`);
  }
  const list = lbConfig.case === "loadBalancerEndpoints" ? lbConfig.value.lbEndpoints : lbEndpoints;
  const { region = "", zone = "", subZone = "" } = locality ?? {};
  return {
    name: [region, zone, subZone].join("/").replace(/\/+$/, ""),
    zone: zone === "" ? null : zone,
    priority,
    weight: loadBalancingWeight ?? null,
    endpoints: list.map((each, i) => endpointOf(each, `${path}.lb_endpoints[${i}]`, names)),
  };
}

/** `HealthStatus` by its number; of one that is not known nothing good is expected. */
const HEALTH: readonly AssignedHealth[] = [
  ...(["UNKNOWN", "HEALTHY", "UNHEALTHY", "DRAINING", "TIMEOUT", "DEGRADED"] as const),
];

function endpointOf(message: LbEndpoint, path: string, names: boolean): AssignedEndpoint {
  const { hostIdentifier, healthStatus, metadata, loadBalancingWeight } = message;
  if (hostIdentifier.case !== "endpoint") {
    throw new FieldProblem(`${path}.endpoint`, "is missing; endpoint_name is not supported");
  }
  const { address, additionalAddresses } = hostIdentifier.value;
  const others = additionalAddresses.map((each, i) =>
    addressText(each.address, `${path}.endpoint.additional_addresses[${i}].address`, names),
  );
  // If the weight of an endpoint is 0, NACK (A27: load_balancing_weight must be above 0).
  if (loadBalancingWeight === 0) {
    throw new FieldProblem(`${path}.load_balancing_weight`, "is 0, must be above 0");
  }
  const own = metadata?.filterMetadata.fairlead ?? {};
  return {
    addresses: [addressText(address, `${path}.endpoint.address`, names), ...others],
    weight: loadBalancingWeight ?? 1,
    health: HEALTH[healthStatus] ?? "UNHEALTHY",
    pod: textOf(own.pod),
    uid: textOf(own.uid),
    node: textOf(own.node),
    socketMatch: socketMatchOf(metadata),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function socketMatchOf(metadata: Metadata | undefined): Readonly<Record<string, string>> {
  const match = metadata?.filterMetadata["envoy.transport_socket_match"] ?? {};
  const pairs = Object.entries(match).map(([key, value]) => [key, String(value)] as const);
  return Object.fromEntries(pairs);
}

/** the priorities must be contiguous: a gap is refused (A27), as is a locality twice. */
function checkPriorities(localities: readonly AssignedLocality[], path: string): void {
  const known = new Set(localities.map(({ priority }) => priority));
  for (let priority = 0; priority < known.size; priority += 1) {
    if (known.has(priority)) continue;
    throw new FieldProblem(path, `has no priority ${priority}, but a larger one`);
  }
  const seen = new Set<string>();
  for (const { name, priority } of localities) {
    const key = `${priority} ${name}`;
    if (name !== "" && seen.has(key)) {
      throw new FieldProblem(path, `names locality ${name} twice in priority ${priority}`);
    }
    seen.add(key);
  }
}

/** duplicate endpoint addresses will be NACKed (A27). */
function checkAddresses(localities: readonly AssignedLocality[], path: string): void {
  const seen = new Set<string>();
  let count = 0;
  for (const { endpoints } of localities) {
    count += endpoints.length;
    for (const { addresses } of endpoints) {
      const address = addresses[0]!;
      if (seen.has(address)) throw new FieldProblem(path, `names ${address} twice`);
      seen.add(address);
    }
  }
  if (count > XDS_ENDPOINTS_MAX) {
    throw new FieldProblem(path, `has ${count} endpoints, more than ${XDS_ENDPOINTS_MAX}`);
  }
}
