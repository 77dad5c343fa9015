/**
 * An endpoint set as a ClusterLoadAssignment (EDS).
 *
 * Endpoints are grouped by level (priority) and zone (locality). gRFC A27 wants what others do
 * without: every locality named and weighted, priorities without a gap, no address twice. A
 * locality's weight is the number of its endpoints, so that each endpoint gets the same share
 * whatever zone it is in. Endpoints that leave go to proxies as DRAINING; gRPC clients would skip
 * them, and are not told of them.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Locality, type ServiceConfig } from "../../cluster/index.ts";
import type { Endpoint, EndpointSet } from "../../discovery/index.ts";
import { placeOf } from "../../transport/index.ts";
import {
  ClusterLoadAssignmentSchema,
  HealthStatus,
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
  RESOURCE_TYPES,
} from "../../xds/index.ts";
import type { Resource } from "../resources.ts";
import { encode, resourceOf } from "./resource.ts";

/** Endpoints of one level and zone: `lb_endpoints` of one LocalityLbEndpoints. */
interface Group {
  readonly level: number;
  readonly zone: string;
  readonly parts: Uint8Array[];
  /** Endpoints that get calls. */
  count: number;
}

/** What those are told that an assignment is for. */
export interface Audience {
  /** Endpoints that leave. */
  readonly hearsOfLeaving: boolean;
  /** Pods behind endpoints, as metadata of our own. */
  readonly hearsOfPods: boolean;
}

/** The endpoints of a cluster. */
export function endpointsResource(
  cluster: string,
  set: EndpointSet,
  config: ServiceConfig,
  audience: Audience,
): Resource {
  const locality = new Locality();
  locality.configure(config);
  locality.setSource(set);
  const groups = new Map<string, Group>();
  const add = (endpoint: Endpoint, health: "HEALTHY" | "DRAINING"): void => {
    const level = locality.levelOf(endpoint);
    const zone = endpoint.zone ?? "";
    const key = `${level} ${zone}`;
    const group = groups.get(key) ?? { level, zone, parts: [], count: 0 };
    groups.set(key, group);
    group.parts.push(endpointField(endpoint, health, audience.hearsOfPods));
    if (health === "HEALTHY") group.count += 1;
  };
  for (const endpoint of set.endpoints) add(endpoint, "HEALTHY");
  if (audience.hearsOfLeaving) for (const endpoint of leaving(set)) add(endpoint, "DRAINING");
  const sorted = [...groups.values()].sort(
    (a, b) => a.level - b.level || (a.zone < b.zone ? -1 : 1),
  );
  const levels = [...new Set(sorted.map(({ level }) => level))];
  const factor = config.extensions.locality.overprovisioningPercent;
  const head = encode(ClusterLoadAssignmentSchema, {
    clusterName: cluster,
    policy: { overprovisioningFactor: factor },
  });
  const writer = new BinaryWriter().raw(head);
  for (const group of sorted) {
    // ClusterLoadAssignment.endpoints = 2
    writer.tag(2, WireType.LengthDelimited).bytes(localityOf(group, levels.indexOf(group.level)));
  }
  return resourceOf(RESOURCE_TYPES.EDS, cluster, writer.finish());
}

/** The endpoints of a cluster that has none: calls to it are UNAVAILABLE at once. */
export function absentAssignment(cluster: string): Resource {
  const body = encode(ClusterLoadAssignmentSchema, { clusterName: cluster });
  return resourceOf(RESOURCE_TYPES.EDS, cluster, body);
}

/** Those that have calls to finish and get no new ones. */
function leaving({ skipped = [] }: EndpointSet): Endpoint[] {
  return skipped
    .map(({ endpoint }) => endpoint)
    .filter(({ conditions, address }) => {
      const isLeaving = conditions?.serving === true && conditions.terminating;
      return isLeaving && hasPort(address);
    });
}

/** A refused endpoint has an address without a port. */
function hasPort(address: string): boolean {
  return /(^[^:]+|\]):\d+$/.test(address);
}

function localityOf({ zone, parts, count }: Group, priority: number): Uint8Array {
  const head = encode(LocalityLbEndpointsSchema, {
    locality: { zone },
    loadBalancingWeight: Math.max(1, count),
    priority,
  });
  const writer = new BinaryWriter().raw(head);
  for (const part of parts) writer.raw(part);
  return writer.finish();
}

/** Fields of healthy endpoints, without pods and with: the model keeps what did not change. */
const plainFields = new WeakMap<Endpoint, Uint8Array>();
const podFields = new WeakMap<Endpoint, Uint8Array>();

/** One endpoint as a field of LocalityLbEndpoints (lb_endpoints = 2), tag included. */
function endpointField(
  endpoint: Endpoint,
  health: "HEALTHY" | "DRAINING",
  withPod: boolean,
): Uint8Array {
  if (health === "DRAINING") return encodeField(endpoint, health, withPod);
  const fields = withPod ? podFields : plainFields;
  const known = fields.get(endpoint);
  if (known !== undefined) return known;
  const field = encodeField(endpoint, health, withPod);
  fields.set(endpoint, field);
  return field;
}

function encodeField(
  endpoint: Endpoint,
  health: "HEALTHY" | "DRAINING",
  withPod: boolean,
): Uint8Array {
  const [first, ...others] = endpoint.addresses.map((text) => {
    const { host, port } = placeOf(text);
    return socketAddress(host, port);
  });
  const body = encode(LbEndpointSchema, {
    hostIdentifier: {
      case: "endpoint",
      value: {
        address: first!,
        // gRFC A61: the addresses of one endpoint.
        additionalAddresses: others.map((address) => ({ address })),
      },
    },
    healthStatus: HealthStatus[health],
    loadBalancingWeight: endpoint.weight,
    ...(withPod && { metadata: { filterMetadata: { [OWN_METADATA]: podOf(endpoint) } } }),
  });
  return new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(body).finish();
}

/** Key of `filter_metadata` that our own data planes read. */
const OWN_METADATA = "fairlead";

function podOf({ pod, uid, node }: Endpoint): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ pod, uid, node }).filter((field) => field[1] !== null),
  ) as Record<string, string>;
}

/** A TCP address as a message. */
export function socketAddress(address: string, port: number) {
  return {
    address: {
      case: "socketAddress",
      value: { address, portSpecifier: { case: "portValue", value: port } },
    },
  } as const;
}
