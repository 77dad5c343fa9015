/**
 * What a cluster bounds and watches, as parts of a service config: circuit breakers (gRFC A32 and
 * Envoy), outlier detection (A50 and Envoy's consecutive errors).
 */
import type { Json } from "../../../base/index.ts";
import {
  type CircuitBreakers,
  defined,
  durationJson,
  type OutlierDetection,
} from "../../../xds/index.ts";

/** Larger figures are how servers say that there is no limit. */
const NO_LIMIT = 1_000_000_000;

/** `fairlead.circuitBreakers` and `fairlead.retryBudget`. */
export interface DecodedBreakers {
  readonly circuitBreakers: Json | undefined;
  readonly retryBudget: Json | undefined;
}

/** Of priority DEFAULT: Only the entry for priority DEFAULT is used (A32). */
export function breakersOf(message: CircuitBreakers | undefined): DecodedBreakers {
  const found = message?.thresholds.find(({ priority }) => priority === 0);
  if (found === undefined) return { circuitBreakers: undefined, retryBudget: undefined };
  const limits = defined({
    maxConnections: limitOf(found.maxConnections),
    maxPendingCalls: limitOf(found.maxPendingRequests),
    maxCalls: limitOf(found.maxRequests),
    maxRetries: limitOf(found.maxRetries),
  });
  const { retryBudget } = found;
  return {
    circuitBreakers: Object.keys(limits).length === 0 ? undefined : limits,
    retryBudget:
      retryBudget === undefined
        ? undefined
        : {
            percent: Math.round(retryBudget.budgetPercent?.value ?? 20),
            minRetries: retryBudget.minRetryConcurrency ?? 3,
          },
  };
}

function limitOf(value: number | undefined): number | undefined {
  return value === undefined || value > NO_LIMIT ? undefined : value;
}

/** The config of `outlier_detection`; undefined for none. */
export function outliersOf(message: OutlierDetection | undefined): Json | undefined {
  if (message === undefined) return undefined;
  const at = "outlier_detection";
  // A50: If the enforcing_success_rate field is set to 0, the config will be treated as absent.
  const isBySuccess = message.enforcingSuccessRate !== 0;
  // "enforcing_failure_percentage ... defaults to 0": not done unless it is said.
  const isByFailure = (message.enforcingFailurePercentage ?? 0) > 0;
  return defined({
    interval: durationJson(message.interval, `${at}.interval`),
    baseEjectionTime: durationJson(message.baseEjectionTime, `${at}.base_ejection_time`),
    maxEjectionTime: durationJson(message.maxEjectionTime, `${at}.max_ejection_time`),
    maxEjectionPercent: message.maxEjectionPercent,
    successRateEjection: isBySuccess
      ? defined({
          stdevFactor: message.successRateStdevFactor,
          enforcementPercentage: message.enforcingSuccessRate,
          minimumHosts: message.successRateMinimumHosts,
          requestVolume: message.successRateRequestVolume,
        })
      : undefined,
    failurePercentageEjection: isByFailure
      ? defined({
          threshold: message.failurePercentageThreshold,
          enforcementPercentage: message.enforcingFailurePercentage,
          minimumHosts: message.failurePercentageMinimumHosts,
          requestVolume: message.failurePercentageRequestVolume,
        })
      : undefined,
    consecutiveErrors: consecutiveOf(message),
  });
}

/** gRPC passes them over (A50); Envoy ejects by them when nothing else is said: so do we. */
function consecutiveOf(message: OutlierDetection): Json | undefined {
  const { consecutive5xx, enforcingConsecutive5xx = 100 } = message;
  if (consecutive5xx !== undefined && consecutive5xx > 0 && enforcingConsecutive5xx > 0) {
    return { threshold: consecutive5xx, enforcementPercentage: enforcingConsecutive5xx };
  }
  const { consecutiveGatewayFailure, enforcingConsecutiveGatewayFailure = 0 } = message;
  if (consecutiveGatewayFailure === undefined || enforcingConsecutiveGatewayFailure === 0) {
    return undefined;
  }
  return {
    threshold: Math.max(1, consecutiveGatewayFailure),
    enforcementPercentage: enforcingConsecutiveGatewayFailure,
  };
}
