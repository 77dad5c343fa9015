/**
 * The tokens that failures cost: with too few of them left no attempt follows another. gRFC A6,
 * "Throttling Retry Attempts and Hedged RPCs"; one of a cluster, which is one server name.
 */

import type { RetryThrottling } from "../grpc/index.ts";

/** Tokens are counted in thousandths, in which sums of ratios are exact. */
const TOKEN = 1_000;

/** See the head of this file. */
export class RetryThrottle {
  readonly #config: RetryThrottling;
  #tokens: number;

  /** @param before the one that this replaces: its share of tokens stays. */
  constructor(config: RetryThrottling, before: RetryThrottle | null) {
    this.#config = config;
    // "a `token_count` variable which is initially set to `maxTokens`"
    const share = before === null ? 1 : before.#tokens / (before.#config.maxTokens * TOKEN);
    this.#tokens = Math.round(config.maxTokens * TOKEN * share);
  }

  /** Whole tokens and parts of them. */
  get tokens(): number {
    return this.#tokens / TOKEN;
  }

  /** "Every failed RPC will decrement the `token_count` by 1." */
  onFailure(): void {
    this.#tokens = Math.max(0, this.#tokens - TOKEN);
  }

  /** "Every successful RPC will increment the `token_count` by `tokenRatio`." */
  onSuccess(): void {
    const { maxTokens, tokenRatioThousandths } = this.#config;
    this.#tokens = Math.min(maxTokens * TOKEN, this.#tokens + tokenRatioThousandths);
  }

  /** "If `token_count` is less than or equal to [...] `(maxTokens / 2)`": no further attempts. */
  get isHolding(): boolean {
    return this.#tokens <= (this.#config.maxTokens * TOKEN) / 2;
  }
}
