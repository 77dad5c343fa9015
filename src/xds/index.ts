/**
 * Room `xds`: the words of xDS.
 *
 * What it is: the messages of Envoy's xDS API, CSDS and channelz as generated code (`generated/`,
 * made by `npm run protos`), and the type URLs of resources. Promises: importing it opens nothing;
 * it is imported only where xDS is spoken, because protobuf's run-time takes long to load.
 * Must never: hold a stream, know Kubernetes, or decide what a resource means.
 */

export {
  type AnyMessage,
  type Decoded,
  decoded,
  defined,
  durationJson,
  durationMs,
  FieldProblem,
  type HostPort,
  hostPortOf,
  type ProtoDuration,
  perMillion,
  typeNameOf,
  unpack,
} from "./fields.ts";
export type { CircuitBreakers } from "./generated/envoy/config/cluster/v3/circuit_breaker_pb.js";
export {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
  type LoadBalancingPolicy,
} from "./generated/envoy/config/cluster/v3/cluster_pb.js";
export type { OutlierDetection } from "./generated/envoy/config/cluster/v3/outlier_detection_pb.js";
export type { Address } from "./generated/envoy/config/core/v3/address_pb.js";
export {
  type DataSource,
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
  type Metadata,
  type Node,
  NodeSchema,
  type TransportSocket,
} from "./generated/envoy/config/core/v3/base_pb.js";
export type { ConfigSource } from "./generated/envoy/config/core/v3/config_source_pb.js";
export type {
  LbEndpoint,
  LocalityLbEndpoints,
} from "./generated/envoy/config/endpoint/v3/endpoint_components_pb.js";
export {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "./generated/envoy/config/endpoint/v3/endpoint_pb.js";
export type { FilterChain } from "./generated/envoy/config/listener/v3/listener_components_pb.js";
export { type Listener, ListenerSchema } from "./generated/envoy/config/listener/v3/listener_pb.js";
export type {
  HeaderMatcher,
  RetryPolicy,
  Route,
  RouteAction,
  RouteAction_HashPolicy,
  RouteAction_RequestMirrorPolicy,
  RouteMatch,
  VirtualHost,
  WeightedCluster_ClusterWeight,
} from "./generated/envoy/config/route/v3/route_components_pb.js";
export {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from "./generated/envoy/config/route/v3/route_pb.js";
export { ClusterConfigSchema as AggregateClusterConfigSchema } from "./generated/envoy/extensions/clusters/aggregate/v3/cluster_pb.js";
export {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type HttpFilter,
} from "./generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
export { ClientSideWeightedRoundRobinSchema } from "./generated/envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin_pb.js";
export { LeastRequestSchema } from "./generated/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.js";
export { MaglevSchema } from "./generated/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.js";
export { PickFirstSchema } from "./generated/envoy/extensions/load_balancing_policies/pick_first/v3/pick_first_pb.js";
export { RandomSchema } from "./generated/envoy/extensions/load_balancing_policies/random/v3/random_pb.js";
export { RingHashSchema } from "./generated/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.js";
export { RoundRobinSchema } from "./generated/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.js";
export { WrrLocalitySchema } from "./generated/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality_pb.js";
export type {
  CertificateValidationContext,
  TlsCertificate,
} from "./generated/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
export {
  type SdsSecretConfig,
  SecretSchema,
} from "./generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
export {
  type CommonTlsContext,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "./generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
export {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from "./generated/envoy/service/discovery/v3/discovery_pb.js";
export type { StringMatcher } from "./generated/envoy/type/matcher/v3/string_pb.js";
export { StatusSchema } from "./generated/google/rpc/status_pb.js";
export { TypedStructSchema as UdpaTypedStructSchema } from "./generated/udpa/type/v1/typed_struct_pb.js";
export { TypedStructSchema } from "./generated/xds/type/v3/typed_struct_pb.js";
export { RESOURCE_TYPES, type ResourceType, shortTypeName } from "./resource-type.ts";
export {
  type CaSource,
  type CertificateSource,
  caOf,
  type PemPair,
  pemPairOf,
  type TlsContext,
  tlsContextOf,
  type UpstreamTls,
  upstreamTlsOf,
} from "./tls.ts";
