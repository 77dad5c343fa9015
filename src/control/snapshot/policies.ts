/**
 * A load balancing policy in the words of those who carry it out (`load_balancing_policy`, gRFC
 * A52): a list, of which each takes the first that it knows.
 *
 * gRPC wants a locality policy around most (`wrr_locality`); Envoy has it inside. Every list for
 * gRPC ends with round_robin, which all know.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  LeastRequestPolicy,
  MaglevPolicy,
  type Policy,
  RING_SIZE_CAP_DEFAULT,
  RING_SIZE_MIN_DEFAULT,
  RingHashPolicy,
  type SlowStartConfig,
  type WeightedRoundRobinPolicy,
} from "../../balancing/index.ts";
import {
  ClientSideWeightedRoundRobinSchema,
  LeastRequestSchema,
  type LoadBalancingPolicySchema,
  MaglevSchema,
  PickFirstSchema,
  RandomSchema,
  RingHashSchema,
  RoundRobinSchema,
  WrrLocalitySchema,
} from "../../xds/index.ts";
import { durationOf, packed } from "./resource.ts";
import type { Settings } from "./settings.ts";

type PolicyList = MessageInitShape<typeof LoadBalancingPolicySchema>;

/** The policy of a cluster for gRPC clients; adds to `problems` what they cannot do. */
export function grpcPolicies({ config }: Settings, problems: string[]): PolicyList {
  const { policy } = config.balancing;
  const roundRobin = entry("round_robin", packed(RoundRobinSchema, {}));
  const inLocalities = (...list: Entry[]): Entry =>
    entry(
      "wrr_locality",
      packed(WrrLocalitySchema, { endpointPickingPolicy: { policies: [...list, roundRobin] } }),
    );
  switch (policy.name) {
    case "least_request":
      return { policies: [inLocalities(leastRequest(policy, null))] };
    case "peak_ewma":
      problems.push("policy peak_ewma: gRPC clients have none such, least_request is used");
      return { policies: [inLocalities(leastRequest(policy, null))] };
    case "weighted_round_robin":
      return { policies: [inLocalities(weightedRoundRobin(policy as WeightedRoundRobinPolicy))] };
    case "ring_hash":
    case "maglev":
      if (policy.name === "maglev") {
        problems.push("policy maglev: gRPC clients have none such, ring_hash is used");
      }
      return { policies: [ringHash(policy, GRPC_RING_DEFAULTS), inLocalities()] };
    case "pick_first": {
      const { shuffleAddressList } = policy;
      const first = entry("pick_first", packed(PickFirstSchema, { shuffleAddressList }));
      return { policies: [first, inLocalities()] };
    }
    case "random":
      problems.push("policy random: gRPC clients have none such, round_robin is used");
      return { policies: [inLocalities()] };
    default:
      return { policies: [inLocalities()] };
  }
}

/** The policy of a cluster for proxies, in Envoy's words; adds to `problems` what these lack. */
export function proxyPolicies({ config }: Settings, problems: string[]): PolicyList {
  const { policy } = config.balancing;
  const { slowStart } = config.extensions;
  const only = (one: Entry): PolicyList => ({ policies: [one] });
  const roundRobin = () =>
    only(entry("round_robin", packed(RoundRobinSchema, slowStartField(slowStart))));
  const takesSlowStart = ["least_request", "peak_ewma", "round_robin", "pick_first"];
  if (slowStart !== null && !takesSlowStart.includes(policy.name)) {
    problems.push(`fairlead.slowStart: not by xDS with policy ${policy.name}`);
  }
  switch (policy.name) {
    case "least_request":
      return only(leastRequest(policy, slowStart));
    case "peak_ewma":
      problems.push(
        "policy peak_ewma: proxies are told of none such by xDS, least_request is used",
      );
      return only(leastRequest(policy, slowStart));
    case "weighted_round_robin":
      return only(weightedRoundRobin(policy as WeightedRoundRobinPolicy));
    case "ring_hash":
      return only(ringHash(policy, NO_DEFAULTS));
    case "maglev": {
      const { tableSize } = (policy as MaglevPolicy).config;
      return only(entry("maglev", packed(MaglevSchema, { tableSize: BigInt(tableSize) })));
    }
    case "random":
      return only(entry("random", packed(RandomSchema, {})));
    case "pick_first":
      problems.push("policy pick_first: proxies are told of none such by xDS, round_robin is used");
      return roundRobin();
    default:
      return roundRobin();
  }
}

/** The header that a policy hashes; null when it hashes none. */
export function hashHeaderOf(policy: Policy): string | null {
  const isHashing = policy instanceof RingHashPolicy || policy instanceof MaglevPolicy;
  return isHashing ? policy.config.requestHashHeader : null;
}

type Entry = NonNullable<PolicyList["policies"]>[number];

function entry(name: string, typedConfig: Any): Entry {
  return {
    typedExtensionConfig: { name: `envoy.load_balancing_policies.${name}`, typedConfig },
  };
}

const CHOICE_COUNT_DEFAULT = 2;

function leastRequest(policy: Policy, slowStart: SlowStartConfig | null): Entry {
  const isOurs = policy instanceof LeastRequestPolicy;
  const choiceCount = isOurs ? policy.choiceCount : CHOICE_COUNT_DEFAULT;
  const fields = { choiceCount, ...slowStartField(slowStart) };
  return entry("least_request", packed(LeastRequestSchema, fields));
}

function weightedRoundRobin({ config }: WeightedRoundRobinPolicy): Entry {
  const { reportPeriodMs, blackoutMs, expirationMs, updateMs, errorPenalty } = config;
  const typed = packed(ClientSideWeightedRoundRobinSchema, {
    enableOobLoadReport: reportPeriodMs !== null,
    ...(reportPeriodMs !== null && { oobReportingPeriod: durationOf(reportPeriodMs) }),
    blackoutPeriod: durationOf(blackoutMs),
    weightExpirationPeriod: durationOf(expirationMs),
    weightUpdatePeriod: durationOf(updateMs),
    errorUtilizationPenalty: errorPenalty,
  });
  return entry("client_side_weighted_round_robin", typed);
}

/**
 * What a ring is without a word: to gRPC clients it is not said, because grpc-js-xds 1.14 takes any
 * size for text, and refuses the whole cluster.
 */
const GRPC_RING_DEFAULTS = { min: RING_SIZE_MIN_DEFAULT, max: RING_SIZE_CAP_DEFAULT };
/** Envoy's own ring may have 8 million places: it is told that ours has not. */
const NO_DEFAULTS = { min: null, max: null };

/** With the sizes of a ring, where they are others than `defaults`. */
function ringHash(policy: Policy, defaults: typeof GRPC_RING_DEFAULTS | typeof NO_DEFAULTS): Entry {
  const sizes = policy instanceof RingHashPolicy ? policy.config : null;
  const said = (size: number | undefined, unsaid: number | null): bigint | null =>
    size === undefined || size === unsaid ? null : BigInt(size);
  const min = said(sizes?.minRingSize, defaults.min);
  const max = said(sizes?.maxRingSize, defaults.max);
  const typed = packed(RingHashSchema, {
    hashFunction: 1, // XX_HASH: "Only XX_HASH is supported" (A42)
    ...(min !== null && { minimumRingSize: min }),
    ...(max !== null && { maximumRingSize: max }),
  });
  return entry("ring_hash", typed);
}

function slowStartField(config: SlowStartConfig | null) {
  if (config === null) return {};
  const { windowMs, aggression, minWeightPercent } = config;
  return {
    slowStartConfig: {
      slowStartWindow: durationOf(windowMs),
      aggression: { defaultValue: aggression, runtimeKey: "fairlead.slow_start.aggression" },
      minWeightPercent: { value: minWeightPercent },
    },
  };
}
