/**
 * Which channel a grpc-js client runs on, as client options: its own, or fairlead's in its place.
 */
import type { ClientOptions } from "@grpc/grpc-js";
import { fairleadChannel } from "../../../src/client/grpc-js/public.ts";

/** The names of the channels: grpc-js's own, which is the reference, and ours. */
export type ChannelName = "grpc-js" | "fairlead";

/** Options that make a grpc-js client run on that channel. */
export function channelOptions(name: ChannelName): ClientOptions {
  return name === "grpc-js" ? {} : { channelFactoryOverride: fairleadChannel() };
}
