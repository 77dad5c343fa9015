/**
 * The configuration of Envoy for the lane `envoy`: one listener, one cluster. Data only.
 */

const TYPES = "type.googleapis.com/envoy.extensions";

/** Where the pods are. */
export interface EnvoyUpstream {
  /** Their name in DNS. */
  readonly host: string;
  readonly port: number;
  /** Of the DNS server: ip:port. */
  readonly dns: string;
}

/** As Envoy reads it: JSON. It and its admin interface listen on any port of 127.0.0.1. */
export function envoyBootstrap(upstream: EnvoyUpstream): unknown {
  return {
    admin: { address: socketAddress("127.0.0.1:0") },
    static_resources: {
      listeners: [
        {
          name: "in",
          address: socketAddress("127.0.0.1:0"),
          filter_chains: [{ filters: [connectionManager()] }],
        },
      ],
      clusters: [cluster(upstream)],
    },
  };
}

function connectionManager(): unknown {
  const route = { match: { prefix: "/" }, route: { cluster: "pods" } };
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      codec_type: "AUTO",
      stat_prefix: "in",
      route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [route] }] },
      http_filters: [
        {
          name: "envoy.filters.http.router",
          typed_config: { "@type": `${TYPES}.filters.http.router.v3.Router` },
        },
      ],
    },
  };
}

function cluster({ host, port, dns }: EnvoyUpstream): unknown {
  return {
    name: "pods",
    type: "STRICT_DNS",
    connect_timeout: "0.5s",
    dns_lookup_family: "V4_ONLY",
    typed_dns_resolver_config: {
      name: "envoy.network.dns_resolver.cares",
      typed_config: {
        "@type": `${TYPES}.network.dns_resolver.cares.v3.CaresDnsResolverConfig`,
        resolvers: [socketAddress(dns)],
      },
    },
    lb_policy: "ROUND_ROBIN",
    health_checks: [
      {
        timeout: "1s",
        // 10 s there; the lab's readiness probes are as much quicker than a cluster's, too.
        interval: "0.5s",
        // Before the first call it would ask once a minute.
        no_traffic_interval: "0.5s",
        unhealthy_threshold: 2,
        healthy_threshold: 2,
        grpc_health_check: {},
      },
    ],
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${TYPES}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: "pods",
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(`${host}:${port}`) } }] }],
    },
  };
}

function socketAddress(address: string): unknown {
  const colon = address.lastIndexOf(":");
  return {
    socket_address: {
      address: address.slice(0, colon),
      port_value: Number(address.slice(colon + 1)),
    },
  };
}
