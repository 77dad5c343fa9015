/**
 * Which service config a channel applies: its own, or the resolver's; all of it or nothing.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 */
import { parseServiceConfig, type ServiceConfig, serviceConfigOf } from "../../cluster/index.ts";
import type { ServiceConfigResult } from "../../discovery/index.ts";

/**
 * The service config of a channel: its own, with the policy that is named beside it. When both name
 * one, one of them is a mistake.
 *
 * @param json after `JSON.parse`; null for none.
 * @param policyName null for none.
 * @throws PolicyError, ServiceConfigError or RangeError.
 */
export function ownServiceConfig(json: unknown, policyName: string | null): ServiceConfig {
  const config = parseServiceConfig(json ?? {});
  if (policyName === null) return config;
  const { loadBalancingConfig, loadBalancingPolicy } = Object(json);
  if (loadBalancingConfig === undefined && loadBalancingPolicy === undefined) {
    return { ...config, balancing: serviceConfigOf(policyName).balancing };
  }
  throw new RangeError("policy and a policy of the service config exclude each other");
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
