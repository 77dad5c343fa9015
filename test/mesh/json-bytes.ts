/** Resources in protobuf's JSON as the bytes that a server sends. */
import { createRegistry, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { RouterSchema } from "../../src/xds/generated/envoy/extensions/filters/http/router/v3/router_pb.js";
import { TcpProxySchema } from "../../src/xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import { UpstreamTlsContextSchema } from "../../src/xds/generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import * as xds from "../../src/xds/index.ts";
import type { Json } from "./resources.ts";

/** A type of Istio's that this program has no code for: it stands for any such. */
export const UNKNOWN_FILTER = "type.googleapis.com/envoy.config.core.v3.Node";

const registry = createRegistry(
  ...[xds.AggregateClusterConfigSchema, xds.ClientSideWeightedRoundRobinSchema],
  ...[xds.ClusterLoadAssignmentSchema, xds.ClusterSchema, xds.DownstreamTlsContextSchema],
  ...[xds.HttpConnectionManagerSchema, xds.LeastRequestSchema, xds.ListenerSchema, xds.NodeSchema],
  ...[xds.RingHashSchema, xds.RoundRobinSchema, xds.RouteConfigurationSchema, xds.SecretSchema],
  ...[xds.TypedStructSchema, xds.UdpaTypedStructSchema, xds.WrrLocalitySchema],
  ...[UpstreamTlsContextSchema, RouterSchema, TcpProxySchema],
);

/** The bytes of the resource itself. */
export function bytesOf(resource: Json): Uint8Array {
  return anyOf(resource).value;
}

/** The resource with its type. */
export function anyOf(resource: Json): { typeUrl: string; value: Uint8Array } {
  return fromJson(AnySchema, JSON.parse(JSON.stringify(resource)) as JsonValue, { registry });
}

/** The bytes of a `DiscoveryResponse`. */
export function sotwBytes(
  typeUrl: string,
  resources: readonly Json[],
  { version = "1", nonce = "n1" } = {},
): Uint8Array {
  const message = fromJson(
    xds.DiscoveryResponseSchema,
    { typeUrl, versionInfo: version, nonce, resources: resources as JsonValue },
    { registry },
  );
  return toBinary(xds.DiscoveryResponseSchema, message);
}
