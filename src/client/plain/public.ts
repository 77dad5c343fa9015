/**
 * `fairlead`: a gRPC client without a framework. A channel keeps a connection to every endpoint of
 * its target and chooses one per call; messages are whatever the method's two functions make.
 */
import { renderPrometheus } from "../../telemetry/index.ts";
import { clientProcess } from "../core/index.ts";
import { Channel } from "./channel.ts";
import type { ChannelOptions } from "./channel-options.ts";

export type { Logger } from "../../base/index.ts";
export type { ClusterView, Connectivity, EndpointView } from "../../cluster/index.ts";
export type { DiscoveryOptions } from "../../discovery/index.ts";
export { Status } from "../../grpc/index.ts";
export type { Encoding, TlsOptions } from "../core/index.ts";
export type { CallOptions } from "./call-options.ts";
export type { Channel } from "./channel.ts";
export type { CallMetadataContext, ChannelOptions } from "./channel-options.ts";
export { GrpcError } from "./error.ts";
export type { Metadata, MetadataInit, MetadataValue } from "./metadata.ts";
export type { AnyMethod, GrpcJsMethod, Method } from "./method.ts";
export type { Requests } from "./pump.ts";
export type { Answer } from "./single.ts";
export type { DuplexStream, ResponseStream } from "./stream.ts";

/**
 * A channel to a target: "kubernetes:///SERVICE.NAMESPACE:PORT", "dns:///HOST:PORT", "HOST:PORT",
 * or addresses separated by commas. It connects with its first call; channels of the same target
 * and settings share their connections; an open one keeps no program alive.
 *
 * @throws RangeError for an option that does not exist or has an impossible value; TargetError for
 *   a malformed target; ServiceConfigError, PolicyError, TlsFileError: each in one sentence.
 */
export function createChannel(target: string, options: ChannelOptions = {}): Channel {
  if (typeof target !== "string") throw new TypeError("the target must be a string");
  return new Channel(target, options);
}

/** The figures of all channels of this process, in the Prometheus text format. */
export function metricsText(): string {
  return renderPrometheus(clientProcess().snapshot());
}
