/** The module that is registered into: `@grpc/grpc-js` as whoever registers has loaded it. */
import type * as grpc from "@grpc/grpc-js";

/** All of it: a program may have more than one copy, and each has registries of its own. */
export type GrpcModule = typeof grpc;
