/**
 * The config of `outlier_detection`: its fields, defaults and bounds. gRFC A50.
 *
 * `consecutiveErrors` is ours, after Envoy's consecutive 5xx, which A50 left out. As with the other
 * two it is done only when its object is given, be it empty.
 */
import { countAt, type Fields, fieldsAt, timeMsAt } from "../grpc/index.ts";

/** Ejects endpoints whose share of successes is far below the mean of all. */
export interface SuccessRateEjection {
  /** Thousandths of a standard deviation: 1900 is 1.9 of them below the mean. */
  readonly stdevFactor: number;
  readonly enforcementPercentage: number;
  /** Endpoints that must have `requestVolume`, or none is judged. */
  readonly minimumHosts: number;
  /** Calls of an interval that an endpoint must have to be judged. */
  readonly requestVolume: number;
}

/** Ejects endpoints whose share of failures is above a threshold, whatever the others do. */
export interface FailurePercentageEjection {
  /** Per cent. */
  readonly threshold: number;
  readonly enforcementPercentage: number;
  /** Endpoints that there must be, or none is judged. */
  readonly minimumHosts: number;
  /** Calls of an interval that an endpoint must have to be judged. */
  readonly requestVolume: number;
}

/** Ejects an endpoint at once when so many calls in a row ended by its fault. */
export interface ConsecutiveErrorsEjection {
  readonly threshold: number;
  readonly enforcementPercentage: number;
}

/** See the head of this file. Immutable. */
export interface OutlierDetectionConfig {
  readonly intervalMs: number;
  readonly baseEjectionTimeMs: number;
  readonly maxEjectionTimeMs: number;
  readonly maxEjectionPercent: number;
  readonly successRateEjection: SuccessRateEjection | null;
  readonly failurePercentageEjection: FailurePercentageEjection | null;
  readonly consecutiveErrors: ConsecutiveErrorsEjection | null;
}

const INTERVAL_MS_DEFAULT = 10_000;
/**
 * A shorter interval counts as this. A50 allows 0, which would be a sweep on every turn of the
 * event loop.
 */
const OUTLIER_INTERVAL_MS_MIN = 100;
const BASE_EJECTION_TIME_MS_DEFAULT = 30_000;
const MAX_EJECTION_TIME_MS_DEFAULT = 300_000;
const UINT32_MAX = 2 ** 32 - 1;

/**
 * @param path of the object, for errors.
 * @throws ServiceConfigError
 */
export function parseOutlierDetection(fields: Fields, path: string): OutlierDetectionConfig {
  const timeMs = (name: string, fallback: number): number =>
    timeMsAt(fields[name], `${path}.${name}`) ?? fallback;
  const part = <T>(name: string, parse: (fields: Fields, path: string) => T): T | null => {
    const value = fields[name] ?? null;
    return value === null ? null : parse(fieldsAt(value, `${path}.${name}`), `${path}.${name}`);
  };
  const baseEjectionTimeMs = timeMs("baseEjectionTime", BASE_EJECTION_TIME_MS_DEFAULT);
  // "the default value (300000ms or 300s) or the base_ejection_time value is applied, whatever is
  // larger" (A50)
  const maxDefaultMs = Math.max(MAX_EJECTION_TIME_MS_DEFAULT, baseEjectionTimeMs);
  return {
    intervalMs: Math.max(OUTLIER_INTERVAL_MS_MIN, timeMs("interval", INTERVAL_MS_DEFAULT)),
    baseEjectionTimeMs,
    maxEjectionTimeMs: timeMs("maxEjectionTime", maxDefaultMs),
    maxEjectionPercent: percentAt(fields, "maxEjectionPercent", path, 10),
    successRateEjection: part("successRateEjection", parseSuccessRate),
    failurePercentageEjection: part("failurePercentageEjection", parseFailurePercentage),
    consecutiveErrors: part("consecutiveErrors", parseConsecutiveErrors),
  };
}

function parseSuccessRate(fields: Fields, path: string): SuccessRateEjection {
  return {
    stdevFactor: uint32At(fields, "stdevFactor", path, 1900),
    enforcementPercentage: percentAt(fields, "enforcementPercentage", path, 100),
    minimumHosts: uint32At(fields, "minimumHosts", path, 5),
    requestVolume: uint32At(fields, "requestVolume", path, 100),
  };
}

function parseFailurePercentage(fields: Fields, path: string): FailurePercentageEjection {
  return {
    threshold: percentAt(fields, "threshold", path, 85),
    enforcementPercentage: percentAt(fields, "enforcementPercentage", path, 100),
    minimumHosts: uint32At(fields, "minimumHosts", path, 5),
    requestVolume: uint32At(fields, "requestVolume", path, 50),
  };
}

function parseConsecutiveErrors(fields: Fields, path: string): ConsecutiveErrorsEjection {
  return {
    threshold: countAt(fields.threshold, `${path}.threshold`, 1, UINT32_MAX) ?? 5,
    enforcementPercentage: percentAt(fields, "enforcementPercentage", path, 100),
  };
}

/** A protobuf UInt32Value; `fallback` when it is absent. @throws ServiceConfigError */
function uint32At(fields: Fields, name: string, path: string, fallback: number): number {
  return countAt(fields[name], `${path}.${name}`, 0, UINT32_MAX) ?? fallback;
}

/** "must have values less than or equal to `100`" (A50). @throws ServiceConfigError */
function percentAt(fields: Fields, name: string, path: string, fallback: number): number {
  return countAt(fields[name], `${path}.${name}`, 0, 100) ?? fallback;
}
