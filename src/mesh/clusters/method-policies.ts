/**
 * What the service config in force says of the methods that are called.
 *
 * Only of calls that are gRPC: whatever else passes through the proxy is not what a service config
 * speaks of, and must not be sent twice.
 */
import { isGrpcRequest } from "../../cluster/index.ts";
import {
  type MethodConfig,
  type MethodConfigs,
  POLICY_ATTEMPTS_MAX,
  withAttemptsMax,
} from "../../grpc/index.ts";
import type { HeaderList } from "../../http2/index.ts";

/** Paths whose config is kept; clients can make up any number of them. */
export const METHODS_KEPT_MAX = 4_096;

/** See the head of this file. */
export class MethodPolicies {
  readonly #configs: MethodConfigs;
  readonly #byPath = new Map<string, MethodConfig>();

  private constructor(configs: MethodConfigs) {
    this.#configs = configs;
  }

  /** Null when it says nothing of any method, so that no call has to ask. */
  static of(configs: MethodConfigs): MethodPolicies | null {
    return configs.entries.length === 0 ? null : new MethodPolicies(configs);
  }

  /** What holds for a request; null when nothing does. */
  find(list: HeaderList): MethodConfig | null {
    if (list.path === null || !isGrpcRequest(list)) return null;
    const path = list.path.value;
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    const config = withAttemptsMax(this.#configs.find(path), POLICY_ATTEMPTS_MAX);
    if (this.#byPath.size >= METHODS_KEPT_MAX) this.#byPath.clear();
    this.#byPath.set(path, config);
    return config;
  }
}
