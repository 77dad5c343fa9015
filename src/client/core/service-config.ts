/**
 * Service config as a channel applies it: all of it or nothing.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 */
import { type Policy, policyFromServiceConfig } from "../../balancing/index.ts";
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

/** As `applyServiceConfig` for what a resolver says; a sentence where it cannot be used. */
export function tryApplyServiceConfig(result: ServiceConfigResult): AppliedConfig | string {
  if ("error" in result) return result.error;
  try {
    return applyServiceConfig(result.json);
  } catch (error) {
    return (error as Error).message;
  }
}
