/**
 * The Kubernetes objects that discovery reads, as far as it reads them, and their kinds.
 *
 * Types and names only: who checks that an object has this shape is `check.ts`. Our own types,
 * because the published ones lack newer fields (hints.forNodes, trafficDistribution). Field names
 * and meanings are those of the Kubernetes API reference, v1.36.
 */

import type { ServiceConfigResult } from "../endpoint.ts";

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
  readonly ports: readonly ServicePort[];
  /** Of type ExternalName; otherwise "". */
  readonly externalName: string;
  readonly internalTrafficPolicy: "Cluster" | "Local";
  /** "" when not set. PreferClose is the old name of PreferSameZone. */
  readonly trafficDistribution: string;
  readonly publishNotReadyAddresses: boolean;
  /** What its annotation `fairlead.dev/service-config` says; null without one. */
  readonly serviceConfig: ServiceConfigResult | null;
}

/** One port of a Service. */
export interface ServicePort {
  readonly name: string;
  readonly port: number;
  /** A number, or the name of a container's port; null when it is the same as `port`. */
  readonly targetPort: number | string | null;
  readonly protocol: string;
}

/** v1 Node, of which only the labels are read. */
export interface Node extends KubernetesObject {
  readonly kind: "Node";
}

/** Every kind that is watched. */
export type KindName = "EndpointSlice" | "Service" | "Node";

/** The object of a kind. */
export interface ObjectOfKind {
  readonly EndpointSlice: EndpointSlice;
  readonly Service: Service;
  readonly Node: Node;
}

/** How a kind is spelt in URLs, objects and RBAC rules. */
export interface Kind {
  readonly kind: KindName;
  /** As objects carry it: "discovery.k8s.io/v1" or "v1". */
  readonly apiVersion: string;
  /** "" for the core group: as RBAC rules name it. */
  readonly group: string;
  /** In URLs and RBAC rules. */
  readonly plural: string;
  readonly isNamespaced: boolean;
}

/** All kinds by name. */
export const KINDS: Readonly<Record<KindName, Kind>> = {
  EndpointSlice: {
    kind: "EndpointSlice",
    apiVersion: "discovery.k8s.io/v1",
    group: "discovery.k8s.io",
    plural: "endpointslices",
    isNamespaced: true,
  },
  Service: {
    kind: "Service",
    apiVersion: "v1",
    group: "",
    plural: "services",
    isNamespaced: true,
  },
  Node: { kind: "Node", apiVersion: "v1", group: "", plural: "nodes", isNamespaced: false },
};

/** The label that joins a slice to its Service. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";
/** The annotation of a Service that holds the service config of its clients, as JSON. */
export const SERVICE_CONFIG_ANNOTATION = "fairlead.dev/service-config";
/** The label of a Node that names its zone. */
export const ZONE_LABEL = "topology.kubernetes.io/zone";
