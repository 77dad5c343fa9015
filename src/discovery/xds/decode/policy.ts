/**
 * How calls of a cluster are spread: its LB policy as an entry of `loadBalancingConfig`. gRFCs A27,
 * A42, A48, A52, A58, A62.
 *
 * Of `load_balancing_policy` the first that is supported counts (A52); without it, `lb_policy`.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import {
  type AnyMessage,
  ClientSideWeightedRoundRobinSchema,
  type Cluster,
  Cluster_LbPolicy,
  defined,
  durationJson,
  FieldProblem,
  LeastRequestSchema,
  type LoadBalancingPolicy,
  MaglevSchema,
  Notes,
  PickFirstSchema,
  type ProtoDuration,
  RandomSchema,
  RingHashSchema,
  RoundRobinSchema,
  TypedStructSchema,
  typeNameOf,
  UdpaTypedStructSchema,
  unpack,
  WrrLocalitySchema,
} from "../../../xds/index.ts";

/** What a cluster's policy comes to. */
export interface DecodedPolicy {
  /** `{"least_request": {...}}`. */
  readonly entry: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** `fairlead.slowStart`, or undefined. */
  readonly slowStart: Readonly<Record<string, unknown>> | undefined;
  /** Whether weights of localities count. */
  readonly isByLocality: boolean;
  /** What was asked for and is not done, for people. */
  readonly notes: readonly string[];
}

/** Names of ours that a typed struct may end with: "type.googleapis.com/fairlead.peak_ewma". */
const OWN_NAMES: readonly string[] = [
  ...["pick_first", "round_robin", "least_request", "peak_ewma", "ring_hash", "maglev", "random"],
  "weighted_round_robin",
];
/** "recursion ... 16 levels" (A52). */
const NESTING_MAX = 16;

/** @throws FieldProblem */
export function policyOf(cluster: Cluster): DecodedPolicy {
  const { loadBalancingPolicy } = cluster;
  if (loadBalancingPolicy === undefined) return legacyPolicyOf(cluster);
  return firstKnown(loadBalancingPolicy, "load_balancing_policy", 0);
}

function legacyPolicyOf(cluster: Cluster): DecodedPolicy {
  const { lbPolicy, lbConfig, commonLbConfig } = cluster;
  const isByLocality = commonLbConfig?.localityConfigSpecifier.case === "localityWeightedLbConfig";
  const plain = (name: string, config: Record<string, unknown> = {}): DecodedPolicy => ({
    entry: { [name]: config },
    slowStart: undefined,
    isByLocality,
    notes: [],
  });
  switch (lbPolicy) {
    case Cluster_LbPolicy.ROUND_ROBIN: {
      // A27: ROUND_ROBIN will be wrr_locality with round_robin as its child.
      const given = lbConfig.case === "roundRobinLbConfig" ? lbConfig.value : undefined;
      const slowStart = slowStartOf(given?.slowStartConfig, "round_robin_lb_config");
      return { ...plain("round_robin"), isByLocality: true, slowStart };
    }
    case Cluster_LbPolicy.LEAST_REQUEST: {
      const given = lbConfig.case === "leastRequestLbConfig" ? lbConfig.value : undefined;
      const choiceCount = choicesOf(given?.choiceCount, "least_request_lb_config.choice_count");
      const slowStart = slowStartOf(given?.slowStartConfig, "least_request_lb_config");
      const notes = unapplied("least_request_lb_config", biasOf(given));
      return { ...plain("least_request", defined({ choiceCount })), slowStart, notes };
    }
    case Cluster_LbPolicy.RING_HASH: {
      const given = lbConfig.case === "ringHashLbConfig" ? lbConfig.value : undefined;
      // if the hash_function is not XX_HASH, the update is NACKed (A42).
      if (given !== undefined && given.hashFunction !== 0) {
        throw new FieldProblem("ring_hash_lb_config.hash_function", "must be XX_HASH");
      }
      return plain("ring_hash", ringOf(given?.minimumRingSize, given?.maximumRingSize));
    }
    case Cluster_LbPolicy.MAGLEV: {
      const given = lbConfig.case === "maglevLbConfig" ? lbConfig.value : undefined;
      return plain("maglev", defined({ tableSize: wide(given?.tableSize) }));
    }
    case Cluster_LbPolicy.RANDOM:
      return plain("random");
    case Cluster_LbPolicy.CLUSTER_PROVIDED:
      // Of aggregate and original-destination clusters; the children have their own (A37).
      return { ...plain("round_robin"), isByLocality: true };
    default:
      throw new FieldProblem("lb_policy", `is ${Cluster_LbPolicy[lbPolicy] ?? lbPolicy}, unknown`);
  }
}

function firstKnown(list: LoadBalancingPolicy, path: string, depth: number): DecodedPolicy {
  if (depth >= NESTING_MAX) throw new FieldProblem(path, `is nested deeper than ${NESTING_MAX}`);
  const names: string[] = [];
  for (const [i, { typedExtensionConfig }] of list.policies.entries()) {
    const any = typedExtensionConfig?.typedConfig;
    const at = `${path}.policies[${i}]`;
    const found = any === undefined ? null : knownPolicy(any, at, depth);
    if (found !== null) return found;
    names.push(any === undefined ? "(none)" : typeNameOf(any));
  }
  throw new FieldProblem(path, `has no policy that is known here: ${names.join(", ") || "empty"}`);
}

function knownPolicy(any: AnyMessage, path: string, depth: number): DecodedPolicy | null {
  const as = <D extends DescMessage>(schema: D): MessageShape<D> | null =>
    unpack(schema, any, path);
  const wrr = as(WrrLocalitySchema);
  if (wrr !== null) {
    const { endpointPickingPolicy: child } = wrr;
    if (child === undefined)
      throw new FieldProblem(`${path}.endpoint_picking_policy`, "is missing");
    const found = firstKnown(child, `${path}.endpoint_picking_policy`, depth + 1);
    return { ...found, isByLocality: true };
  }
  const struct = as(TypedStructSchema) ?? as(UdpaTypedStructSchema);
  if (struct !== null) return structPolicy(struct.typeUrl, struct.value ?? {});
  return leafPolicy(as, path);
}

type As = <D extends DescMessage>(schema: D) => MessageShape<D> | null;

function leafPolicy(as: As, path: string): DecodedPolicy | null {
  const roundRobin = as(RoundRobinSchema);
  if (roundRobin !== null) {
    const slowStart = slowStartOf(roundRobin.slowStartConfig, path);
    const notes = unapplied(path, zonesOf(roundRobin));
    return { ...leaf("round_robin", {}, isWeighted(roundRobin), slowStart), notes };
  }
  const least = as(LeastRequestSchema);
  if (least !== null) {
    const choiceCount = choicesOf(least.choiceCount, `${path}.choice_count`);
    const slowStart = slowStartOf(least.slowStartConfig, path);
    const isFull = least.enableFullScan === true || least.selectionMethod !== 0;
    const notes = unapplied(path, [
      ...biasOf(least),
      ...zonesOf(least),
      ["selection_method (a full scan)", isFull],
    ]);
    const found = leaf("least_request", defined({ choiceCount }), isWeighted(least), slowStart);
    return { ...found, notes };
  }
  const ring = as(RingHashSchema);
  if (ring !== null) {
    // DEFAULT_HASH is XX_HASH.
    if (ring.hashFunction > 1) throw new FieldProblem(`${path}.hash_function`, "must be XX_HASH");
    const notes = unapplied(path, hashingOf(ring.consistentHashingLbConfig ?? ring));
    return { ...leaf("ring_hash", ringOf(ring.minimumRingSize, ring.maximumRingSize)), notes };
  }
  const maglev = as(MaglevSchema);
  if (maglev !== null) {
    const notes = unapplied(path, hashingOf(maglev.consistentHashingLbConfig));
    return { ...leaf("maglev", defined({ tableSize: wide(maglev.tableSize) })), notes };
  }
  if (as(RandomSchema) !== null) return leaf("random", {});
  const first = as(PickFirstSchema);
  if (first !== null) return leaf("pick_first", { shuffleAddressList: first.shuffleAddressList });
  const weighted = as(ClientSideWeightedRoundRobinSchema);
  return weighted === null ? null : leaf("weighted_round_robin", wrrOf(weighted, path));
}

function leaf(
  name: string,
  config: Record<string, unknown>,
  isByLocality = false,
  slowStart: DecodedPolicy["slowStart"] = undefined,
): DecodedPolicy {
  return { entry: { [name]: config }, isByLocality, slowStart, notes: [] };
}

type Asked = readonly (readonly [field: string, isSet: boolean])[];

function unapplied(path: string, fields: Asked): string[] {
  const notes = new Notes();
  notes.addSet(path, fields);
  return notes.list();
}

/** 1 is the default of a bias, by which calls in flight count as they are. */
function biasOf(
  config:
    | { readonly activeRequestBias?: { readonly defaultValue: number } | undefined }
    | undefined,
): Asked {
  return [["active_request_bias", (config?.activeRequestBias?.defaultValue ?? 1) !== 1]];
}

function zonesOf(config: Localities): Asked {
  const { case: kind } = config.localityLbConfig?.localityConfigSpecifier ?? {};
  return [["locality_lb_config.zone_aware_lb_config", kind === "zoneAwareLbConfig"]];
}

function hashingOf(
  config:
    | { readonly hashBalanceFactor?: number | undefined; readonly useHostnameForHashing: boolean }
    | undefined,
): Asked {
  return [
    ["hash_balance_factor", config?.hashBalanceFactor !== undefined],
    ["use_hostname_for_hashing", config?.useHostnameForHashing === true],
  ];
}

/** A52: the part of the type URL after the last slash is the name of the policy. */
function structPolicy(typeUrl: string, value: Record<string, unknown>): DecodedPolicy | null {
  const full = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  const name = full.slice(full.lastIndexOf(".") + 1).replace(/_experimental$/, "");
  return OWN_NAMES.includes(name) ? leaf(name, value) : null;
}

interface Localities {
  readonly localityLbConfig?:
    | { readonly localityConfigSpecifier: { readonly case?: string | undefined } }
    | undefined;
}

function isWeighted(config: Localities): boolean {
  return config.localityLbConfig?.localityConfigSpecifier.case === "localityWeightedLbConfig";
}

/** If choice_count < 2, the config will be rejected. (A48) */
function choicesOf(choiceCount: number | undefined, path: string): number | undefined {
  if (choiceCount === undefined || choiceCount >= 2) return choiceCount;
  throw new FieldProblem(path, `is ${choiceCount}, must be 2 or more`);
}

/** A42: if greater than 8M, NACK; C-core and grpc-go as well. */
function ringOf(min: bigint | undefined, max: bigint | undefined): Record<string, unknown> {
  return defined({ minRingSize: wide(min), maxRingSize: wide(max) });
}

function wide(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

interface SlowStart {
  readonly slowStartWindow?: ProtoDuration | undefined;
  readonly aggression?: { readonly defaultValue: number } | undefined;
  readonly minWeightPercent?: { readonly value: number } | undefined;
}

function slowStartOf(config: SlowStart | undefined, path: string): DecodedPolicy["slowStart"] {
  const window = durationJson(config?.slowStartWindow, `${path}.slow_start_config`);
  if (config === undefined || window === undefined || window === "0s") return undefined;
  const aggression = config.aggression?.defaultValue || undefined;
  const minWeightPercent = config.minWeightPercent?.value;
  return defined({ window, aggression, minWeightPercent });
}

function wrrOf(
  config: MessageShape<typeof ClientSideWeightedRoundRobinSchema>,
  path: string,
): Record<string, unknown> {
  const { enableOobLoadReport, errorUtilizationPenalty } = config;
  return defined({
    enableOobLoadReport,
    errorUtilizationPenalty,
    oobReportingPeriod: durationJson(config.oobReportingPeriod, `${path}.oob_reporting_period`),
    blackoutPeriod: durationJson(config.blackoutPeriod, `${path}.blackout_period`),
    weightExpirationPeriod: durationJson(
      config.weightExpirationPeriod,
      `${path}.weight_expiration_period`,
    ),
    weightUpdatePeriod: durationJson(config.weightUpdatePeriod, `${path}.weight_update_period`),
  });
}
