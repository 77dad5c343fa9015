/**
 * Service config as a channel applies it: all of it or nothing.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 */
import { type Policy, parsePolicy, policyFromServiceConfig } from "../../balancing/index.ts";
import type { ServiceConfigResult } from "../../discovery/index.ts";
import { MethodConfigs } from "../../grpc/index.ts";

/** What a service config says, in the parts that are applied. */
export interface AppliedConfig {
  readonly policy: Policy;
  readonly methods: MethodConfigs;
}

/**
 * @param json after `JSON.parse`; null for none.
 * @throws ServiceConfigError or PolicyError naming the field.
 */
export function applyServiceConfig(json: unknown): AppliedConfig {
  const methods = json === null ? MethodConfigs.NONE : MethodConfigs.parse(json);
  return { policy: policyFromServiceConfig(json ?? {}), methods };
}

/**
 * The policy of a channel: that of its service config, or the one that is named beside it. When
 * both name one, one of them is a mistake.
 *
 * @param name null for none.
 * @throws PolicyError or RangeError.
 */
export function choosePolicy(serviceConfig: unknown, name: string | null): Policy {
  if (name === null) return policyFromServiceConfig(serviceConfig ?? {});
  const policy = parsePolicy(name);
  const { loadBalancingConfig, loadBalancingPolicy } = Object(serviceConfig);
  if (loadBalancingConfig === undefined && loadBalancingPolicy === undefined) return policy;
  throw new RangeError("policy and a policy of the service config exclude each other");
}

/** As `applyServiceConfig` for what a resolver says; a sentence where it cannot be used. */
export function tryApplyServiceConfig(result: ServiceConfigResult): AppliedConfig | string {
  if ("error" in result) return result.error;
  try {
    return applyServiceConfig(result.json);
  } catch (error) {
    return (error as Error).message;
  }
}
