/**
 * What keeps a cluster from harm, in the words of xDS: outlier detection (gRFC A50), circuit
 * breakers (A32), active health checks. Envoy has all of it, gRPC clients a part.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OutlierDetectionConfig } from "../../balancing/index.ts";
import type { ServiceConfig } from "../../cluster/index.ts";
import type {
  CircuitBreakers_ThresholdsSchema,
  HealthCheckSchema,
  OutlierDetectionSchema,
} from "../../xds/index.ts";
import { authorityOfCluster } from "./names.ts";
import { durationOf } from "./resource.ts";

/** No limit: xDS' own default, where nothing is said, is 1,024 of each and 3 retries. */
const UNLIMITED = 0xff_ff_ff_ff;

/** Envoy refuses a cluster whose times of ejection are 0, which A50 allows. */
const EJECTION_MS_MIN = 1;

/**
 * `outlier_detection`. A part that is not asked for is said to be enforced in 0 % of the cases,
 * because xDS does some of them by default.
 */
export function outlierDetectionOf(
  config: OutlierDetectionConfig,
): MessageInitShape<typeof OutlierDetectionSchema> {
  const { successRateEjection: rate, failurePercentageEjection: failures } = config;
  const errors = config.consecutiveErrors;
  return {
    interval: durationOf(config.intervalMs),
    baseEjectionTime: durationOf(Math.max(EJECTION_MS_MIN, config.baseEjectionTimeMs)),
    maxEjectionTime: durationOf(Math.max(EJECTION_MS_MIN, config.maxEjectionTimeMs)),
    maxEjectionPercent: config.maxEjectionPercent,
    enforcingSuccessRate: rate?.enforcementPercentage ?? 0,
    ...(rate !== null && {
      successRateStdevFactor: rate.stdevFactor,
      successRateMinimumHosts: rate.minimumHosts,
      successRateRequestVolume: rate.requestVolume,
    }),
    enforcingFailurePercentage: failures?.enforcementPercentage ?? 0,
    ...(failures !== null && {
      failurePercentageThreshold: failures.threshold,
      failurePercentageMinimumHosts: failures.minimumHosts,
      failurePercentageRequestVolume: failures.requestVolume,
    }),
    enforcingConsecutive5xx: errors?.enforcementPercentage ?? 0,
    ...(errors !== null && { consecutive5xx: errors.threshold }),
    enforcingConsecutiveGatewayFailure: 0,
  };
}

/** The one threshold of `circuit_breakers`, for calls of default priority. */
export function thresholdsOf({
  extensions: { circuitBreakers, retryBudget },
}: ServiceConfig): MessageInitShape<typeof CircuitBreakers_ThresholdsSchema> {
  const { maxConnections, maxPendingCalls, maxCalls, maxRetries } = circuitBreakers ?? NO_LIMITS;
  return {
    maxConnections: maxConnections ?? UNLIMITED,
    maxPendingRequests: maxPendingCalls ?? UNLIMITED,
    maxRequests: maxCalls ?? UNLIMITED,
    maxRetries: maxRetries ?? UNLIMITED,
    // Envoy: with a budget, `max_retries` is not looked at.
    ...(retryBudget !== null &&
      maxRetries === null && {
        retryBudget: {
          budgetPercent: { value: retryBudget.percent },
          minRetryConcurrency: retryBudget.minRetries,
        },
      }),
  };
}

const NO_LIMITS = { maxConnections: null, maxPendingCalls: null, maxCalls: null, maxRetries: null };

/**
 * `health_checks`, by the gRPC health protocol; none unless asked for.
 *
 * @param name of the cluster. Envoy would take it for `:authority`, where its "/" may not stand
 *   (RFC 3986, 3.2): servers with nghttp2 reset such a check.
 */
export function healthChecksOf(
  { extensions: { activeHealthCheck: check } }: ServiceConfig,
  name: string,
): MessageInitShape<typeof HealthCheckSchema>[] {
  if (check === null) return [];
  const { serviceName } = check;
  const authority = authorityOfCluster(name);
  return [
    {
      timeout: durationOf(check.timeoutMs),
      interval: durationOf(check.intervalMs),
      noTrafficInterval: durationOf(check.intervalMs),
      unhealthyThreshold: check.unhealthyThreshold,
      healthyThreshold: check.healthyThreshold,
      healthChecker: { case: "grpcHealthCheck", value: { serviceName, authority } },
    },
  ];
}
