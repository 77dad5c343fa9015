/** Retry policies of RDS as those of a service config. gRFC A44. */
import { POLICY_ATTEMPTS_MAX, type RetryPolicy, Status } from "../../grpc/index.ts";
import { durationMs, FieldProblem, type RetryPolicy as XdsRetryPolicy } from "../../xds/index.ts";

/** "The default base interval is 25 milliseconds" (A44). */
const INITIAL_BACKOFF_MS = 25;
/** "the default maximum interval is 10 times base_interval" (A44). */
const MAX_BACKOFF_FACTOR = 10;

/** `retry_on` that gRPC knows; "other values are ignored" (A44). */
const BY_NAME: Readonly<Record<string, readonly Status[]>> = {
  cancelled: [Status.CANCELLED],
  "deadline-exceeded": [Status.DEADLINE_EXCEEDED],
  internal: [Status.INTERNAL],
  "resource-exhausted": [Status.RESOURCE_EXHAUSTED],
  unavailable: [Status.UNAVAILABLE],
};

/** Null when nothing would be retried. @throws FieldProblem */
export function retryPolicyOf(
  policy: XdsRetryPolicy | undefined,
  path: string,
): RetryPolicy | null {
  if (policy === undefined) return null;
  const { retryOn, numRetries = 1, retryBackOff } = policy;
  // "If num_retries is set to 0, NACK" (A44).
  if (numRetries === 0) throw new FieldProblem(`${path}.num_retries`, "is 0, must be above 0");
  const names = retryOn.split(",").map((name) => name.trim().toLowerCase());
  const statuses = [...new Set(names.flatMap((name) => BY_NAME[name] ?? []))];
  if (statuses.length === 0) return null;
  const at = `${path}.retry_back_off`;
  const base = durationMs(retryBackOff?.baseInterval, `${at}.base_interval`);
  // "if base_interval is ... less than or equal to zero, NACK" (A44).
  if (base === 0 || (retryBackOff !== undefined && base === null)) {
    throw new FieldProblem(`${at}.base_interval`, "must be above 0s");
  }
  const initialBackoffMs = base ?? INITIAL_BACKOFF_MS;
  const maxBackoffMs =
    durationMs(retryBackOff?.maxInterval, `${at}.max_interval`) ??
    initialBackoffMs * MAX_BACKOFF_FACTOR;
  if (maxBackoffMs < initialBackoffMs) {
    throw new FieldProblem(`${at}.max_interval`, "must be no shorter than base_interval");
  }
  return {
    maxAttempts: Math.min(numRetries + 1, POLICY_ATTEMPTS_MAX),
    initialBackoffMs,
    maxBackoffMs,
    backoffMultiplier: 2,
    retryableStatuses: statuses,
  };
}
