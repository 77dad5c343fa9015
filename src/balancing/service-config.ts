/**
 * The part of gRPC service config that names a load balancing policy.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 *
 * Not the rest of it: `methodConfig` and its like are about calls, not about choosing.
 */
import { fieldsAt, refuse, ServiceConfigError, shortened } from "../grpc/index.ts";
import { AROUND_NAMES, plainBalancing, tryParseAround } from "./around.ts";
import type { Balancing } from "./policy.ts";
import {
  DEFAULT_POLICY_NAME,
  KNOWN_POLICY_NAMES,
  PolicyError,
  parsePolicy,
  tryParsePolicy,
} from "./registry.ts";

/**
 * How a service config asks for calls to be spread: by the first known policy of
 * `loadBalancingConfig`, else the one of the deprecated `loadBalancingPolicy`, else by the default
 * policy.
 *
 * @param json service config after `JSON.parse`.
 * @throws ServiceConfigError with the path of the field when it is malformed, or when the first
 *   known policy does not accept its parameters; PolicyError when it names only unknown policies.
 */
export function balancingFromServiceConfig(json: unknown): Balancing {
  const { loadBalancingConfig, loadBalancingPolicy: name } = fieldsAt(json, "");
  if (loadBalancingConfig !== undefined) {
    return firstKnown(loadBalancingConfig, "loadBalancingConfig", []);
  }
  if (name === undefined) return plainBalancing(parsePolicy(DEFAULT_POLICY_NAME));
  if (typeof name !== "string") return refuse("loadBalancingPolicy", name, "a string");
  return plainBalancing(parsePolicy(name.toLowerCase())); // "the policy name is case-insensitive"
}

/**
 * "the first known one in the list wins": what stands behind it is not even looked at. The list may
 * be the child's of a policy that stands around it; `seen` are those.
 */
function firstKnown(list: unknown, path: string, seen: readonly string[]): Balancing {
  if (!Array.isArray(list)) return refuse(path, list, "a list");
  const unknown: string[] = [];
  for (const [index, entry] of list.entries()) {
    const at = `${path}[${index}]`;
    const name = policyName(entry, at);
    const around = tryParseAround(name, entry[name], `${at}.${name}`, seen, firstKnown);
    if (around !== null) return around;
    const policy = tryParsePolicy(name, entry[name], `${at}.${name}`);
    if (policy !== null) return plainBalancing(policy);
    unknown.push(name);
  }
  throw new PolicyError(
    `service config: no known policy in ${path} [${shortened(unknown.join(", "))}]: ` +
      `known are ${[...KNOWN_POLICY_NAMES, ...AROUND_NAMES].join(", ")}`,
  );
}

/** One entry of the list: an object with exactly one key, the policy's name. */
function policyName(entry: unknown, path: string): string {
  const [name, ...others] = Object.keys(fieldsAt(entry, path));
  if (name !== undefined && others.length === 0) return name;
  throw new ServiceConfigError(path, "must have exactly one key, the policy's name");
}
