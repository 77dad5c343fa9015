/**
 * Room `client`: the intrusive way, where the caller itself keeps a connection to every pod and
 * chooses one per call.
 *
 * What it is: channels under the stubs of `@grpc/grpc-js`, resolvers and policies for stock
 * grpc-js, a Connect transport and a plain API, all over `core/`: gRPC over room `cluster`.
 * Promises: existing code changes in one line; every call ends with exactly one status; what users
 * throw in their callbacks stays theirs; no channel keeps a program alive that has nothing to do.
 * Must never: know the proxy or the control plane; make a connection of its own.
 */
export { channelFactory, viewOf } from "./grpc-js/fairlead-channel.ts";
export { createChannel } from "./plain/public.ts";
