/**
 * The channels that the interop client can run its cases on.
 */
import { channelOptions } from "./channel-options.ts";
import type { OpenCaller } from "./interop-caller.ts";
import { grpcJsCallers } from "./interop-grpc-js.ts";
import { plainCallers } from "./interop-plain.ts";

/** By the name that `--channel` takes. */
export const CHANNELS = {
  /** grpc-js as it is: the reference. */
  "grpc-js": () => grpcJsCallers(channelOptions("grpc-js")),
  /** The same stubs on fairlead's channel. */
  fairlead: () => grpcJsCallers(channelOptions("fairlead")),
  /** fairlead's own API, without grpc-js. */
  plain: () => plainCallers,
} as const satisfies Readonly<Record<string, () => OpenCaller>>;

/** One of the names. */
export type InteropChannel = keyof typeof CHANNELS;

/** All of them. */
export const INTEROP_CHANNELS = Object.keys(CHANNELS) as readonly InteropChannel[];

/** The cases that an API cannot express, by channel: what `runInterop` is not to ask of it. */
export const LACKED_CASES: Readonly<Partial<Record<InteropChannel, readonly string[]>>> = {
  // It compresses whole calls, and this case one message of two.
  plain: ["client_compressed_streaming"],
};
