/**
 * The parameters of our policies as grpc-js carries them: a class per name, made from the JSON of
 * a service config by our own parser.
 */
import type { experimental } from "@grpc/grpc-js";
import { type Policy, PolicyError, tryParsePolicy } from "../../../balancing/index.ts";
import { ServiceConfigError } from "../../../grpc/index.ts";

/** What grpc-js hands back to a balancer with each update. */
export interface PolicyConfig extends experimental.TypedLoadBalancingConfig {
  readonly policy: Policy;
}

/** What `registerLoadBalancerType` wants beside the balancer. */
export interface PolicyConfigConstructor {
  new (...args: unknown[]): PolicyConfig;
  createFromJson(json: unknown): PolicyConfig;
}

/**
 * The class for one name.
 *
 * Its `createFromJson` throws PolicyError with the path to the field. grpc-js passes over such an
 * entry of `loadBalancingConfig`, as over an unknown name, and takes the next; it says so only in
 * its log at the level DEBUG.
 *
 * @param name one that our registry knows, aliases included.
 */
export function policyConfigFor(name: string): PolicyConfigConstructor {
  return class implements PolicyConfig {
    readonly policy: Policy;
    readonly #json: unknown;

    constructor(...[json = {}]: unknown[]) {
      this.#json = json;
      const policy = tryParsePolicy(name, json, name);
      if (policy === null) throw new PolicyError(`unknown policy ${JSON.stringify(name)}`);
      this.policy = policy;
    }

    static createFromJson(json: unknown): PolicyConfig {
      try {
        return new this(json ?? {});
      } catch (error) {
        if (!(error instanceof ServiceConfigError)) throw error;
        // grpc-js puts the name there itself.
        const prefix = `service config: ${name}`;
        throw new PolicyError(error.message.slice(prefix.length).replace(/^[. ]/, ""));
      }
    }

    getLoadBalancerName(): string {
      return name;
    }

    toJsonObject(): object {
      return { [name]: this.#json };
    }
  };
}
