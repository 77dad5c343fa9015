/**
 * How many calls of a cluster may be at a further attempt at a time: a share of those that are at
 * their first one. As Envoy's retry budget, and as a rule of our own: gRPC has none.
 *
 * When every endpoint fails, each call would be made `maxAttempts` times, just when there is the
 * least room for it. With the budget retries add no more than their share to the load.
 */

import { checkNames, countAt, fieldsAt } from "../grpc/index.ts";

/** `"retryBudget"` of the service config. */
export interface RetryBudgetConfig {
  /** Further attempts in flight, in percent of the calls in flight that are at their first. */
  readonly percent: number;
  /** So many are allowed however few calls there are. */
  readonly minRetries: number;
}

/** What holds where nothing else is said; Envoy's figures. */
const DEFAULT_RETRY_BUDGET: RetryBudgetConfig = { percent: 20, minRetries: 3 };

const MIN_RETRIES_MAX = 1_000_000;

/**
 * @returns null for none, which only an explicit null says.
 * @throws ServiceConfigError
 */
export function parseRetryBudget(value: unknown, path: string): RetryBudgetConfig | null {
  if (value === undefined) return DEFAULT_RETRY_BUDGET;
  if (value === null) return null;
  const fields = fieldsAt(value, path);
  checkNames(fields, ["percent", "minRetries"], path);
  const minRetries = countAt(fields.minRetries, `${path}.minRetries`, 0, MIN_RETRIES_MAX);
  return {
    percent: countAt(fields.percent, `${path}.percent`, 0, 100) ?? DEFAULT_RETRY_BUDGET.percent,
    minRetries: minRetries ?? DEFAULT_RETRY_BUDGET.minRetries,
  };
}

/**
 * Whether one more is within the budget.
 *
 * @param retries those in flight, waiting for their backoff included.
 * @param attempts calls in flight at their first attempt, and these: a call counts once for its
 *   first attempt or the retry in its place, and once for each hedge.
 */
export function isWithinBudget(
  config: RetryBudgetConfig | null,
  retries: number,
  attempts: number,
): boolean {
  if (config === null) return true;
  const share = Math.floor(((attempts - retries) * config.percent) / 100);
  return retries < Math.max(config.minRetries, share);
}
