/** Retry policies of RDS as those of a service config. gRFC A44. */
import { printable } from "../../base/index.ts";
import { POLICY_ATTEMPTS_MAX, type RetryPolicy, Status } from "../../grpc/index.ts";
import {
  durationMs,
  FieldProblem,
  type Notes,
  type RetryPolicy as XdsRetryPolicy,
} from "../../xds/index.ts";

/** The default base interval is 25 milliseconds (A44). */
const INITIAL_BACKOFF_MS = 25;
/** the default maximum interval is 10 times base_interval (A44). */
const MAX_BACKOFF_FACTOR = 10;

/** `retry_on` that gRPC knows; others are ignored (A44), with a note. */
const BY_NAME: Readonly<Record<string, readonly Status[]>> = {
  cancelled: [Status.CANCELLED],
  "deadline-exceeded": [Status.DEADLINE_EXCEEDED],
  internal: [Status.INTERNAL],
  "resource-exhausted": [Status.RESOURCE_EXHAUSTED],
  unavailable: [Status.UNAVAILABLE],
};

/** Characters of what `retry_on` says that are told. */
const RETRY_ON_CHARS_MAX = 200;

/** What calls get in any case, when a server provably did nothing with them (A6). */
const IN_ANY_CASE: readonly string[] = ["connect-failure", "refused-stream"];
/** A retry goes to another endpoint than those before in any case. */
const PREVIOUS_HOSTS = "envoy.retry_host_predicates.previous_hosts";

/** Null when nothing would be retried. @throws FieldProblem */
export function retryPolicyOf(
  policy: XdsRetryPolicy | undefined,
  path: string,
  notes: Notes,
): RetryPolicy | null {
  if (policy === undefined) return null;
  noteUnapplied(policy, path, notes);
  const { retryOn, numRetries = 1, retryBackOff } = policy;
  // If num_retries is set to 0, NACK (A44).
  if (numRetries === 0) throw new FieldProblem(`${path}.num_retries`, "is 0, must be above 0");
  const names = namesOf(retryOn);
  const statuses = [...new Set(names.flatMap((name) => BY_NAME[name] ?? []))];
  if (statuses.length === 0) return null;
  const at = `${path}.retry_back_off`;
  const base = durationMs(retryBackOff?.baseInterval, `${at}.base_interval`);
  // if base_interval is less than or equal to zero, NACK (A44).
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
  if (numRetries + 1 > POLICY_ATTEMPTS_MAX) {
    notes.add(
      path,
      "num_retries",
      `is ${numRetries}: no more than ${POLICY_ATTEMPTS_MAX - 1} are made`,
    );
  }
  return {
    maxAttempts: Math.min(numRetries + 1, POLICY_ATTEMPTS_MAX),
    initialBackoffMs,
    maxBackoffMs,
    backoffMultiplier: 2,
    retryableStatuses: statuses,
  };
}

function namesOf(retryOn: string): string[] {
  const names = retryOn.split(",").map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== "");
}

function noteUnapplied(policy: XdsRetryPolicy, path: string, notes: Notes): void {
  const isUnknown = (name: string) => !(name in BY_NAME) && !IN_ANY_CASE.includes(name);
  const unknown = namesOf(policy.retryOn).filter(isUnknown).join(", ");
  if (unknown !== "") {
    const words = printable(unknown, RETRY_ON_CHARS_MAX);
    notes.add(path, "retry_on", `asks for what is no condition of gRPC: ${words}`);
  }
  notes.addSet(path, [
    ["per_try_timeout", policy.perTryTimeout !== undefined],
    ["per_try_idle_timeout", policy.perTryIdleTimeout !== undefined],
    ["retry_priority", policy.retryPriority !== undefined],
    ["retry_host_predicate", policy.retryHostPredicate.some(({ name }) => name !== PREVIOUS_HOSTS)],
    ["retry_options_predicates", policy.retryOptionsPredicates.length > 0],
    ["retriable_status_codes", policy.retriableStatusCodes.length > 0],
    ["rate_limited_retry_back_off", policy.rateLimitedRetryBackOff !== undefined],
    ["retriable_headers", policy.retriableHeaders.length > 0],
    ["retriable_request_headers", policy.retriableRequestHeaders.length > 0],
  ]);
}
