/**
 * A retry policy of service config as one of a route (gRFC A44). gRPC and Envoy have the same five
 * statuses by name, and double their backoff each time.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type MethodConfig, type RetryPolicy, Status, statusName } from "../../grpc/index.ts";
import type { RetryPolicySchema } from "../../xds/index.ts";
import { durationOf } from "./resource.ts";

/** `retry_on`, by status. */
const RETRY_ON: ReadonlyMap<Status, string> = new Map([
  [Status.CANCELLED, "cancelled"],
  [Status.DEADLINE_EXCEEDED, "deadline-exceeded"],
  [Status.INTERNAL, "internal"],
  [Status.RESOURCE_EXHAUSTED, "resource-exhausted"],
  [Status.UNAVAILABLE, "unavailable"],
]);

/** @returns null when nothing of it can be said. */
export function retryPolicyOf(
  policy: RetryPolicy,
  problems: Set<string>,
): MessageInitShape<typeof RetryPolicySchema> | null {
  const { maxAttempts, backoffMultiplier, retryableStatuses } = policy;
  const retryOn: string[] = [];
  for (const status of retryableStatuses) {
    const word = RETRY_ON.get(status);
    if (word !== undefined) retryOn.push(word);
    else problems.add(`retryPolicy: xDS has no retries on ${statusName(status)}`);
  }
  if (backoffMultiplier !== 2) {
    problems.add(`retryPolicy: backoffMultiplier ${backoffMultiplier} is 2 by xDS`);
  }
  if (retryOn.length === 0) return null;
  const baseMs = Math.max(1, policy.initialBackoffMs);
  return {
    retryOn: retryOn.sort().join(","),
    numRetries: maxAttempts - 1,
    retryBackOff: {
      baseInterval: durationOf(baseMs),
      maxInterval: durationOf(Math.max(baseMs, policy.maxBackoffMs)),
    },
  };
}

/** Names what of a method's config no route can say. */
export function addMethodProblems(config: MethodConfig, problems: Set<string>): void {
  const say = (value: unknown, name: string): void => {
    if (value !== null) problems.add(`methodConfig: ${name} cannot be said by xDS`);
  };
  say(config.waitForReady, "waitForReady");
  say(config.maxRequestBytes, "maxRequestMessageBytes");
  say(config.maxResponseBytes, "maxResponseMessageBytes");
  say(config.hedgingPolicy, "hedgingPolicy");
}
