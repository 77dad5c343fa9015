/**
 * The parameters of `weighted_round_robin`, from service config. gRFC A58, A114.
 */
import { booleanAt, type Fields, listAt, numberWithin, refuse, timeMsAt } from "../grpc/index.ts";

/** "Default is 10 seconds." (A58, blackout_period) */
export const BLACKOUT_MS = 10_000;
/** "Defaults to 3 minutes." (A58, weight_expiration_period) */
export const WEIGHT_EXPIRATION_MS = 180_000;
/** "Default is 1 second." (A58, weight_update_period) */
export const WEIGHT_UPDATE_MS = 1_000;
/** "Values less than 100ms are capped at 100ms." (A58, weight_update_period) */
export const WEIGHT_UPDATE_MS_MIN = 100;
/** "Default is 10 seconds." (A58, oob_reporting_period) */
export const OOB_REPORTING_MS = 10_000;

/** A single error in a million calls then weighs as much as full utilization. */
const ERROR_PENALTY_MAX = 1_000_000;

/** See gRFC A58 for each. Immutable. */
export interface WeightedRoundRobinConfig {
  /** Reports come out of band, this often; null: with the trailers of calls. */
  readonly reportPeriodMs: number | null;
  /** For so long an endpoint must have reported before its weight is used; 0 for no such wait. */
  readonly blackoutMs: number;
  readonly expirationMs: number;
  readonly updateMs: number;
  readonly errorPenalty: number;
  /** What stands for the utilization where the application says none; see A114. */
  readonly metricNames: readonly string[];
}

/**
 * @param config the JSON object beside the policy's name.
 * @param path where it stands in the service config.
 * @throws ServiceConfigError
 */
export function parseWeightedRoundRobinConfig(
  config: Fields,
  path: string,
): WeightedRoundRobinConfig {
  const ms = (name: string, otherwise: number): number =>
    timeMsAt(config[name], `${path}.${name}`) ?? otherwise;
  const isOutOfBand = booleanAt(config.enableOobLoadReport, `${path}.enableOobLoadReport`);
  const oobMs = ms("oobReportingPeriod", OOB_REPORTING_MS);
  return {
    // "Used only when enable_oob_load_report is true." (A58)
    reportPeriodMs: isOutOfBand === true ? oobMs : null,
    blackoutMs: ms("blackoutPeriod", BLACKOUT_MS),
    expirationMs: ms("weightExpirationPeriod", WEIGHT_EXPIRATION_MS),
    updateMs: Math.max(WEIGHT_UPDATE_MS_MIN, ms("weightUpdatePeriod", WEIGHT_UPDATE_MS)),
    errorPenalty: penaltyAt(config.errorUtilizationPenalty, `${path}.errorUtilizationPenalty`),
    metricNames: namesAt(
      config.metricNamesForComputingUtilization,
      `${path}.metricNamesForComputingUtilization`,
    ),
  };
}

function penaltyAt(value: unknown, path: string): number {
  const penalty = value ?? 1; // "Default is 1.0." (A58)
  // "Configuration is rejected if this value is negative." (A58)
  return numberWithin(penalty, path, 0, ERROR_PENALTY_MAX);
}

function namesAt(value: unknown, path: string): readonly string[] {
  return listAt(value, path).map((name, i) =>
    typeof name === "string" ? name : refuse(`${path}[${i}]`, name, "a string"),
  );
}
