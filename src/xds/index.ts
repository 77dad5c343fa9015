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
export {
  AddressSchema,
  type Channel,
  ChannelConnectivityState_State,
  ChannelDataSchema,
  ChannelSchema,
  GetChannelRequestSchema,
  GetChannelResponseSchema,
  GetServerRequestSchema,
  GetServerResponseSchema,
  GetServerSocketsRequestSchema,
  GetServerSocketsResponseSchema,
  GetServersRequestSchema,
  GetServersResponseSchema,
  GetSocketRequestSchema,
  GetSocketResponseSchema,
  GetSubchannelRequestSchema,
  GetSubchannelResponseSchema,
  GetTopChannelsRequestSchema,
  GetTopChannelsResponseSchema,
  type Server,
  ServerSchema,
  type Socket,
  SocketSchema,
  type Subchannel,
  SubchannelSchema,
} from "./generated/channelz_pb.js";
export { ClientResourceStatus } from "./generated/envoy/admin/v3/config_dump_shared_pb.js";
export {
  type CircuitBreakers,
  type CircuitBreakers_Thresholds,
  CircuitBreakers_ThresholdsSchema,
} from "./generated/envoy/config/cluster/v3/circuit_breaker_pb.js";
export {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
  type LoadBalancingPolicy,
  LoadBalancingPolicySchema,
} from "./generated/envoy/config/cluster/v3/cluster_pb.js";
export {
  type OutlierDetection,
  OutlierDetectionSchema,
} from "./generated/envoy/config/cluster/v3/outlier_detection_pb.js";
export type { Address } from "./generated/envoy/config/core/v3/address_pb.js";
export {
  type DataSource,
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
  type Metadata,
  type Node,
  NodeSchema,
  TrafficDirection,
  type TransportSocket,
} from "./generated/envoy/config/core/v3/base_pb.js";
export type { ConfigSource } from "./generated/envoy/config/core/v3/config_source_pb.js";
export {
  type HealthCheck,
  HealthCheckSchema,
  HealthStatus,
} from "./generated/envoy/config/core/v3/health_check_pb.js";
export {
  type LbEndpoint,
  LbEndpointSchema,
  type LocalityLbEndpoints,
  LocalityLbEndpointsSchema,
} from "./generated/envoy/config/endpoint/v3/endpoint_components_pb.js";
export {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "./generated/envoy/config/endpoint/v3/endpoint_pb.js";
export {
  type Filter,
  type FilterChain,
  FilterChainSchema,
  FilterSchema,
  type ListenerFilter,
  ListenerFilterSchema,
} from "./generated/envoy/config/listener/v3/listener_components_pb.js";
export { type Listener, ListenerSchema } from "./generated/envoy/config/listener/v3/listener_pb.js";
export {
  type HeaderMatcher,
  HeaderMatcherSchema,
  type RetryPolicy,
  RetryPolicySchema,
  type Route,
  type RouteAction,
  type RouteAction_HashPolicy,
  type RouteAction_RequestMirrorPolicy,
  RouteActionSchema,
  type RouteMatch,
  RouteSchema,
  type VirtualHost,
  VirtualHost_TlsRequirementType,
  type WeightedCluster_ClusterWeight,
  WeightedCluster_ClusterWeightSchema,
} from "./generated/envoy/config/route/v3/route_components_pb.js";
export {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from "./generated/envoy/config/route/v3/route_pb.js";
export { ClusterConfigSchema as AggregateClusterConfigSchema } from "./generated/envoy/extensions/clusters/aggregate/v3/cluster_pb.js";
export { RouterSchema } from "./generated/envoy/extensions/filters/http/router/v3/router_pb.js";
export { HttpInspectorSchema } from "./generated/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js";
export { OriginalDstSchema } from "./generated/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js";
export { TlsInspectorSchema } from "./generated/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
export {
  type HttpConnectionManager,
  HttpConnectionManager_CodecType,
  HttpConnectionManagerSchema,
  type HttpFilter,
} from "./generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
export { TcpProxySchema } from "./generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
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
  type DownstreamTlsContext,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "./generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
export { HttpProtocolOptionsSchema } from "./generated/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
export {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from "./generated/envoy/service/discovery/v3/discovery_pb.js";
export {
  type ClientConfig,
  type ClientConfig_GenericXdsConfig,
  ClientConfig_GenericXdsConfigSchema,
  ClientConfigSchema,
  type ClientStatusRequest,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  ConfigStatus,
} from "./generated/envoy/service/status/v3/csds_pb.js";
export type { StringMatcher } from "./generated/envoy/type/matcher/v3/string_pb.js";
export { FractionalPercent_DenominatorType } from "./generated/envoy/type/v3/percent_pb.js";
export { StatusSchema } from "./generated/google/rpc/status_pb.js";
export { TypedStructSchema as UdpaTypedStructSchema } from "./generated/udpa/type/v1/typed_struct_pb.js";
export { TypedStructSchema } from "./generated/xds/type/v3/typed_struct_pb.js";
export { Notes } from "./notes.ts";
export {
  RESOURCE_TYPES,
  type ResourceType,
  SERVICE_CONFIG_METADATA,
  shortTypeName,
} from "./resource-type.ts";
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
