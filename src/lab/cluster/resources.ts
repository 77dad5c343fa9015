/**
 * The resources that the lab's API server serves, and the rules in which they differ.
 *
 * Names and strategies are those of Kubernetes 1.36 (pkg/registry). Not what an object of a kind
 * must look like: that is `validate.ts`.
 */

/** One resource: a kind as it is spelt in URLs, objects and RBAC rules. */
export interface Resource {
  readonly kind: string;
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly isNamespaced: boolean;
  /** Whether `status` is written apart, by its subresource. */
  readonly hasStatus: boolean;
  /** Whether DELETE answers with the object rather than with a Status. */
  readonly returnsDeleted: boolean;
  /** Whether PUT of a name that does not exist creates it. */
  readonly createsOnUpdate: boolean;
  /** Whether PUT must name the resourceVersion that it replaces. */
  readonly needsVersion: boolean;
  /** Whether it is there only while a CustomResourceDefinition says so. */
  readonly isCustom: boolean;
}

const BUILT_IN = { needsVersion: false, isCustom: false };
const RBAC = {
  ...BUILT_IN,
  ...{ group: "rbac.authorization.k8s.io", version: "v1", hasStatus: false },
  ...{ returnsDeleted: false, createsOnUpdate: true },
};
const CORE = { ...BUILT_IN, group: "", version: "v1", createsOnUpdate: false };
const GATEWAY_API = {
  ...{ group: "gateway.networking.k8s.io", version: "v1", hasStatus: true, isNamespaced: true },
  ...{ returnsDeleted: false, createsOnUpdate: false, needsVersion: true, isCustom: true },
};

/** All resources. */
export const RESOURCES: readonly Resource[] = [
  {
    ...CORE,
    ...{ kind: "Namespace", plural: "namespaces", isNamespaced: false },
    ...{ hasStatus: true, returnsDeleted: true },
  },
  {
    ...CORE,
    ...{ kind: "Node", plural: "nodes", isNamespaced: false },
    ...{ hasStatus: true, returnsDeleted: false },
  },
  {
    ...CORE,
    ...{ kind: "Pod", plural: "pods", isNamespaced: true },
    ...{ hasStatus: true, returnsDeleted: true },
  },
  {
    ...CORE,
    ...{ kind: "Service", plural: "services", isNamespaced: true },
    ...{ hasStatus: true, returnsDeleted: true, createsOnUpdate: true },
  },
  {
    ...CORE,
    ...{ kind: "ServiceAccount", plural: "serviceaccounts", isNamespaced: true },
    ...{ hasStatus: false, returnsDeleted: true },
  },
  {
    ...CORE,
    ...{ kind: "Secret", plural: "secrets", isNamespaced: true },
    ...{ hasStatus: false, returnsDeleted: false },
  },
  { ...RBAC, kind: "Role", plural: "roles", isNamespaced: true },
  { ...RBAC, kind: "RoleBinding", plural: "rolebindings", isNamespaced: true },
  { ...RBAC, kind: "ClusterRole", plural: "clusterroles", isNamespaced: false },
  { ...RBAC, kind: "ClusterRoleBinding", plural: "clusterrolebindings", isNamespaced: false },
  {
    ...BUILT_IN,
    ...{ kind: "EndpointSlice", group: "discovery.k8s.io", version: "v1" },
    ...{ plural: "endpointslices", isNamespaced: true },
    ...{ hasStatus: false, returnsDeleted: false, createsOnUpdate: false },
  },
  {
    ...{ kind: "Lease", group: "coordination.k8s.io", version: "v1", plural: "leases" },
    ...{ isNamespaced: true, hasStatus: false, returnsDeleted: false, createsOnUpdate: true },
    ...{ needsVersion: true, isCustom: false },
  },
  {
    ...BUILT_IN,
    ...{ kind: "CustomResourceDefinition", group: "apiextensions.k8s.io", version: "v1" },
    ...{ plural: "customresourcedefinitions", isNamespaced: false, needsVersion: true },
    ...{ hasStatus: true, returnsDeleted: true, createsOnUpdate: false },
  },
  { ...GATEWAY_API, kind: "GatewayClass", plural: "gatewayclasses", isNamespaced: false },
  { ...GATEWAY_API, kind: "Gateway", plural: "gateways" },
  { ...GATEWAY_API, kind: "GRPCRoute", plural: "grpcroutes" },
  {
    ...GATEWAY_API,
    ...{ kind: "ReferenceGrant", plural: "referencegrants", version: "v1beta1", hasStatus: false },
  },
];

/** "services" or "endpointslices.discovery.k8s.io": how messages name a resource. */
export function qualified({ group, plural }: Pick<Resource, "group" | "plural">): string {
  return group === "" ? plural : `${plural}.${group}`;
}

/** "Service" or "EndpointSlice.discovery.k8s.io": how messages name a kind. */
export function qualifiedKind({ group, kind }: Pick<Resource, "group" | "kind">): string {
  return group === "" ? kind : `${kind}.${group}`;
}

/** "v1" or "discovery.k8s.io/v1". */
export function apiVersionOf({ group, version }: Pick<Resource, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The resource of a kind's name. Throws a `RangeError` for another one. */
export function resourceOf(kind: string): Resource {
  const resource = RESOURCES.find((one) => one.kind === kind);
  if (!resource) throw new RangeError(`kind "${kind}": the lab's API server has no such kind`);
  return resource;
}
