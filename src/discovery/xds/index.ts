/**
 * The xDS client, and what it makes of clusters and endpoints. Loaded when xDS is spoken only:
 * protobuf's run-time and the messages take long to load.
 */
export type { XdsSystem } from "./ads/server-link.ts";
export { bootstrapOf, parseBootstrap, type XdsBootstrap } from "./bootstrap/bootstrap.ts";
export { loadBootstrap } from "./bootstrap/load.ts";
export { XdsClient, type XdsClientStatus, type XdsProtocol } from "./client.ts";
export { XdsClusterResolver } from "./cluster/resolver.ts";
export { type ClusterResource, clusterKind } from "./decode/cluster.ts";
export type { Followed } from "./followed.ts";
export type {
  RefusedUpdate,
  ResourceKind,
  ResourceState,
  ResourceStatus,
  ResourceWatch,
  ResourceWatcher,
} from "./resource.ts";
