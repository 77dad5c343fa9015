/**
 * Room `mesh`: calls of many targets.
 *
 * What it is: the configuration of a whole data plane (listeners, route tables, clusters), where
 * it comes from (Kubernetes objects, or an xDS server), and the clusters that it names, kept while
 * it names them. Promises: a configuration is taken whole or not at all; a call finds its route and
 * cluster without allocating; a cluster that stays keeps its connections.
 * Must never: accept a connection, or know who makes a call.
 */
import type { XdsSystem } from "../discovery/index.ts";
import type { GrpcMethod } from "../server/index.ts";
import type { XdsSource } from "./config.ts";
import type { ScopedStatus } from "./xds/csds/methods.ts";
import type { XdsMeshOptions } from "./xds/open.ts";

export {
  CLUSTER_LEAVE_TIMEOUT_MS,
  METHODS_KEPT_MAX,
  MeshCluster,
  type MeshClusterSettings,
  MeshClusters,
  type MeshClustersDeps,
  type MeshClustersListener,
  MethodPolicies,
  ServiceConfigInForce,
} from "./clusters/index.ts";
export type {
  ChainTls,
  ClusterSpec,
  FilterChain,
  ListenerSpec,
  MeshConfig,
  MeshListener,
  MeshSource,
  XdsSource,
} from "./config.ts";
export type { GatewayName } from "./objects/gateway-objects.ts";
export { GatewayMeshSource } from "./objects/gateway-source.ts";
export { capturedName, isGrpcPort } from "./services/config.ts";
export { ServiceMeshSource } from "./services/source.ts";
export type { ScopedStatus } from "./xds/csds/methods.ts";
export type { XdsMeshOptions } from "./xds/open.ts";

/**
 * A source of an xDS server, as the bootstrap says: for a channel (one target), or for a proxy
 * (every listener that the server has for it). What speaks xDS is loaded by this.
 *
 * @throws DiscoveryError, TargetError or RangeError (rejects) when the bootstrap cannot be used.
 */
export async function openXds(options: XdsMeshOptions, system: XdsSystem): Promise<XdsSource> {
  const { openXdsSource } = await import("./xds/open.ts");
  return openXdsSource(options, system);
}

/**
 * CSDS of the xDS clients of this process (gRFC A40). Never shows certificates' keys. What speaks
 * xDS is loaded by this.
 *
 * @param clients is called for each request.
 */
export async function loadCsds(
  clients: () => readonly ScopedStatus[],
): Promise<readonly GrpcMethod[]> {
  const { csdsMethods } = await import("./xds/csds/methods.ts");
  return csdsMethods(clients);
}

/**
 * The same as a function, for a server that is not ours: from a request's bytes to those of the
 * answer. It throws CallRefusal.
 */
export async function loadClientStatus(): Promise<
  (request: Uint8Array, clients: readonly ScopedStatus[]) => Uint8Array
> {
  return (await import("./xds/csds/methods.ts")).clientStatusAnswer;
}
