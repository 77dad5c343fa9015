/**
 * `fairlead/grpc-js`: fairlead under the stubs of `@grpc/grpc-js`, at two depths.
 *
 * `register()` adds resolvers and policies to stock grpc-js; `fairleadChannel()` puts our own
 * channel under the stubs. Either is one line; generated code, interceptors and callers stay.
 * Loading it registers nothing and starts nothing.
 */
export type { Logger } from "../../base/index.ts";
export type { ClusterView, EndpointView } from "../../cluster/index.ts";
export type { DiscoveryOptions } from "../../discovery/index.ts";
export { ChannelArgError } from "./channel-args.ts";
export {
  type ChannelFactory,
  type FairleadChannelOptions,
  fairleadChannel,
  viewOf,
} from "./fairlead-channel.ts";
export { type Registered, type RegisterOptions, register } from "./register/index.ts";
