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
import { fieldsAt, MethodConfigs, ServiceConfigError } from "../grpc/index.ts";
import { type Extensions, parseExtensions } from "./extensions.ts";

/** What a service config says. Immutable. */
export interface ServiceConfig {
  readonly balancing: Balancing;
  readonly methods: MethodConfigs;
  readonly extensions: Extensions;
}

/**
 * @param json after `JSON.parse`.
 * @throws ServiceConfigError or PolicyError naming the field.
 */
export function parseServiceConfig(json: unknown): ServiceConfig {
  const { fairlead } = fieldsAt(json, "it");
  const balancing = balancingFromServiceConfig(json);
  const extensions = parseExtensions(fairlead);
  if (balancing.priority !== null && extensions.locality.prefer !== null) {
    const why = "and priority in loadBalancingConfig exclude each other: both say what is near";
    throw new ServiceConfigError("fairlead.locality.prefer", why);
  }
  return { balancing, methods: MethodConfigs.parse(json), extensions };
}

/**
 * The service config that says nothing but the policy.
 *
 * @throws PolicyError when there is no such policy.
 */
export function serviceConfigOf(policyName: string): ServiceConfig {
  return { ...parseServiceConfig({}), balancing: plainBalancing(parsePolicy(policyName)) };
}
