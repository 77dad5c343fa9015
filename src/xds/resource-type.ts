/**
 * The kinds of resources that are discovered, by their type URLs.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol ("Resource types")
 */

/**
 * Key of `filter_metadata` of a cluster: its field `service_config` is a whole gRPC service config,
 * its JSON as text. `fairlead control` says it to our own data planes, which apply it instead of
 * what xDS has words for.
 */
export const SERVICE_CONFIG_METADATA = "fairlead.dev";

/** Type URLs by the usual short names. */
export const RESOURCE_TYPES = {
  LDS: "type.googleapis.com/envoy.config.listener.v3.Listener",
  RDS: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
  CDS: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  EDS: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  SDS: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
} as const;

/** A type URL that we know. */
export type ResourceType = (typeof RESOURCE_TYPES)[keyof typeof RESOURCE_TYPES];

/** "LDS" and its like; null for a type that nobody here serves. */
export function shortTypeName(typeUrl: string): keyof typeof RESOURCE_TYPES | null {
  for (const [name, url] of Object.entries(RESOURCE_TYPES)) {
    if (url === typeUrl) return name as keyof typeof RESOURCE_TYPES;
  }
  return null;
}
