/**
 * Clusters of a mesh. Promises: one that stays named keeps its connections; what leaves finishes
 * its calls, for a time; each has figures of its own. Must never choose a route.
 */
export { MeshCluster, type MeshClusterSettings } from "./mesh-cluster.ts";
export {
  CLUSTER_LEAVE_TIMEOUT_MS,
  MeshClusters,
  type MeshClustersDeps,
  type MeshClustersListener,
} from "./mesh-clusters.ts";
export { METHODS_KEPT_MAX, MethodPolicies } from "./method-policies.ts";
export { ServiceConfigInForce } from "./service-config-in-force.ts";
