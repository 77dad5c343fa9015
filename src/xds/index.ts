/**
 * Room `xds`: the words of xDS.
 *
 * What it is: the messages of Envoy's xDS API, CSDS and channelz as generated code (`generated/`,
 * made by `npm run protos`), and the type URLs of resources. Promises: importing it opens nothing;
 * it is imported only where xDS is spoken, because protobuf's run-time takes long to load.
 * Must never: hold a stream, know Kubernetes, or decide what a resource means.
 */

export { type Node, NodeSchema } from "./generated/envoy/config/core/v3/base_pb.js";
export {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from "./generated/envoy/service/discovery/v3/discovery_pb.js";
export { StatusSchema } from "./generated/google/rpc/status_pb.js";
export { RESOURCE_TYPES, type ResourceType, shortTypeName } from "./resource-type.ts";
