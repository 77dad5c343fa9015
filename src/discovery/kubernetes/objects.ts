/**
 * The Kubernetes objects that discovery reads, as far as it reads them, and their kinds.
 *
 * Types and names only: who checks that an object has this shape is `check.ts`. Our own types,
 * because the published ones lack newer fields (hints.forNodes, trafficDistribution). Field names
 * and meanings are those of the Kubernetes API reference, v1.36.
 */

import type { ServiceConfigResult } from "../endpoint.ts";
import type {
  Gateway,
  GatewayClass,
  GRPCRoute,
  Namespace,
  ReferenceGrant,
  Secret,
} from "./gateway-objects.ts";

/** What every object has. Fields that nobody here reads are dropped when an object comes in. */
export interface ObjectMeta {
  readonly name: string;
  /** "" for a kind that lives in no namespace. */
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Any object that is watched. */
export interface KubernetesObject {
  readonly kind: KindName;
  readonly metadata: ObjectMeta;
}

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSlice extends KubernetesObject {
  readonly kind: "EndpointSlice";
  readonly addressType: "IPv4" | "IPv6" | "FQDN";
  readonly endpoints: readonly SliceEndpoint[];
  readonly ports: readonly SlicePort[];
}

/** One endpoint of a slice. */
export interface SliceEndpoint {
  /** At least one; only the first is used (KEP-752). */
  readonly addresses: readonly string[];
  /** Nil means true. */
  readonly ready: boolean | null;
  /** Nil means true. */
  readonly serving: boolean | null;
  /** Nil means false. */
  readonly terminating: boolean | null;
  readonly nodeName: string | null;
  readonly zone: string | null;
  readonly targetRef: TargetRef | null;
  /** Names of nodes; empty for no hint. */
  readonly forNodes: readonly string[];
  /** Names of zones; empty for no hint. */
  readonly forZones: readonly string[];
}

/** What an endpoint is: a Pod as a rule. */
export interface TargetRef {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** One port of a slice: good for all of its endpoints. */
export interface SlicePort {
  /** "" for the only port of a Service that does not name it. */
  readonly name: string;
  /** Null means any port. */
  readonly port: number | null;
  readonly protocol: string;
}

/** v1 Service. */
export interface Service extends KubernetesObject {
  readonly kind: "Service";
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  /** "None" for a headless one; "" when there is none. */
  readonly clusterIp: string;
  /** Both families' of a dual-stack Service; the one above where there are no others. */
  readonly clusterIps: readonly string[];
  readonly ports: readonly ServicePort[];
  /** Of type ExternalName; otherwise "". */
  readonly externalName: string;
  readonly internalTrafficPolicy: "Cluster" | "Local";
  /** "" when not set. PreferClose is the old name of PreferSameZone. */
  readonly trafficDistribution: string;
  readonly publishNotReadyAddresses: boolean;
  /** What its annotation `fairlead.dev/service-config` says; null without one. */
  readonly serviceConfig: ServiceConfigResult | null;
  /** Of its load balancer: addresses and host names; absent: none. */
  readonly loadBalancerAddresses?: readonly string[];
  /** Namespaces that its annotation `fairlead.dev/export-to` names ("*": all); absent: none. */
  readonly exportTo?: readonly string[];
}

/** One port of a Service. */
export interface ServicePort {
  readonly name: string;
  readonly port: number;
  /** A number, or the name of a container's port; null when it is the same as `port`. */
  readonly targetPort: number | string | null;
  readonly protocol: string;
  /** "" when there is none, or one of which discovery knows nothing. */
  readonly appProtocol: "grpc" | "kubernetes.io/h2c" | "";
}

/** v1 Node, of which only the labels are read. */
export interface Node extends KubernetesObject {
  readonly kind: "Node";
}

/** Every kind that is watched. */
export type KindName =
  | "EndpointSlice"
  | "Service"
  | "Node"
  | "GatewayClass"
  | "Gateway"
  | "GRPCRoute"
  | "ReferenceGrant"
  | "Namespace"
  | "Secret";

/** The object of a kind. */
export interface ObjectOfKind {
  readonly EndpointSlice: EndpointSlice;
  readonly Service: Service;
  readonly Node: Node;
  readonly GatewayClass: GatewayClass;
  readonly Gateway: Gateway;
  readonly GRPCRoute: GRPCRoute;
  readonly ReferenceGrant: ReferenceGrant;
  readonly Namespace: Namespace;
  readonly Secret: Secret;
}

/** How a kind is spelt in URLs, objects and RBAC rules. */
export interface Kind {
  readonly kind: KindName;
  /** As objects carry it: "discovery.k8s.io/v1" or "v1". */
  readonly apiVersion: string;
  /** Versions whose objects have the same shape, as far as it is read: files may carry these. */
  readonly otherVersions: readonly string[];
  /** "" for the core group: as RBAC rules name it. */
  readonly group: string;
  /** In URLs and RBAC rules. */
  readonly plural: string;
  readonly isNamespaced: boolean;
}

/** The group of the Gateway API. */
export const GATEWAY_GROUP = "gateway.networking.k8s.io";
const NO_VERSIONS: readonly string[] = Object.freeze([]);

/** All kinds by name. */
export const KINDS: Readonly<Record<KindName, Kind>> = {
  EndpointSlice: kindOf("EndpointSlice", "discovery.k8s.io", "v1", "endpointslices"),
  Service: kindOf("Service", "", "v1", "services"),
  Node: { ...kindOf("Node", "", "v1", "nodes"), isNamespaced: false },
  GatewayClass: {
    ...kindOf("GatewayClass", GATEWAY_GROUP, "v1", "gatewayclasses", ["v1beta1"]),
    isNamespaced: false,
  },
  Gateway: kindOf("Gateway", GATEWAY_GROUP, "v1", "gateways", ["v1beta1"]),
  GRPCRoute: kindOf("GRPCRoute", GATEWAY_GROUP, "v1", "grpcroutes", ["v1alpha2"]),
  // Every release that has GRPCRoute v1 serves v1beta1 of it; v1 is newer and the same.
  ReferenceGrant: kindOf("ReferenceGrant", GATEWAY_GROUP, "v1beta1", "referencegrants", ["v1"]),
  Namespace: { ...kindOf("Namespace", "", "v1", "namespaces"), isNamespaced: false },
  Secret: kindOf("Secret", "", "v1", "secrets"),
};

function kindOf(
  kind: KindName,
  group: string,
  version: string,
  plural: string,
  others: readonly string[] = NO_VERSIONS,
): Kind {
  const full = (name: string): string => (group === "" ? name : `${group}/${name}`);
  const otherVersions = others.map(full);
  return { kind, apiVersion: full(version), otherVersions, group, plural, isNamespaced: true };
}

/** The label that joins a slice to its Service. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";
/** The annotation of a Service that holds the service config of its clients, as JSON. */
export const SERVICE_CONFIG_ANNOTATION = "fairlead.dev/service-config";
/** The label of a Node that names its zone. */
export const ZONE_LABEL = "topology.kubernetes.io/zone";
/** Names the Gateway that a Service of its namespace stands before (GEP-1762). */
export const GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name";
