/** The lanes of a scenario: their words, or mappings that change one in a few points. Pure. */
import { KNOWN_POLICY_NAMES } from "../../balancing/index.ts";
import { CALLED_METHODS } from "../messages.ts";
import { LANE_NAMES, type LaneName } from "../options.ts";
import { NAME_FORM, parseName } from "./name.ts";
import { SCENARIO_LANES_MAX, type ScenarioLane } from "./scenario.ts";
import type { YamlValue } from "./yaml-value.ts";

const KEYS = ["lane", "name", "policy", "connectionsPerPod", "calls", "optional"] as const;
/** Whose client chooses a pod by a service config. */
const WITH_POLICY: readonly LaneName[] = ["static", "headless", "client"];
/** Whose client is another program, which calls what it calls. */
const OTHER_CLIENTS: readonly LaneName[] = ["http1", "proxyless"];
/** Whose client may be fairlead's channel with several connections to what it dials. */
const WITH_POOL: readonly LaneName[] = ["clusterip", "client"];
const CONNECTIONS_MAX = 100;

/** All of them; what is wrong is among the problems of the values. */
export function readLanes(value: YamlValue | undefined): readonly ScenarioLane[] {
  const entries = value?.list("lanes", SCENARIO_LANES_MAX) ?? [];
  if (value !== undefined && entries.length === 0 && value.isList)
    value.refuse("one lane at least");
  const lanes: ScenarioLane[] = [];
  for (const entry of entries) {
    const lane = entry.isMapping ? changedLane(entry) : plainLane(entry);
    if (lane === null) continue;
    if (lanes.some(({ name }) => name === lane.name)) {
      entry.fault(`${entry.key}: there is a lane ${lane.name} already: give this one a name`);
    }
    lanes.push(lane);
  }
  return lanes;
}

function plainLane(entry: YamlValue): ScenarioLane | null {
  const lane = entry.oneOf(LANE_NAMES);
  if (lane === undefined) return null;
  return {
    name: lane,
    lane,
    policy: null,
    connectionsPerPod: null,
    calls: "say",
    isOptional: false,
  };
}

function changedLane(entry: YamlValue): ScenarioLane | null {
  const fields = entry.fields(KEYS)!;
  if (fields.lane === undefined) return entry.fault(`${entry.key}: lane is missing`) ?? null;
  const lane = fields.lane.oneOf(LANE_NAMES);
  if (lane === undefined) return null;
  const { policy, connectionsPerPod, calls } = fields;
  if (policy !== undefined && !WITH_POLICY.includes(lane)) {
    policy.fault(`${policy.key}: only the lanes ${WITH_POLICY.join(", ")} have a policy to change`);
  }
  if (connectionsPerPod !== undefined && !WITH_POOL.includes(lane)) {
    const lanes = WITH_POOL.join(", ");
    connectionsPerPod.fault(`${connectionsPerPod.key}: only the lanes ${lanes} have such a limit`);
  }
  if (calls !== undefined && OTHER_CLIENTS.includes(lane)) {
    calls.fault(`${calls.key}: the client of the lane ${lane} calls nothing else`);
  }
  return {
    name: fields.name?.parsed(NAME_FORM, parseName) ?? lane,
    lane,
    policy: policy?.oneOf(KNOWN_POLICY_NAMES) ?? null,
    connectionsPerPod: connectionsPerPod?.wholeNumber(1, CONNECTIONS_MAX) ?? null,
    calls: calls?.oneOf(CALLED_METHODS) ?? "say",
    isOptional: fields.optional?.truth() ?? false,
  };
}
