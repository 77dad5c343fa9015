/** The settings of active checks, from `"fairlead": {"activeHealthCheck": ...}`. */

import { checkNames, countAt, fieldsAt, refuse, textAt, timeMsAt } from "../grpc/index.ts";

/** What holds where the config says nothing. */
export const ACTIVE_CHECK_DEFAULTS = {
  intervalMs: 5_000,
  timeoutMs: 1_000,
  unhealthyThreshold: 2,
  healthyThreshold: 2,
} as const;
/** No interval and no time-out is shorter. */
export const ACTIVE_CHECK_MS_MIN = 100;
/** An hour: a longer one is a mistake. */
const MS_MAX = 3_600_000;
const THRESHOLD_MAX = 1_000;

/** Immutable. */
export interface ActiveCheckConfig {
  /** Between the end of a check and the next. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row after which an endpoint gets no more calls. */
  readonly unhealthyThreshold: number;
  /** Successes in a row after which it gets calls again. */
  readonly healthyThreshold: number;
  /** What is asked for; "" for the server as a whole. */
  readonly serviceName: string;
}

const NAMES = ["interval", "timeout", "unhealthyThreshold", "healthyThreshold", "serviceName"];

/**
 * @param value after `JSON.parse`; undefined or null for no checks.
 * @throws ServiceConfigError
 */
export function parseActiveCheck(value: unknown, path: string): ActiveCheckConfig | null {
  if (value === undefined || value === null) return null;
  const fields = fieldsAt(value, path);
  checkNames(fields, NAMES, path);
  const { intervalMs, timeoutMs, unhealthyThreshold, healthyThreshold } = ACTIVE_CHECK_DEFAULTS;
  return {
    intervalMs: msAt(fields.interval, `${path}.interval`, intervalMs),
    timeoutMs: msAt(fields.timeout, `${path}.timeout`, timeoutMs),
    unhealthyThreshold: thresholdAt(
      fields.unhealthyThreshold,
      `${path}.unhealthyThreshold`,
      unhealthyThreshold,
    ),
    healthyThreshold: thresholdAt(
      fields.healthyThreshold,
      `${path}.healthyThreshold`,
      healthyThreshold,
    ),
    serviceName: textAt(fields.serviceName, `${path}.serviceName`),
  };
}

function msAt(value: unknown, path: string, otherwise: number): number {
  const ms = timeMsAt(value, path) ?? otherwise;
  if (ms >= ACTIVE_CHECK_MS_MIN && ms <= MS_MAX) return ms;
  return refuse(path, value, `${ACTIVE_CHECK_MS_MIN / 1_000}s to ${MS_MAX / 1_000}s`);
}

function thresholdAt(value: unknown, path: string, otherwise: number): number {
  return countAt(value, path, 1, THRESHOLD_MAX) ?? otherwise;
}
