/**
 * Policies by name, for the command line and for service config.
 *
 * grpc-go registers some policies with the suffix `_experimental`; both names mean the same.
 */
import { CHOICE_COUNT_DEFAULT, CHOICE_COUNT_MIN, LeastRequestPolicy } from "./least-request.ts";
import { PickFirstPolicy } from "./pick-first.ts";
import type { Policy } from "./policy.ts";
import { RandomPolicy } from "./random.ts";
import { RoundRobinPolicy } from "./round-robin.ts";
import { WeightedRoundRobinPolicy } from "./weighted-round-robin.ts";
import { parseWeightedRoundRobinConfig } from "./weighted-round-robin-config.ts";

/** A policy or its config is unknown or wrong. The message is one sentence for the user. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
}

/** The JSON object that stands beside a policy's name in service config. */
export type PolicyConfig = Readonly<Record<string, unknown>>;

/** What is used when nobody names a policy. */
export const DEFAULT_POLICY_NAME = "least_request";

const PARSERS: ReadonlyMap<string, (config: PolicyConfig) => Policy> = new Map<
  string,
  (config: PolicyConfig) => Policy
>([
  ["pick_first", parsePickFirst],
  ["round_robin", () => new RoundRobinPolicy()],
  ["least_request", parseLeastRequest],
  ["least_request_experimental", parseLeastRequest],
  ["random", () => new RandomPolicy()],
  ["weighted_round_robin", parseWeightedRoundRobin],
  ["weighted_round_robin_experimental", parseWeightedRoundRobin],
]);

/** Every name that `parsePolicy` takes, aliases left out, for help texts. */
export const KNOWN_POLICY_NAMES: readonly string[] = [...PARSERS.keys()].filter(
  (name) => !name.endsWith("_experimental"),
);

/**
 * The policy of that name with its default parameters.
 *
 * @throws PolicyError naming the known policies when there is no such policy.
 */
export function parsePolicy(name: string): Policy {
  const policy = tryParsePolicy(name, {});
  if (policy !== null) return policy;
  throw new PolicyError(
    `unknown policy ${JSON.stringify(name)}: known are ${KNOWN_POLICY_NAMES.join(", ")}`,
  );
}

/**
 * The policy of that name with the parameters of `config`, or null when the name is unknown.
 *
 * @throws PolicyError when the name is known and the config is wrong.
 */
export function tryParsePolicy(name: string, config: PolicyConfig): Policy | null {
  return PARSERS.get(name)?.(config) ?? null;
}

function parsePickFirst(config: PolicyConfig): Policy {
  const shuffle = config.shuffleAddressList ?? false;
  if (typeof shuffle !== "boolean") {
    throw new PolicyError(`pick_first: shuffleAddressList is ${show(shuffle)}, must be a boolean`);
  }
  return new PickFirstPolicy(shuffle);
}

function parseLeastRequest(config: PolicyConfig): Policy {
  const choiceCount = config.choiceCount ?? CHOICE_COUNT_DEFAULT;
  if (!Number.isInteger(choiceCount)) {
    throw new PolicyError(
      `least_request: choiceCount is ${show(choiceCount)}, must be a whole number`,
    );
  }
  // "If choice_count < 2, the config will be rejected." (A48)
  if ((choiceCount as number) < CHOICE_COUNT_MIN) {
    throw new PolicyError(`least_request: choiceCount is ${show(choiceCount)}, must be 2 or more`);
  }
  return new LeastRequestPolicy(choiceCount as number);
}

function parseWeightedRoundRobin(config: PolicyConfig): Policy {
  return new WeightedRoundRobinPolicy(
    parseWeightedRoundRobinConfig(config, "weighted_round_robin"),
  );
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
