/** xDS resources as protobuf's JSON, as a control plane for gRPC clients makes them. */

/** A resource or a part of one. */
export type Json = Readonly<Record<string, unknown>>;

const TYPE = "type.googleapis.com/";
const ADS = { ads: {}, resourceApiVersion: "V3" };

/** `HttpConnectionManager` that takes its routes from `route`. */
export function manager(route: string, filters: readonly Json[] = []): Json {
  return {
    "@type": `${TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    rds: { configSource: ADS, routeConfigName: route },
    httpFilters: [...filters, ROUTER],
  };
}

/** The filter that must be the last. */
export const ROUTER: Json = {
  name: "router",
  typedConfig: { "@type": `${TYPE}envoy.extensions.filters.http.router.v3.Router` },
};

/** A channel's listener. */
export function apiListener(name: string, route = name): Json {
  return {
    "@type": `${TYPE}envoy.config.listener.v3.Listener`,
    name,
    apiListener: { apiListener: manager(route) },
  };
}

/** Routes of all authorities. */
export function routes(name: string, list: readonly Json[]): Json {
  return {
    "@type": `${TYPE}envoy.config.route.v3.RouteConfiguration`,
    name,
    virtualHosts: [{ name, domains: ["*"], routes: list }],
  };
}

/** All calls to a cluster. */
export function routeTo(cluster: string, more: Json = {}): Json {
  return { match: { prefix: "" }, route: { cluster, ...more } };
}

/** A cluster by EDS. */
export function cluster(name: string, more: Json = {}): Json {
  return {
    "@type": `${TYPE}envoy.config.cluster.v3.Cluster`,
    name,
    type: "EDS",
    edsClusterConfig: { edsConfig: ADS },
    ...more,
  };
}

/** A cluster of others, the first of which is used first. */
export function aggregate(name: string, clusters: readonly string[]): Json {
  return {
    "@type": `${TYPE}envoy.config.cluster.v3.Cluster`,
    name,
    lbPolicy: "CLUSTER_PROVIDED",
    clusterType: {
      name: "envoy.clusters.aggregate",
      typedConfig: {
        "@type": `${TYPE}envoy.extensions.clusters.aggregate.v3.ClusterConfig`,
        clusters,
      },
    },
  };
}

/** An endpoint at "ip:port". */
export function lbEndpoint(address: string, more: Json = {}): Json {
  const colon = address.lastIndexOf(":");
  const socketAddress = {
    address: address.slice(0, colon),
    portValue: Number(address.slice(colon + 1)),
  };
  return { endpoint: { address: { socketAddress } }, ...more };
}

/** Endpoints of one locality, or of several. */
export function endpoints(name: string, localities: readonly Json[] | readonly string[]): Json {
  const list = localities.every((each) => typeof each === "string")
    ? [locality("a", localities as readonly string[])]
    : localities;
  return {
    "@type": `${TYPE}envoy.config.endpoint.v3.ClusterLoadAssignment`,
    clusterName: name,
    endpoints: list,
  };
}

/** One locality. */
export function locality(zone: string, addresses: readonly string[], more: Json = {}): Json {
  return {
    locality: { region: "r", zone },
    loadBalancingWeight: 1,
    lbEndpoints: addresses.map((address) => lbEndpoint(address)),
    ...more,
  };
}
