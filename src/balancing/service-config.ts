/**
 * The part of gRPC service config that names a load balancing policy.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 *
 * Not the rest of it: `methodConfig` and its like are about calls, not about choosing.
 */
import { AROUND_NAMES, plainBalancing, tryParseAround } from "./around.ts";
import type { Balancing } from "./policy.ts";
import {
  DEFAULT_POLICY_NAME,
  KNOWN_POLICY_NAMES,
  type PolicyConfig,
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
 * @throws PolicyError when it is malformed, names only unknown policies, or when the first known
 *   policy does not accept its parameters.
 */
export function balancingFromServiceConfig(json: unknown): Balancing {
  if (!isObject(json)) throw new PolicyError("service config must be a JSON object");
  const list = json.loadBalancingConfig;
  if (list !== undefined) return firstKnown(list, "loadBalancingConfig", []);
  const name = json.loadBalancingPolicy;
  if (name === undefined) return plainBalancing(parsePolicy(DEFAULT_POLICY_NAME));
  if (typeof name !== "string") {
    throw new PolicyError("service config: loadBalancingPolicy must be a string");
  }
  return plainBalancing(parsePolicy(name.toLowerCase())); // "the policy name is case-insensitive"
}

/** The first known one of a list of policies, which may be a child's. */
function firstKnown(list: unknown, path: string, seen: readonly string[]): Balancing {
  if (!Array.isArray(list)) throw new PolicyError(`service config: ${path} must be a list`);
  const unknown: string[] = [];
  for (const [index, entry] of list.entries()) {
    const [name, config] = policyEntry(entry, `${path}[${index}]`);
    const at = `${path}[${index}].${name}`;
    const around = tryParseAround(name, config, at, seen, firstKnown);
    if (around !== null) return around;
    const policy = tryParsePolicy(name, config);
    if (policy !== null) return plainBalancing(policy);
    unknown.push(name);
  }
  throw new PolicyError(
    `service config: no known policy in ${path} [${unknown.join(", ")}]: ` +
      `known are ${[...KNOWN_POLICY_NAMES, ...AROUND_NAMES].join(", ")}`,
  );
}

/** One entry of the list: an object with exactly one key, the policy's name. */
function policyEntry(entry: unknown, path: string): [string, PolicyConfig] {
  const keys = isObject(entry) ? Object.keys(entry) : [];
  if (!isObject(entry) || keys.length !== 1) {
    throw new PolicyError(
      `service config: ${path} must be an object with exactly one key, the policy's name`,
    );
  }
  const config = entry[keys[0]];
  if (!isObject(config)) {
    throw new PolicyError(`service config: the parameters of ${keys[0]} must be an object`);
  }
  return [keys[0], config];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
