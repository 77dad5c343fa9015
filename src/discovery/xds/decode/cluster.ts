/**
 * CDS: a `Cluster` as plain data: how its endpoints are found, how calls are spread, how they are
 * connected to. gRFCs A27, A29, A37.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { formatAddress } from "../../../transport/index.ts";
import {
  AggregateClusterConfigSchema,
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  ClusterSchema,
  type ConfigSource,
  decoded,
  defined,
  FieldProblem,
  hostPortOf,
  RESOURCE_TYPES,
  typeNameOf,
  type UpstreamTls,
  unpack,
  upstreamTlsOf,
} from "../../../xds/index.ts";
import type { ResourceKind } from "../resource.ts";
import { type LoadAssignment, loadAssignmentOf } from "./endpoints.ts";
import { clusterNotesOf } from "./notes.ts";
import { type DecodedPolicy, policyOf } from "./policy.ts";
import { metadataServiceConfig, serviceConfigOf } from "./service-config.ts";
import { breakersOf, outliersOf } from "./traffic.ts";

/** How the endpoints of a cluster are found. */
export type ClusterDiscovery =
  | { readonly kind: "eds"; readonly serviceName: string }
  /** "host:port" each; of a logical name the addresses are one endpoint in Envoy, each one here. */
  | { readonly kind: "dns"; readonly hosts: readonly string[]; readonly family: DnsFamily }
  | { readonly kind: "static"; readonly assignment: LoadAssignment }
  /** Clusters by name, the first is used first (A37). */
  | { readonly kind: "aggregate"; readonly clusters: readonly string[] }
  /** The original destination of a connection: nothing that calls could be routed to. */
  | { readonly kind: "original-dst" };

/** Which addresses of a name are used: `any` is what gRPC does, whatever AUTO is in Envoy. */
export type DnsFamily = "any" | "v4" | "v6" | "v4-preferred";

/** What is said of a cluster. Immutable. */
export interface ClusterResource {
  readonly name: string;
  readonly discovery: ClusterDiscovery;
  readonly policy: DecodedPolicy;
  /** The config of `outlier_detection`; undefined for none. */
  readonly outliers: Readonly<Record<string, unknown>> | undefined;
  /** A whole service config, which holds instead of policy, outliers and extensions; or null. */
  readonly serviceConfig: Readonly<Record<string, unknown>> | null;
  /** The object "fairlead" of its service config. */
  readonly extensions: Readonly<Record<string, unknown>>;
  /** Of all its connections; null: plaintext. */
  readonly tls: UpstreamTls | null;
  /** Metadata of endpoints that want connections of another kind than all the others. */
  readonly otherSockets: readonly Readonly<Record<string, string>>[];
  /** What was asked for and is not done, for people. */
  readonly notes: readonly string[];
}

/**
 * CDS for an `XdsClient`.
 *
 * @param problemOf why a service config that a cluster comes to cannot be applied; null when it
 *   can.
 */
export function clusterKind(
  problemOf: (serviceConfig: unknown) => string | null,
): ResourceKind<ClusterResource> {
  return {
    typeUrl: RESOURCE_TYPES.CDS,
    name: "CDS",
    isComplete: true,
    decode: (bytes) => {
      const message = fromBinary(ClusterSchema, bytes);
      return decoded(message.name, () => {
        const cluster = clusterOf(message);
        const problem = problemOf(serviceConfigOf(cluster, undefined));
        if (problem !== null) throw new FieldProblem("", problem);
        return withServiceConfig(cluster, metadataServiceConfig(message), problemOf);
      });
    },
  };
}

/** One that a newer control plane wrote may not be known here: what xDS itself says holds then. */
function withServiceConfig(
  cluster: ClusterResource,
  serviceConfig: ClusterResource["serviceConfig"],
  problemOf: (serviceConfig: unknown) => string | null,
): ClusterResource {
  if (serviceConfig === null) return cluster;
  const problem = problemOf(serviceConfig);
  if (problem !== null) {
    const note = `the service config of its metadata is not used: ${problem}`;
    return { ...cluster, notes: [...cluster.notes, note] };
  }
  const notes = cluster.notes.filter((note) => !note.startsWith(HEALTH_CHECKS));
  return { ...cluster, serviceConfig, notes };
}

/** Of `xds.Cluster`, and `fairlead.activeHealthCheck` in a service config. */
const HEALTH_CHECKS = "health_checks";

const NO_POLICY = { overprovisioningPercent: null, notes: [] };
const AGGREGATE = "envoy.extensions.clusters.aggregate.v3.ClusterConfig";

/** @throws FieldProblem */
function clusterOf(message: Cluster): ClusterResource {
  const policy = policyOf(message);
  const { circuitBreakers, retryBudget } = breakersOf(message.circuitBreakers);
  const panic = message.commonLbConfig?.healthyPanicThreshold?.value;
  const locality = panic === undefined ? undefined : { panicThresholdPercent: panic };
  const sockets = socketsOf(message);
  return {
    name: message.name,
    discovery: discoveryOf(message),
    policy,
    outliers: outliersOf(message.outlierDetection),
    serviceConfig: null,
    extensions: defined({
      slowStart: policy.slowStart,
      circuitBreakers,
      retryBudget,
      locality,
    }),
    ...sockets,
    notes: [...clusterNotesOf(message), ...policy.notes, ...(sockets.tls?.notes ?? [])],
  };
}

function discoveryOf(message: Cluster): ClusterDiscovery {
  const { clusterDiscoveryType: discovery, name } = message;
  if (discovery.case === "clusterType") {
    const any = discovery.value.typedConfig;
    const found = any === undefined ? null : unpack(AggregateClusterConfigSchema, any, AGGREGATE);
    if (found === null) {
      const type = any === undefined ? discovery.value.name : typeNameOf(any);
      throw new FieldProblem("cluster_type", `is ${type}, which is not supported`);
    }
    if (found.clusters.length === 0) throw new FieldProblem("cluster_type.clusters", "is empty");
    return { kind: "aggregate", clusters: found.clusters };
  }
  const type = discovery.value ?? Cluster_DiscoveryType.STATIC;
  switch (type) {
    case Cluster_DiscoveryType.EDS: {
      const { edsConfig, serviceName = "" } = message.edsClusterConfig ?? {};
      checkSource(edsConfig, "eds_cluster_config.eds_config");
      return { kind: "eds", serviceName: serviceName === "" ? name : serviceName };
    }
    case Cluster_DiscoveryType.LOGICAL_DNS:
      return { kind: "dns", hosts: hostsOf(message, true), family: familyOf(message) };
    case Cluster_DiscoveryType.STRICT_DNS:
      return { kind: "dns", hosts: hostsOf(message, false), family: familyOf(message) };
    case Cluster_DiscoveryType.STATIC: {
      const { loadAssignment } = message;
      if (loadAssignment === undefined) {
        const assignment = { name, localities: [], drops: [], ...NO_POLICY };
        return { kind: "static", assignment };
      }
      const assignment = loadAssignmentOf(loadAssignment, "load_assignment", false);
      return { kind: "static", assignment };
    }
    case Cluster_DiscoveryType.ORIGINAL_DST:
      return { kind: "original-dst" };
    default:
      throw new FieldProblem("type", `is ${String(type)}, which is unknown`);
  }
}

/** must be ads or self (A27). */
function checkSource(source: ConfigSource | undefined, path: string): void {
  const where = source?.configSourceSpecifier.case;
  if (where !== "ads" && where !== "self") throw new FieldProblem(path, "must be ads or self");
}

function familyOf({ dnsLookupFamily: family }: Cluster): DnsFamily {
  switch (family) {
    case Cluster_DnsLookupFamily.V4_ONLY:
      return "v4";
    case Cluster_DnsLookupFamily.V6_ONLY:
      return "v6";
    case Cluster_DnsLookupFamily.V4_PREFERRED:
      return "v4-preferred";
    default:
      return "any";
  }
}

/** A37: of a logical name exactly one endpoint. */
function hostsOf({ loadAssignment }: Cluster, isLogical: boolean): string[] {
  const path = "load_assignment";
  const hosts: string[] = [];
  for (const [i, { lbEndpoints }] of (loadAssignment?.endpoints ?? []).entries()) {
    for (const [j, { hostIdentifier }] of lbEndpoints.entries()) {
      const at = `${path}.endpoints[${i}].lb_endpoints[${j}].endpoint`;
      if (hostIdentifier.case !== "endpoint") throw new FieldProblem(at, "is missing");
      const { host, port } = hostPortOf(hostIdentifier.value.address, `${at}.address`);
      hosts.push(formatAddress(host.toLowerCase(), port));
    }
  }
  if (hosts.length === 0) throw new FieldProblem(path, "has no endpoint to look up");
  if (isLogical && hosts.length > 1) throw new FieldProblem(path, "must have one endpoint");
  return hosts;
}

/**
 * Of several kinds of connections the one without a condition is used; endpoints that ask for
 * another one by their metadata are left out.
 */
function socketsOf(message: Cluster): Pick<ClusterResource, "tls" | "otherSockets"> {
  const { transportSocketMatches: matches, transportSocket } = message;
  const plain = matches.findIndex(({ match }) => Object.keys(match ?? {}).length === 0);
  const path = plain < 0 ? "transport_socket" : `transport_socket_matches[${plain}]`;
  const socket = plain < 0 ? transportSocket : matches[plain]!.transportSocket;
  const others = plain < 0 ? matches : matches.slice(0, plain);
  return {
    tls: upstreamTlsOf(socket, path),
    otherSockets: others.map(({ match }) =>
      Object.fromEntries(Object.entries(match ?? {}).map(([key, value]) => [key, String(value)])),
    ),
  };
}
