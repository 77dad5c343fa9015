/**
 * Retry and hedging policies of service config, checked; carried out by whoever makes attempts.
 * https://github.com/grpc/proposal/blob/master/A6-client-retries.md
 */
import {
  durationMsAt,
  type Fields,
  fieldsAt,
  refuse,
  statusesAt,
  timeMsAt,
} from "./json-fields.ts";
import type { Status } from "./status.ts";

/**
 * "Values greater than 5 are treated as 5 without being considered a validation error": what a
 * service config may ask for, unless the client itself says otherwise.
 */
export const POLICY_ATTEMPTS_MAX = 5;

/** Of `backoffMultiplier`: from 1 ms to any sensible `maxBackoff` in two steps. */
const MULTIPLIER_MAX = 1_000;

/** `retryPolicy`: further attempts, one after the other. */
export interface RetryPolicy {
  /** The first one included; 2 or more. */
  readonly maxAttempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffMultiplier: number;
  /** At least one. */
  readonly retryableStatuses: readonly Status[];
}

/** `hedgingPolicy`: further attempts beside those that have not been answered. */
export interface HedgingPolicy {
  /** The first one included; 2 or more. */
  readonly maxAttempts: number;
  /** null: all at once. */
  readonly delayMs: number | null;
  readonly nonFatalStatuses: readonly Status[];
}

/** @throws ServiceConfigError */
export function parseRetryPolicy(value: unknown, path: string): RetryPolicy {
  const fields = fieldsAt(value, path);
  const { backoffMultiplier, retryableStatusCodes } = fields;
  const isNumber = typeof backoffMultiplier === "number" && backoffMultiplier > 0;
  if (!isNumber || backoffMultiplier > MULTIPLIER_MAX) {
    const allowed = `a number above 0, no more than ${MULTIPLIER_MAX}`;
    return refuse(`${path}.backoffMultiplier`, backoffMultiplier, allowed);
  }
  const codesPath = `${path}.retryableStatusCodes`;
  const retryableStatuses = statusesAt(retryableStatusCodes, codesPath);
  if (retryableStatuses.length === 0) {
    refuse(codesPath, retryableStatusCodes, "a list that is not empty");
  }
  return {
    maxAttempts: attemptsAt(fields, path),
    initialBackoffMs: backoffAt(fields.initialBackoff, `${path}.initialBackoff`),
    maxBackoffMs: backoffAt(fields.maxBackoff, `${path}.maxBackoff`),
    backoffMultiplier,
    retryableStatuses,
  };
}

/** @throws ServiceConfigError */
export function parseHedgingPolicy(value: unknown, path: string): HedgingPolicy {
  const fields = fieldsAt(value, path);
  const { hedgingDelay, nonFatalStatusCodes } = fields;
  return {
    maxAttempts: attemptsAt(fields, path),
    delayMs: timeMsAt(hedgingDelay, `${path}.hedgingDelay`),
    nonFatalStatuses: statusesAt(nonFatalStatusCodes, `${path}.nonFatalStatusCodes`),
  };
}

/** Backoffs "MUST have a duration value greater than 0". */
function backoffAt(value: unknown, path: string): number {
  const ms = durationMsAt(value, path);
  return ms > 0 ? ms : refuse(path, value, "longer than 0");
}

/** "maxAttempts MUST be specified and MUST be a JSON integer value greater than 1." */
function attemptsAt({ maxAttempts }: Fields, path: string): number {
  const isCount = Number.isInteger(maxAttempts) && (maxAttempts as number) > 1;
  return isCount
    ? (maxAttempts as number)
    : refuse(`${path}.maxAttempts`, maxAttempts, "2 or more");
}

/** A policy as it is carried out: with `attemptsMax` attempts at most; null for no further ones. */
export function cappedPolicy<P extends RetryPolicy | HedgingPolicy>(
  policy: P | null,
  attemptsMax: number,
): P | null {
  if (policy === null || attemptsMax <= 1) return null;
  if (policy.maxAttempts <= attemptsMax) return policy;
  return { ...policy, maxAttempts: attemptsMax };
}
