/**
 * A whole gRPC service config as a cluster and the calls through it apply it: all of it or nothing.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 *
 * Each part is parsed where it belongs: policies in room `balancing`, methods in room `grpc`.
 */

import {
  type Balancing,
  balancingFromServiceConfig,
  parsePolicy,
  plainBalancing,
} from "../balancing/index.ts";
import { isDeeperThan } from "../base/index.ts";
import { SERVICE_CONFIG_DEPTH_MAX, type ServiceConfigResult } from "../discovery/index.ts";
import {
  fieldsAt,
  MethodConfigs,
  parseRetryThrottling,
  type RetryThrottling,
  ServiceConfigError,
  textAt,
} from "../grpc/index.ts";
import { checkNotAtTop, type Extensions, parseExtensions } from "./extensions.ts";

/** `healthCheckConfig`: endpoints are asked for their health. gRFC A17. */
export interface HealthCheckConfig {
  /** "" for the server as a whole. */
  readonly serviceName: string;
}

/** What a service config says. Immutable. */
export interface ServiceConfig {
  readonly balancing: Balancing;
  readonly methods: MethodConfigs;
  readonly retryThrottling: RetryThrottling | null;
  /** Null: "disabled by default" (A17). */
  readonly healthCheck: HealthCheckConfig | null;
  readonly extensions: Extensions;
}

/**
 * @param json after `JSON.parse`.
 * @throws ServiceConfigError or PolicyError naming the field.
 */
export function parseServiceConfig(json: unknown): ServiceConfig {
  if (isDeeperThan(json, SERVICE_CONFIG_DEPTH_MAX)) {
    const why = `is nested deeper than ${SERVICE_CONFIG_DEPTH_MAX} levels`;
    throw new ServiceConfigError("", why);
  }
  const fields = fieldsAt(json, "");
  const { fairlead, healthCheckConfig } = fields;
  checkNotAtTop(fields);
  const balancing = balancingFromServiceConfig(json);
  const extensions = parseExtensions(fairlead);
  if (balancing.priority !== null && extensions.locality.prefer !== null) {
    const why = "and priority in loadBalancingConfig exclude each other: both say what is near";
    throw new ServiceConfigError("fairlead.locality.prefer", why);
  }
  return {
    balancing,
    methods: MethodConfigs.parse(json),
    retryThrottling: parseRetryThrottling(json),
    healthCheck: healthCheckAt(healthCheckConfig, "healthCheckConfig"),
    extensions,
  };
}

/** The same for what a resolver says; a sentence where it cannot be used. */
export function tryServiceConfig(result: ServiceConfigResult): ServiceConfig | string {
  if ("error" in result) return result.error;
  try {
    return parseServiceConfig(result.json);
  } catch (error) {
    return (error as Error).message;
  }
}

function healthCheckAt(value: unknown, path: string): HealthCheckConfig | null {
  if (value === undefined || value === null) return null;
  const { serviceName } = fieldsAt(value, path);
  return { serviceName: textAt(serviceName, `${path}.serviceName`) };
}

/**
 * The service config that says nothing but the policy.
 *
 * @throws PolicyError when there is no such policy.
 */
export function serviceConfigOf(policyName: string): ServiceConfig {
  return { ...parseServiceConfig({}), balancing: plainBalancing(parsePolicy(policyName)) };
}
