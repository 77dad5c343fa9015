/**
 * Method configs of ours in the names and shapes that grpc-js keeps them in.
 *
 * grpc-js checks what comes from its own resolver and from options, and takes what other resolvers
 * give it as it is. Durations are read as they are meant: grpc-js reads "0.5s" as 5 ns.
 */
import { type MethodConfigEntry, type Status, statusName } from "../../../grpc/index.ts";
import type { GrpcServiceConfig } from "./service-config.ts";

type GrpcMethodConfig = GrpcServiceConfig["methodConfig"][number];

const NANOS = 1_000_000_000;

/** One entry as grpc-js has it: what is not set is absent. */
export function toGrpcMethodConfig({ names, config }: MethodConfigEntry): GrpcMethodConfig {
  const { waitForReady, timeoutMs, maxRequestBytes, maxResponseBytes } = config;
  const { retryPolicy: retry, hedgingPolicy: hedging } = config;
  const made: GrpcMethodConfig = {
    name: names.map(({ service, method }) => ({
      ...(service === "" ? {} : { service }),
      ...(method === "" ? {} : { method }),
    })),
  };
  if (waitForReady !== null) made.waitForReady = waitForReady;
  if (timeoutMs !== null) made.timeout = timeoutOf(timeoutMs);
  if (maxRequestBytes !== null) made.maxRequestBytes = maxRequestBytes;
  if (maxResponseBytes !== null) made.maxResponseBytes = maxResponseBytes;
  if (retry !== null) {
    made.retryPolicy = {
      maxAttempts: retry.maxAttempts,
      initialBackoff: durationText(retry.initialBackoffMs),
      maxBackoff: durationText(retry.maxBackoffMs),
      backoffMultiplier: retry.backoffMultiplier,
      retryableStatusCodes: namesOf(retry.retryableStatuses),
    };
  }
  if (hedging !== null) {
    const { maxAttempts, delayMs, nonFatalStatuses } = hedging;
    made.hedgingPolicy = {
      maxAttempts,
      ...(delayMs === null ? {} : { hedgingDelay: durationText(delayMs) }),
      nonFatalStatusCodes: namesOf(nonFatalStatuses),
    };
  }
  return made;
}

function namesOf(statuses: readonly Status[]): string[] {
  return statuses.map((status) => statusName(status));
}

function timeoutOf(ms: number): NonNullable<GrpcMethodConfig["timeout"]> {
  const nanos = Math.round((ms % 1_000) * 1_000_000);
  const seconds = Math.floor(ms / 1_000);
  return nanos === NANOS ? { seconds: seconds + 1, nanos: 0 } : { seconds, nanos };
}

/** The JSON of a protobuf Duration. */
function durationText(ms: number): string {
  return `${(ms / 1_000).toFixed(9).replace(/\.?0+$/, "")}s`;
}
