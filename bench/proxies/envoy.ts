/**
 * Envoy: `--concurrency 1`, HTTP/2 on both sides, circuit breakers opened wide.
 */
import { findPeer } from "../../test/peers/find.ts";
import { type BenchProxy, type ProxyPlan, startListening, writeConfig } from "./proxy.ts";

/** Envoy if it is installed. */
export function envoy(): BenchProxy | null {
  const found = findPeer("envoy");
  if (found === null) return null;
  return {
    name: "envoy",
    version: found.version,
    hasTls: true,
    connectionsMax: 9000,
    start: (plan) => {
      const file = writeConfig(plan, "envoy.json", JSON.stringify(bootstrap(plan)));
      const args = ["-c", file, "--concurrency", "1", "--disable-hot-restart", "-l", "critical"];
      return startListening("envoy", found.path, args, plan);
    },
  };
}

const TYPE = "type.googleapis.com/envoy.extensions";

function bootstrap(plan: ProxyPlan): unknown {
  return {
    static_resources: {
      listeners: [
        {
          name: "in",
          address: socketAddress(`127.0.0.1:${plan.port}`),
          filter_chains: [{ filters: [connectionManager()], ...transportSocket(plan) }],
        },
      ],
      clusters: [cluster(plan)],
    },
    overload_manager: {
      resource_monitors: [
        {
          name: "envoy.resource_monitors.global_downstream_max_connections",
          typed_config: {
            "@type": `${TYPE}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig`,
            max_active_downstream_connections: 18_000,
          },
        },
      ],
    },
  };
}

function connectionManager(): unknown {
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: "in",
      codec_type: "HTTP2",
      stream_idle_timeout: "0s",
      route_config: {
        virtual_hosts: [
          {
            name: "all",
            domains: ["*"],
            routes: [{ match: { prefix: "/" }, route: { cluster: "out", timeout: "0s" } }],
          },
        ],
      },
      http_filters: [
        {
          name: "envoy.filters.http.router",
          typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` },
        },
      ],
    },
  };
}

function cluster(plan: ProxyPlan): unknown {
  const most = 1_000_000;
  return {
    name: "out",
    type: "STATIC",
    connect_timeout: "5s",
    lb_policy: "ROUND_ROBIN",
    circuit_breakers: {
      thresholds: [
        {
          max_connections: most,
          max_pending_requests: most,
          max_requests: most,
          max_retries: most,
        },
      ],
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: "out",
      endpoints: [
        {
          lb_endpoints: plan.upstreams.map((address) => ({
            endpoint: { address: socketAddress(address) },
          })),
        },
      ],
    },
  };
}

function transportSocket(plan: ProxyPlan): Record<string, unknown> {
  if (plan.tls === null) return {};
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": `${TYPE}.transport_sockets.tls.v3.DownstreamTlsContext`,
        common_tls_context: {
          alpn_protocols: ["h2"],
          tls_certificates: [
            {
              certificate_chain: { filename: plan.tls.certFile },
              private_key: { filename: plan.tls.keyFile },
            },
          ],
        },
      },
    },
  };
}

function socketAddress(address: string): unknown {
  const [host, port] = address.split(":");
  return { socket_address: { address: host, port_value: Number(port) } };
}
