/**
 * The names of the fields of the kinds that are read, whether or not anybody here reads the field:
 * what an API server would keep of an object, as the published API of each kind has it (core v1,
 * discovery/v1, and the experimental channel of gateway.networking.k8s.io). Data only.
 */
import type { KindName } from "../objects.ts";

/** Fields by name; of a list, those of its entries. Null: anything may stand there. */
export interface FieldNames {
  readonly [field: string]: FieldNames | null;
}

/** Fields of which nothing is looked into. */
function any(...names: readonly string[]): FieldNames {
  return Object.fromEntries(names.map((name) => [name, null]));
}

const METADATA: FieldNames = any(
  ...["name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation"],
  ...["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels"],
  ...["annotations", "ownerReferences", "finalizers", "managedFields"],
);

const OBJECT_REF = any("group", "kind", "namespace", "name");
const SELECTOR: FieldNames = {
  matchLabels: null,
  matchExpressions: any("key", "operator", "values"),
};

const SERVICE: FieldNames = {
  ...any("allocateLoadBalancerNodePorts", "clusterIP", "clusterIPs", "externalIPs", "externalName"),
  ...any("externalTrafficPolicy", "healthCheckNodePort", "internalTrafficPolicy", "ipFamilies"),
  ...any("ipFamilyPolicy", "loadBalancerClass", "loadBalancerIP", "loadBalancerSourceRanges"),
  ...any("publishNotReadyAddresses", "selector", "sessionAffinity", "sessionAffinityConfig"),
  ...any("topologyKeys", "trafficDistribution", "type"),
  ports: any("appProtocol", "name", "nodePort", "port", "protocol", "targetPort"),
};

const ENDPOINT: FieldNames = {
  ...any("addresses", "deprecatedTopology", "hostname", "nodeName", "targetRef", "zone"),
  conditions: any("ready", "serving", "terminating"),
  hints: { forNodes: any("name"), forZones: any("name") },
};

const LISTENER: FieldNames = {
  ...any("name", "hostname", "port", "protocol", "filters"),
  tls: {
    ...any("mode", "options", "frontendValidation"),
    certificateRefs: OBJECT_REF,
  },
  allowedRoutes: {
    namespaces: { from: null, selector: SELECTOR },
    kinds: any("group", "kind"),
  },
};

const GATEWAY: FieldNames = {
  ...any("gatewayClassName", "allowedListeners", "backendTLS", "defaultScope", "tls"),
  listeners: LISTENER,
  addresses: any("type", "value"),
  infrastructure: any("labels", "annotations", "parametersRef"),
};

const BACKEND_REF: FieldNames = { ...OBJECT_REF, ...any("port") };
const HEADERS = any("name", "value");
const MODIFIER: FieldNames = { set: HEADERS, add: HEADERS, remove: null };
const FILTER: FieldNames = {
  type: null,
  requestHeaderModifier: MODIFIER,
  responseHeaderModifier: MODIFIER,
  requestMirror: {
    backendRef: BACKEND_REF,
    percent: null,
    fraction: any("numerator", "denominator"),
  },
  extensionRef: any("group", "kind", "name"),
};

const GRPC_ROUTE: FieldNames = {
  ...any("hostnames", "useDefaultGateways"),
  parentRefs: { ...OBJECT_REF, ...any("sectionName", "port") },
  rules: {
    ...any("name", "sessionPersistence"),
    matches: { method: any("type", "service", "method"), headers: any("type", "name", "value") },
    filters: FILTER,
    backendRefs: { ...BACKEND_REF, weight: null, filters: FILTER },
  },
};

/** Of each kind, beside apiVersion, kind, metadata and status, which all have. */
const OWN: Readonly<Record<KindName, FieldNames>> = {
  Service: { spec: SERVICE },
  EndpointSlice: {
    addressType: null,
    endpoints: ENDPOINT,
    ports: any("appProtocol", "name", "port", "protocol"),
  },
  // Of these two no more than metadata is read.
  Node: any("spec"),
  Namespace: any("spec"),
  GatewayClass: { spec: { ...any("controllerName", "description"), parametersRef: OBJECT_REF } },
  Gateway: { spec: GATEWAY },
  GRPCRoute: { spec: GRPC_ROUTE },
  ReferenceGrant: {
    spec: { from: any("group", "kind", "namespace"), to: any("group", "kind", "name") },
  },
  Secret: any("data", "immutable", "stringData", "type"),
};

/** All fields of a kind. */
export function fieldNamesOf(kind: KindName): FieldNames {
  return { ...any("apiVersion", "kind", "status"), metadata: METADATA, ...OWN[kind] };
}
