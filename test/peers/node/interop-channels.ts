/**
 * The channels that the interop client can run its cases on. Each is loaded when it is asked for.
 */
import { channelOptions } from "./channel-options.ts";
import type { OpenCaller } from "./interop-caller.ts";
import { grpcJsCallers } from "./interop-grpc-js.ts";

/** By the name that `--channel` takes. */
export const CHANNELS: Readonly<Record<string, () => Promise<OpenCaller>>> = {
  /** grpc-js as it is: the reference. */
  "grpc-js": async () => grpcJsCallers(await channelOptions("grpc-js")),
  /** The same stubs on fairlead's channel. */
  fairlead: async () => grpcJsCallers(await channelOptions("fairlead")),
};
