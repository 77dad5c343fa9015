/**
 * A service config that a resolver found, as grpc-js wants it: checked, in its own shape.
 *
 * Not what an option of a channel says (`grpc.service_config`): that, grpc-js reads itself.
 */
import type { experimental } from "@grpc/grpc-js";
import type { ServiceConfigResult } from "../../../discovery/index.ts";
import {
  fieldsAt,
  listAt,
  MethodConfigs,
  refuse,
  ServiceConfigError,
  shortened,
} from "../../../grpc/index.ts";
import type { GrpcModule } from "../grpc-module.ts";
import { toGrpcMethodConfig } from "./method-config.ts";

type Listener = experimental.ResolverListener;
/** What grpc-js takes beside the endpoints. */
export type GrpcServiceConfigResult = Parameters<Listener>[2];
/** A service config in its shape. */
export type GrpcServiceConfig = Extract<
  NonNullable<GrpcServiceConfigResult>,
  { ok: true }
>["value"];

/** The one for a channel; an error with the path to the field when it is malformed. */
export function toGrpcServiceConfig(
  found: ServiceConfigResult,
  grpc: GrpcModule,
): NonNullable<GrpcServiceConfigResult> {
  const { statusOrFromError, statusOrFromValue } = grpc.experimental;
  const fail = (details: string) =>
    statusOrFromError<GrpcServiceConfig>({ code: grpc.status.UNAVAILABLE, details });
  if ("error" in found) return fail(found.error);
  try {
    return statusOrFromValue(checkServiceConfig(found.json, grpc));
  } catch (error) {
    if (!(error instanceof ServiceConfigError)) throw error;
    return fail(error.message);
  }
}

function checkServiceConfig(json: unknown, grpc: GrpcModule): GrpcServiceConfig {
  const fields = fieldsAt(json, "");
  const { loadBalancingPolicy, retryThrottling } = fields;
  const config: GrpcServiceConfig = {
    loadBalancingConfig: checkPolicies(fields.loadBalancingConfig, grpc),
    methodConfig: MethodConfigs.parse(json).entries.map(toGrpcMethodConfig),
  };
  if (loadBalancingPolicy !== undefined) {
    const path = "loadBalancingPolicy";
    if (typeof loadBalancingPolicy !== "string") refuse(path, loadBalancingPolicy, "a string");
    config.loadBalancingPolicy = loadBalancingPolicy;
    // grpc-js reads the list only: "the policy name is case-insensitive".
    if (fields.loadBalancingConfig === undefined) {
      const name = loadBalancingPolicy.toLowerCase();
      config.loadBalancingConfig = checkPolicies([{ [name]: {} }], grpc);
    }
  }
  if (retryThrottling !== undefined) config.retryThrottling = checkThrottling(retryThrottling);
  return config;
}

/**
 * A24: the first known policy is taken, and must be right; when none is known, the config is
 * refused. grpc-js by itself would pass over both, and fall back on `pick_first`.
 */
function checkPolicies(value: unknown, grpc: GrpcModule): GrpcServiceConfig["loadBalancingConfig"] {
  const { isLoadBalancerNameRegistered, parseLoadBalancingConfig } = grpc.experimental;
  const path = "loadBalancingConfig";
  const list = listAt(value, path).map((each, i) => {
    const entry = fieldsAt(each, `${path}[${i}]`);
    const [name, ...others] = Object.keys(entry);
    if (name === undefined || others.length > 0) {
      throw new ServiceConfigError(`${path}[${i}]`, "must have exactly one key, the policy's name");
    }
    return { [name]: { ...fieldsAt(entry[name], `${path}[${i}].${name}`) } };
  });
  if (list.length === 0) return [];
  const at = list.findIndex((entry) => isLoadBalancerNameRegistered(Object.keys(entry)[0]));
  if (at < 0) {
    const names = shortened(list.flatMap(Object.keys).join(", "));
    throw new ServiceConfigError(path, `names no policy that is registered: ${names}`);
  }
  try {
    parseLoadBalancingConfig(list[at]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ServiceConfigError(`${path}[${at}]:`, why);
  }
  return list;
}

/** A6: "maxTokens ... MUST be in the range (0, 1000]", "tokenRatio ... MUST be greater than 0". */
function checkThrottling(value: unknown): NonNullable<GrpcServiceConfig["retryThrottling"]> {
  const { maxTokens, tokenRatio } = fieldsAt(value, "retryThrottling");
  if (typeof maxTokens !== "number" || !(maxTokens > 0 && maxTokens <= 1000)) {
    refuse("retryThrottling.maxTokens", maxTokens, "a number above 0 and up to 1000");
  }
  if (typeof tokenRatio !== "number" || !(tokenRatio > 0)) {
    refuse("retryThrottling.tokenRatio", tokenRatio, "a number above 0");
  }
  const thousandths = (number: number) => Math.round(number * 1000) / 1000;
  return { maxTokens: thousandths(maxTokens), tokenRatio: thousandths(tokenRatio) };
}
