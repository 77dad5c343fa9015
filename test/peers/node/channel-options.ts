/**
 * Which channel a grpc-js client runs on, as client options: its own, or fairlead's in its place.
 */
import { existsSync } from "node:fs";
import type { ClientOptions } from "@grpc/grpc-js";

/** The names of the channels: grpc-js's own, which is the reference, and ours. */
export const CHANNEL_NAMES = ["grpc-js", "fairlead"] as const;

/** One of them. */
export type ChannelName = (typeof CHANNEL_NAMES)[number];

const FAIRLEAD = new URL("../../../src/client/grpc-js/public.ts", import.meta.url);

/** Whether a checkout has that channel. */
export function hasChannel(name: ChannelName): boolean {
  return name === "grpc-js" || existsSync(FAIRLEAD);
}

/** Options that make a grpc-js client run on that channel. */
export async function channelOptions(name: ChannelName): Promise<ClientOptions> {
  if (name === "grpc-js") return {};
  const { fairleadChannel } = await import(FAIRLEAD.href);
  return { channelFactoryOverride: fairleadChannel({}) };
}
