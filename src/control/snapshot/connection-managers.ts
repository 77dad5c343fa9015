/**
 * The parts that listeners are made of: the connection manager that serves HTTP/2, and the one that
 * passes TCP on.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type FilterSchema,
  HttpConnectionManager_CodecType,
  HttpConnectionManagerSchema,
  type ListenerFilterSchema,
  RouterSchema,
  TcpProxySchema,
} from "../../xds/index.ts";
import { durationOf, FROM_ADS, packed } from "./resource.ts";

/** "the router filter last" (A39): there are no others. */
const ROUTER = {
  name: "envoy.filters.http.router",
  configType: { case: "typedConfig", value: packed(RouterSchema, {}) },
} as const;

/** Headers of a request that a proxy takes: more than gRPC's own bound of 8 KiB for metadata. */
const REQUEST_HEADERS_KIB = 96;

/** What of a connection manager all nodes are told. */
function common(routeName: string) {
  const value = { configSource: FROM_ADS, routeConfigName: routeName };
  return { routeSpecifier: { case: "rds" as const, value }, httpFilters: [ROUTER] };
}

/** For a gRPC client (`api_listener`). */
export function clientManager(routeName: string) {
  return packed(HttpConnectionManagerSchema, common(routeName));
}

/** For a proxy: streams may last, calls are passed on as they come. */
export function proxyManager(statPrefix: string, routeName: string): Filter {
  const typedConfig = packed(HttpConnectionManagerSchema, {
    ...common(routeName),
    statPrefix,
    codecType: HttpConnectionManager_CodecType.AUTO,
    // 0 switches off: a stream may be silent for longer than Envoy's 5 minutes.
    streamIdleTimeout: durationOf(0),
    requestTimeout: durationOf(0),
    commonHttpProtocolOptions: { idleTimeout: durationOf(0) },
    http2ProtocolOptions: {},
    maxRequestHeadersKb: REQUEST_HEADERS_KIB,
    generateRequestId: false,
    useRemoteAddress: false,
  });
  return {
    name: "envoy.filters.network.http_connection_manager",
    configType: { case: "typedConfig", value: typedConfig },
  };
}

type Filter = MessageInitShape<typeof FilterSchema>;

/** Bytes go to a cluster as they come. */
export function tcpProxy(cluster: string): Filter {
  const typedConfig = packed(TcpProxySchema, {
    statPrefix: cluster,
    clusterSpecifier: { case: "cluster", value: cluster },
    // 0 switches off: a connection that is passed on is closed by its ends alone.
    idleTimeout: durationOf(0),
  });
  return {
    name: "envoy.filters.network.tcp_proxy",
    configType: { case: "typedConfig", value: typedConfig },
  };
}

/** A listener filter by its short name, with its settings. */
export function listenerFilter(
  name: string,
  typedConfig: ReturnType<typeof packed>,
): MessageInitShape<typeof ListenerFilterSchema> {
  return {
    name: `envoy.filters.listener.${name}`,
    configType: { case: "typedConfig", value: typedConfig },
  };
}
