/**
 * Which service config a cluster applies: the one that it was given, or else the resolver's, such
 * as the annotation `fairlead.dev/service-config` of a Service. A wrong one leaves the last good
 * one.
 */
import type { Logger } from "../../base/index.ts";
import {
  type ClusterListener,
  parseServiceConfig,
  type ServiceConfig,
  tryServiceConfig,
} from "../../cluster/index.ts";
import type { ServiceConfigResult } from "../../discovery/index.ts";
import { MethodPolicies } from "./method-policies.ts";

/** See the head of this file. */
export class ServiceConfigInForce implements ClusterListener {
  readonly #target: string;
  readonly #log: Logger;
  readonly #apply: (config: ServiceConfig) => void;
  readonly #own: ServiceConfig;
  /** Whether the resolver's counts: nothing was chosen. */
  readonly #takesResolvers: boolean;
  #said: ServiceConfigResult | null = null;
  #current: ServiceConfig;
  /** What it says of methods; null when it says nothing of any. */
  policies: MethodPolicies | null;

  /**
   * @param own was chosen; null: the resolver's counts, and where it says nothing the default.
   * @param apply is called with each that takes the place of another.
   */
  constructor(
    own: ServiceConfig | null,
    target: string,
    log: Logger,
    apply: (config: ServiceConfig) => void,
  ) {
    this.#own = own ?? parseServiceConfig({});
    this.#takesResolvers = own === null;
    this.#target = target;
    this.#log = log;
    this.#apply = apply;
    this.#current = this.#own;
    this.policies = MethodPolicies.of(this.#own.methods);
  }

  /** The one that holds. */
  get current(): ServiceConfig {
    return this.#current;
  }

  onConnectivity(): void {}

  onServiceConfig(result: ServiceConfigResult | null): void {
    // It comes with every change of endpoints, and is nearly always the same.
    if (!this.#takesResolvers || result === this.#said) return;
    this.#said = result;
    const target = this.#target;
    const config = result === null ? this.#own : tryServiceConfig(result);
    if (typeof config === "string") {
      this.#log.warn("service config of the resolver is not used", { target, reason: config });
      return;
    }
    this.#current = config;
    this.policies = MethodPolicies.of(config.methods);
    const policy = config.balancing.policy.name;
    this.#log.info("service config", { target, policy, fromResolver: result !== null });
    this.#apply(config);
  }
}
