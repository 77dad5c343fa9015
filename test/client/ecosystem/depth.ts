/**
 * The two depths at which fairlead enters grpc-js, as the options of any stub: resolvers and
 * policies in the stock channel, or a channel of its own. With neither, stock grpc-js as it comes.
 */
import type { ChannelOptions, ClientOptions } from "@grpc/grpc-js";
import { fairleadChannel, register } from "fairlead/grpc-js";

const SERVICE_CONFIG = JSON.stringify({ loadBalancingConfig: [{ least_request: {} }] });

/** Options for a stub's constructor. */
export function optionsOf(depth: string): ClientOptions & ChannelOptions {
  if (depth === "channel") return { channelFactoryOverride: fairleadChannel() };
  if (depth === "register") {
    register();
    return { "grpc.service_config": SERVICE_CONFIG };
  }
  throw new Error(`no depth ${depth}: must be channel or register`);
}
