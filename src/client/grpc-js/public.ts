/**
 * `fairlead/grpc-js`: fairlead under the stubs of `@grpc/grpc-js`, at two depths.
 *
 * `register()` adds resolvers and policies to stock grpc-js; `fairleadChannel()` puts our own
 * channel under the stubs. Either is one line; generated code, interceptors and callers stay.
 * Loading it registers nothing and starts nothing.
 */
import * as ownGrpc from "@grpc/grpc-js";
import { registerClientStatusIn } from "./client-status.ts";
import {
  type ChannelFactory,
  channelFactory,
  type FairleadChannelOptions,
} from "./fairlead-channel.ts";

export type { Logger } from "../../base/index.ts";
export type { ClusterView, EndpointView } from "../../cluster/index.ts";
export type { DiscoveryOptions } from "../../discovery/index.ts";
export { ChannelArgError } from "./channel-args.ts";
export { type ChannelFactory, type FairleadChannelOptions, viewOf } from "./fairlead-channel.ts";
export { type Registered, type RegisterOptions, register } from "./register/index.ts";

/**
 * Adds CSDS of the `xds` channels of this process, those of the plain API and of Connect included,
 * to what grpc-js' `addAdminServicesToServer` serves beside channelz (gRFC A38), for grpcdebug and
 * its like. Harmless when repeated; not for a process in which grpc-js-xds does the same.
 *
 * @throws RangeError for a grpc-js that has no registry of such services.
 */
export function registerClientStatus(): void {
  registerClientStatusIn(ownGrpc);
}

/**
 * A factory of fairlead channels, for any number of stubs:
 *
 *     new EchoClient(target, credentials, { channelFactoryOverride: fairleadChannel() })
 *
 * Channels of the same target and settings share their connections. The factory throws for a
 * malformed target, wrong credentials, a channel argument that is refused or has an impossible
 * value, and wrong service config: each in one sentence that names it.
 *
 * @throws RangeError for an option that does not exist or has an impossible value.
 */
export function fairleadChannel(options: FairleadChannelOptions = {}): ChannelFactory {
  return channelFactory(ownGrpc, options);
}
