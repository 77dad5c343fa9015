/**
 * The service config that a channel has of its own.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 */
import { parseServiceConfig, type ServiceConfig, serviceConfigOf } from "../../cluster/index.ts";

/**
 * The service config of a channel: its own, with the policy that is named beside it. When both name
 * one, one of them is a mistake.
 *
 * @param json after `JSON.parse`; null for none.
 * @param policyName null for none.
 * @throws PolicyError, ServiceConfigError or RangeError.
 */
export function ownServiceConfig(json: unknown, policyName: string | null): ServiceConfig {
  if (policyName === null) return parseServiceConfig(json ?? {});
  const { loadBalancingConfig, loadBalancingPolicy } = Object(json);
  if (loadBalancingConfig !== undefined || loadBalancingPolicy !== undefined) {
    throw new RangeError("policy and a policy of the service config exclude each other");
  }
  return { ...parseServiceConfig(json ?? {}), balancing: serviceConfigOf(policyName).balancing };
}
