/**
 * Our log as lines of grpc-js' own, which its users switch on with GRPC_VERBOSITY. By default
 * grpc-js shows errors only, and so do we.
 */
import type { Logger } from "../../../base/index.ts";
import type { GrpcModule } from "../grpc-module.ts";

/** @param fields are added to each line. */
export function grpcLogger(grpc: GrpcModule, fields: Record<string, unknown> = {}): Logger {
  const { logVerbosity, experimental } = grpc;
  const write =
    (verbosity: number) =>
    (msg: string, more: Record<string, unknown> = {}): void =>
      experimental.log(verbosity, `fairlead: ${msg}`, JSON.stringify({ ...fields, ...more }));
  return {
    trace: () => {},
    debug: write(logVerbosity.DEBUG),
    info: write(logVerbosity.INFO),
    warn: write(logVerbosity.INFO),
    error: write(logVerbosity.ERROR),
    child: (more) => grpcLogger(grpc, { ...fields, ...more }),
  };
}
