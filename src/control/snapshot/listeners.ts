/**
 * Listeners (LDS): of a gRPC client's target, of what a sidecar captures, of a Gateway's port.
 *
 * A sidecar's outbound port takes every captured connection, and the original destination decides:
 * a Service's gRPC port has a listener of its own, which is not bound; the rest goes on as TCP.
 * There too only what begins like HTTP/2 in plaintext is served; TLS and everything else goes on.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ANY_IPV4, ANY_IPV6 } from "../../transport/index.ts";
import {
  DownstreamTlsContextSchema,
  type FilterChainSchema,
  HttpInspectorSchema,
  ListenerSchema,
  OriginalDstSchema,
  RESOURCE_TYPES,
  SecretSchema,
  TlsInspectorSchema,
  TrafficDirection,
} from "../../xds/index.ts";
import type { ObjectKey } from "../objects/state.ts";
import type { Resource } from "../resources.ts";
import { BLACKHOLE, PASSTHROUGH } from "./clusters.ts";
import { clientManager, listenerFilter, proxyManager, tcpProxy } from "./connection-managers.ts";
import { socketAddress } from "./endpoints.ts";
import type { PlannedChain, PlannedListener } from "./plan.ts";
import { durationOf, encode, FROM_ADS, packed, resourceOf } from "./resource.ts";

/** Where connections that a pod makes are redirected to. */
const OUTBOUND_PORT = 15_001;
/** Where connections that are made to a pod are redirected to. */
const INBOUND_PORT = 15_006;
/** How long a client may be silent before its connection is passed on: the server speaks first. */
const SILENCE_MS = 100;

/** The listener of a client's target: an `api_listener`, with routes of the same name. */
export function clientListener(name: string): Resource {
  const body = encode(ListenerSchema, { name, apiListener: { apiListener: clientManager(name) } });
  return resourceOf(RESOURCE_TYPES.LDS, name, body);
}

/**
 * What a sidecar does with connections to a Service's port, at one of its ClusterIPs.
 *
 * @param cluster its name is that of the routes as well.
 */
export function capturedListener(
  name: string,
  cluster: string,
  clusterIp: string,
  port: number,
): Resource {
  const body = encode(ListenerSchema, {
    name,
    address: socketAddress(clusterIp, port),
    bindToPort: false,
    trafficDirection: TrafficDirection.OUTBOUND,
    listenerFilters: [
      listenerFilter("tls_inspector", packed(TlsInspectorSchema, {})),
      listenerFilter("http_inspector", packed(HttpInspectorSchema, {})),
    ],
    listenerFiltersTimeout: durationOf(SILENCE_MS),
    continueOnListenerFiltersTimeout: true,
    filterChains: [
      {
        name: "grpc",
        filterChainMatch: { transportProtocol: "raw_buffer", applicationProtocols: ["h2c"] },
        filters: [proxyManager(cluster, cluster)],
      },
    ],
    defaultFilterChain: { name: "tcp", filters: [tcpProxy(PASSTHROUGH)] },
  });
  return resourceOf(RESOURCE_TYPES.LDS, name, body);
}

/** The two listeners that captured connections of IPv4 arrive at. */
export function captureListeners(): readonly Resource[] {
  return [
    captureListener("inbound", ANY_IPV4, INBOUND_PORT, TrafficDirection.INBOUND),
    captureListener("outbound", ANY_IPV4, OUTBOUND_PORT, TrafficDirection.OUTBOUND),
  ];
}

/**
 * The same for IPv6. They are listeners of their own, bound for IPv6 alone, and not more addresses
 * of the first two: a kernel without IPv6 refuses them, and those of IPv4 stand all the same.
 */
export function captureListenersOfIPv6(): readonly Resource[] {
  return [
    captureListener("inbound ipv6", ANY_IPV6, INBOUND_PORT, TrafficDirection.INBOUND),
    captureListener("outbound ipv6", ANY_IPV6, OUTBOUND_PORT, TrafficDirection.OUTBOUND),
  ];
}

function captureListener(
  name: string,
  host: string,
  port: number,
  direction: TrafficDirection,
): Resource {
  const body = encode(ListenerSchema, {
    name,
    address: socketAddress(host, port),
    useOriginalDst: true,
    trafficDirection: direction,
    listenerFilters: [listenerFilter("original_dst", packed(OriginalDstSchema, {}))],
    filterChains: [
      {
        // Whoever dials this port itself would be passed on to it, for ever.
        name: BLACKHOLE,
        filterChainMatch: { destinationPort: port },
        filters: [tcpProxy(BLACKHOLE)],
      },
    ],
    defaultFilterChain: { name: "tcp", filters: [tcpProxy(PASSTHROUGH)] },
  });
  return resourceOf(RESOURCE_TYPES.LDS, name, body);
}

/** Name of a Gateway's listener. */
export function gatewayListenerName(gateway: ObjectKey, { port }: PlannedListener): string {
  return `${gateway}:${port}`;
}

/** Name of the routes of one chain. */
export function chainRoutesName(listener: string, { serverNames, secrets }: PlannedChain): string {
  if (secrets.length === 0) return listener;
  return `${listener}/${serverNames.length === 0 ? "*" : serverNames.join(",")}`;
}

/** @param host where it listens. */
export function gatewayListener(name: string, planned: PlannedListener, host: string): Resource {
  const isTls = planned.chains.some(({ secrets }) => secrets.length > 0);
  const body = encode(ListenerSchema, {
    name,
    address: socketAddress(host, planned.port),
    trafficDirection: TrafficDirection.INBOUND,
    ...(isTls && {
      listenerFilters: [listenerFilter("tls_inspector", packed(TlsInspectorSchema, {}))],
    }),
    filterChains: planned.chains.map((chain) => chainOf(name, chain)),
  });
  return resourceOf(RESOURCE_TYPES.LDS, name, body);
}

function chainOf(
  listener: string,
  chain: PlannedChain,
): MessageInitShape<typeof FilterChainSchema> {
  const { serverNames, secrets } = chain;
  const routes = chainRoutesName(listener, chain);
  const filters = [proxyManager(listener, routes)];
  if (secrets.length === 0) return { name: routes, filters };
  const typedConfig = packed(DownstreamTlsContextSchema, {
    commonTlsContext: {
      alpnProtocols: ["h2"],
      tlsCertificateSdsSecretConfigs: secrets.map((name) => ({ name, sdsConfig: FROM_ADS })),
    },
  });
  return {
    name: routes,
    filters,
    filterChainMatch: { transportProtocol: "tls", serverNames: [...serverNames] },
    transportSocket: {
      name: "envoy.transport_sockets.tls",
      configType: { case: "typedConfig", value: typedConfig },
    },
  };
}

/** A certificate with its key (SDS). Its bytes are secret. */
export function secretResource(
  name: string,
  { cert, key }: { readonly cert: string; readonly key: string },
): Resource {
  const inline = (text: string) => {
    return { specifier: { case: "inlineString", value: text } } as const;
  };
  const body = encode(SecretSchema, {
    name,
    type: {
      case: "tlsCertificate",
      value: { certificateChain: inline(cert), privateKey: inline(key) },
    },
  });
  return resourceOf(RESOURCE_TYPES.SDS, name, body);
}
