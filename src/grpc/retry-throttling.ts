/**
 * `retryThrottling` of a service config, checked, and the pushback that servers answer with: what
 * holds attempts back. https://github.com/grpc/proposal/blob/master/A6-client-retries.md
 */
import { type Fields, fieldsAt, refuse } from "./json-fields.ts";

/** The most tokens there can be; a success that brought more would bring no more than these. */
const TOKENS_MAX = 1_000;

/** When failures stop retries. */
export interface RetryThrottling {
  /** From 1 to 1,000. */
  readonly maxTokens: number;
  /** In thousandths, which is as exact as it gets: from 1 to 1,000,000. */
  readonly tokenRatioThousandths: number;
}

/**
 * @param json service config after `JSON.parse`.
 * @returns null when it says nothing of it.
 * @throws ServiceConfigError
 */
export function parseRetryThrottling(json: unknown): RetryThrottling | null {
  const { retryThrottling } = fieldsAt(json, "");
  if (retryThrottling === undefined || retryThrottling === null) return null;
  const { maxTokens, tokenRatio }: Fields = fieldsAt(retryThrottling, "retryThrottling");
  // "maxTokens MUST be specified and MUST be a JSON integer value in the range (0, 1000]."
  const isCount = Number.isInteger(maxTokens) && (maxTokens as number) > 0;
  if (!isCount || (maxTokens as number) > TOKENS_MAX) {
    refuse("retryThrottling.maxTokens", maxTokens, `a whole number from 1 to ${TOKENS_MAX}`);
  }
  // "Decimal places beyond 3 are ignored. (eg. 0.5466 is treated as 0.546.)" Rounded where the
  // product of a decimal is a hair below its whole number.
  const thousandths = typeof tokenRatio === "number" ? floorExactly(tokenRatio * 1_000) : 0;
  if (!(thousandths >= 1 && thousandths <= TOKENS_MAX * 1_000)) {
    refuse("retryThrottling.tokenRatio", tokenRatio, `a number from 0.001 to ${TOKENS_MAX}`);
  }
  return { maxTokens: maxTokens as number, tokenRatioThousandths: thousandths };
}

function floorExactly(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) < 1e-6 ? whole : Math.floor(value);
}

/** "an ASCII encoded signed 32-bit integer with no unnecessary leading zeros" */
const PUSHBACK = /^(?:0|-?[1-9]\d{0,9})$/;
const INT32_MAX = 2 ** 31 - 1;

/**
 * The milliseconds in a `grpc-retry-pushback-ms` field, or -1: "If the value for pushback is
 * negative or unparseble, then it will be seen as the server asking the client not to retry at
 * all." (A6)
 */
export function parsePushback(value: string): number {
  const ms = PUSHBACK.test(value) ? Number(value) : -1;
  return ms > INT32_MAX ? -1 : Math.max(ms, -1);
}
