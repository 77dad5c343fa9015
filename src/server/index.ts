/**
 * Room `server`: gRPC services of our own, served on our engine.
 *
 * What it is: a small gRPC server for what processes of fairlead offer beside relaying calls:
 * discovery (ADS), its state (CSDS), channelz. Promises: a message that many streams get is encoded
 * once and shared; what a slow reader has not taken is bounded by who sends; every limit is a named
 * value. Must never: know what a service means, choose endpoints, or relay.
 */
export { eachMethod } from "./each.ts";
export { Health } from "./health.ts";
export { UNREAD_ANSWERS_BYTES_MAX } from "./limits.ts";
export type { GrpcMethod, ServerCall, ServerCallEvents } from "./method.ts";
export { GrpcServer, type GrpcServerFigures, type GrpcServerOptions } from "./server.ts";
export { CallRefusal, unaryMethod } from "./unary.ts";
