/**
 * Room `xds`: the words of xDS.
 *
 * What it is: the messages of Envoy's xDS API, CSDS and channelz as generated code (`generated/`,
 * made by `npm run protos`), and the type URLs of resources. Promises: importing it opens nothing;
 * it is imported only where xDS is spoken, because protobuf's run-time takes long to load.
 * Must never: hold a stream, know Kubernetes, or decide what a resource means.
 */

export {
  type CircuitBreakers_Thresholds,
  CircuitBreakers_ThresholdsSchema,
} from "./generated/envoy/config/cluster/v3/circuit_breaker_pb.js";
export {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
  type LoadBalancingPolicy,
  LoadBalancingPolicySchema,
} from "./generated/envoy/config/cluster/v3/cluster_pb.js";
export {
  type OutlierDetection,
  OutlierDetectionSchema,
} from "./generated/envoy/config/cluster/v3/outlier_detection_pb.js";
export { TrafficDirection } from "./generated/envoy/config/core/v3/base_pb.js";
export {
  type HealthCheck,
  HealthCheckSchema,
  HealthStatus,
} from "./generated/envoy/config/core/v3/health_check_pb.js";
export {
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from "./generated/envoy/config/endpoint/v3/endpoint_components_pb.js";
export { ClusterLoadAssignmentSchema } from "./generated/envoy/config/endpoint/v3/endpoint_pb.js";
export {
  type Filter,
  type FilterChain,
  FilterChainSchema,
  FilterSchema,
  type ListenerFilter,
  ListenerFilterSchema,
} from "./generated/envoy/config/listener/v3/listener_components_pb.js";
export { ListenerSchema } from "./generated/envoy/config/listener/v3/listener_pb.js";
export {
  type HeaderMatcher,
  HeaderMatcherSchema,
  type RetryPolicy,
  RetryPolicySchema,
  type Route,
  RouteActionSchema,
  RouteSchema,
  WeightedCluster_ClusterWeightSchema,
} from "./generated/envoy/config/route/v3/route_components_pb.js";
export { RouteConfigurationSchema } from "./generated/envoy/config/route/v3/route_pb.js";
export { RouterSchema } from "./generated/envoy/extensions/filters/http/router/v3/router_pb.js";
export { HttpInspectorSchema } from "./generated/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js";
export { OriginalDstSchema } from "./generated/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js";
export { TlsInspectorSchema } from "./generated/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
export {
  HttpConnectionManager_CodecType,
  HttpConnectionManagerSchema,
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
export { SecretSchema } from "./generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
export { DownstreamTlsContextSchema } from "./generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
export { HttpProtocolOptionsSchema } from "./generated/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
export { FractionalPercent_DenominatorType } from "./generated/envoy/type/v3/percent_pb.js";
export { RESOURCE_TYPES, type ResourceType, shortTypeName } from "./resource-type.ts";
