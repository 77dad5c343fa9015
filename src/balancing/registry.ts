/**
 * Policies by name, for the command line and for service config.
 *
 * grpc-go registers some policies with the suffix `_experimental`; both names mean the same.
 */
import { fieldsAt } from "../grpc/index.ts";
import {
  type ParametersParser,
  parseLeastRequest,
  parseMaglev,
  parsePeakEwma,
  parsePickFirst,
  parseRingHash,
} from "./parameters.ts";
import type { Policy } from "./policy.ts";
import { RandomPolicy } from "./random.ts";
import { RoundRobinPolicy } from "./round-robin.ts";
import { WeightedRoundRobinPolicy } from "./weighted-round-robin.ts";
import { parseWeightedRoundRobinConfig } from "./weighted-round-robin-config.ts";

/** There is no policy of a name. The message is one sentence for the user. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
}

/** What is used when nobody names a policy. */
export const DEFAULT_POLICY_NAME = "least_request";

const SUFFIX = "_experimental";

/** Every policy: its name, and what reads its parameters. */
const POLICIES: ReadonlyMap<string, ParametersParser> = new Map<string, ParametersParser>([
  ["pick_first", parsePickFirst],
  ["round_robin", () => new RoundRobinPolicy()],
  ["least_request", parseLeastRequest],
  ["peak_ewma", parsePeakEwma],
  ["ring_hash", parseRingHash],
  ["maglev", parseMaglev],
  ["random", () => new RandomPolicy()],
  [
    "weighted_round_robin",
    (fields, path) => new WeightedRoundRobinPolicy(parseWeightedRoundRobinConfig(fields, path)),
  ],
]);

/** Those that are older than the suffix, and never had it. */
const WITHOUT_SUFFIX: readonly string[] = ["pick_first", "round_robin", "random"];

/** Every name that `parsePolicy` takes, aliases left out, for help texts. */
export const KNOWN_POLICY_NAMES: readonly string[] = [...POLICIES.keys()];

/**
 * The policy of that name with its default parameters.
 *
 * @throws PolicyError naming the known policies when there is no such policy.
 */
export function parsePolicy(name: string): Policy {
  const policy = tryParsePolicy(name, {}, name);
  if (policy !== null) return policy;
  throw new PolicyError(
    `unknown policy ${JSON.stringify(name)}: known are ${KNOWN_POLICY_NAMES.join(", ")}`,
  );
}

/**
 * The policy of that name with the parameters of `config`, or null when the name is unknown.
 *
 * @param config after `JSON.parse`.
 * @param path where `config` stands, such as "loadBalancingConfig[0].round_robin".
 * @throws ServiceConfigError when the name is known and the config is wrong.
 */
export function tryParsePolicy(name: string, config: unknown, path: string): Policy | null {
  const parse = POLICIES.get(plainName(name));
  return parse === undefined ? null : parse(fieldsAt(config, path), path);
}

function plainName(name: string): string {
  if (!name.endsWith(SUFFIX)) return name;
  const plain = name.slice(0, -SUFFIX.length);
  return WITHOUT_SUFFIX.includes(plain) ? name : plain;
}
