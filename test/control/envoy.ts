/** A stock Envoy that gets everything by ADS from a control plane. */
import type { RunningProcess } from "../peers/processes.ts";

/** How it introduces itself, and speaks. */
export interface EnvoyOptions {
  readonly control: string;
  readonly adminPort: number;
  readonly zone?: string;
  /** `node.metadata`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Incremental, or state of the world. */
  readonly isDelta: boolean;
  /** Its control plane speaks TLS: files of PEM. Plaintext unless given. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** Command line after the program's path. */
export function envoyArgs(options: EnvoyOptions): readonly string[] {
  return [
    "--config-yaml",
    JSON.stringify(bootstrapOf(options)),
    "--concurrency",
    "1",
    "--disable-hot-restart",
    "--log-level",
    "warning",
  ];
}

function bootstrapOf({ control, adminPort, zone, metadata, isDelta, tls }: EnvoyOptions): object {
  const fromAds = { ads: {}, resource_api_version: "V3" };
  const [host, port] = control.split(":");
  return {
    node: { id: "envoy-test", cluster: "test", locality: { zone: zone ?? "" }, metadata },
    admin: { address: socketAddress("127.0.0.1", adminPort) },
    dynamic_resources: {
      ads_config: {
        api_type: isDelta ? "DELTA_GRPC" : "GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "control" } }],
      },
      lds_config: fromAds,
      cds_config: fromAds,
    },
    static_resources: {
      clusters: [
        {
          name: "control",
          type: "STATIC",
          connect_timeout: "1s",
          ...(tls !== undefined && { transport_socket: transportSocket(tls) }),
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: "control",
            endpoints: [
              { lb_endpoints: [{ endpoint: { address: socketAddress(host!, Number(port)) } }] },
            ],
          },
        },
      ],
    },
  };
}

function transportSocket({ ca, cert, key }: NonNullable<EnvoyOptions["tls"]>): object {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      common_tls_context: {
        tls_certificates: [
          { certificate_chain: { filename: cert }, private_key: { filename: key } },
        ],
        validation_context: { trusted_ca: { filename: ca } },
      },
    },
  };
}

function socketAddress(address: string, port: number): object {
  return { socket_address: { address, port_value: port } };
}

/** What its log says is wrong with what it was told. */
export function rejections(envoy: RunningProcess): readonly string[] {
  return envoy.output.split("\n").filter((line) => /rejected|gRPC config .* rejected/.test(line));
}
