/**
 * Room `discovery`: who *can* serve a target.
 *
 * What it is: the parser of targets, and resolvers (`static`, `dns`, `kubernetes`) that turn one
 * into endpoints; for the last, the sources of Kubernetes objects and the model of a Service.
 * Promises: a listener gets whole, immutable, sorted sets without duplicates; an empty set only
 * when the source said so; when the source is away, the last good set stays and the reason is told.
 * Must never: connect to an endpoint, judge its health, or know who asks and what for.
 */
export type { ResolverDeps } from "./create.ts";
export { createResolver } from "./create.ts";
export type { DnsServers, DnsSystem } from "./dns/index.ts";
export { DnsNames, systemDns } from "./dns/index.ts";
export type {
  DropCategory,
  Endpoint,
  EndpointAssignment,
  EndpointConditions,
  EndpointGroup,
  EndpointSet,
  ServiceConfigResult,
  SetPlace,
  SkippedEndpoint,
} from "./endpoint.ts";
export { newEndpoint, newEndpointSet } from "./endpoint.ts";
export { DiscoveryError } from "./error.ts";
export type { ApiCheck, CheckStep } from "./kubernetes/api/index.ts";
export { type CheckedObject, checkObject } from "./kubernetes/check.ts";
export type {
  AllowedRoutes,
  BackendRef,
  Condition,
  Gateway,
  GatewayAddress,
  GatewayClass,
  GatewayListener,
  GatewayListenerStatus,
  GatewayStatus,
  GRPCBackendRef,
  GRPCHeaderMatch,
  GRPCMethodMatch,
  GRPCRoute,
  GRPCRouteFilter,
  GRPCRouteMatch,
  GRPCRouteRule,
  GroupKind,
  LabelSelector,
  ListenerTls,
  Namespace,
  ObjectRef,
  ParentRef,
  ReferenceGrant,
  RouteParentStatus,
  Secret,
  VersionedMeta,
} from "./kubernetes/gateway-objects.ts";
export { ServiceModel } from "./kubernetes/model/model.ts";
export type {
  EndpointSlice,
  Kind,
  KindName,
  KubernetesObject,
  Node,
  ObjectMeta,
  ObjectOfKind,
  Service,
  ServicePort,
  SliceEndpoint,
} from "./kubernetes/objects.ts";
export {
  GATEWAY_GROUP,
  GATEWAY_NAME_LABEL,
  KINDS,
  SERVICE_NAME_LABEL,
  ZONE_LABEL,
} from "./kubernetes/objects.ts";
export type { Place } from "./kubernetes/place.ts";
export { shareWatches } from "./kubernetes/shared.ts";
export type {
  ObjectChange,
  ObjectListener,
  ObjectQuery,
  ObjectSource,
  SourceProblem,
  Subscription,
} from "./kubernetes/source.ts";
export type { KubernetesTarget, TargetPort } from "./kubernetes/target.ts";
export type {
  ObjectWriter,
  WriteFailure,
  WriteResult,
  WriteTarget,
  WriteVerb,
} from "./kubernetes/writer.ts";
export {
  checkApiServer,
  checkDiscoveryOptions,
  type Discovery,
  type DiscoveryOptions,
  type DiscoverySystem,
  type OpenObjects,
  OptionsError,
  openDiscovery,
  openObjects,
} from "./open.ts";
export type { Resolver, ResolverListener } from "./resolver.ts";
export { SERVICE_CONFIG_DEPTH_MAX } from "./service-config.ts";
export type { DnsTarget, ParsedTarget, StaticTarget, XdsTarget } from "./target.ts";
export { parseTarget } from "./target.ts";

export type {
  ClusterResource,
  Followed,
  ResourceKind,
  ResourceStatus,
  ResourceWatch,
  ResourceWatcher,
  XdsBootstrap,
  XdsClient,
  XdsClientStatus,
  XdsProtocol,
  XdsSystem,
} from "./xds/index.ts";

/** All of xDS, whose messages take long to load: who needs it waits for it. */
export type XdsDiscovery = typeof import("./xds/index.ts");

/** Loads the xDS client. */
export function loadXds(): Promise<XdsDiscovery> {
  return import("./xds/index.ts");
}
