/**
 * The lanes of a scenario as the lab runs them: those of the house, changed where the scenario says
 * so, by wrapping what they tell their clients to dial.
 */
import { LANES, type Lane } from "../lanes/index.ts";
import { policyConfig } from "../lanes/lane.ts";
import type { ScenarioLane } from "./scenario.ts";

/** In the same order. */
export function changedLanes(lanes: readonly ScenarioLane[]): readonly Lane[] {
  return lanes.map(changed);
}

function changed({ name, lane: word, policy, connectionsPerPod }: ScenarioLane): Lane {
  const lane = LANES[word];
  const isAsItIs = name === word && policy === null && connectionsPerPod === null;
  if (isAsItIs) return lane;
  const said = [
    policy === null ? "" : policy,
    connectionsPerPod === null ? "" : `up to ${connectionsPerPod} connections a pod`,
  ].filter((part) => part !== "");
  return {
    ...lane,
    name,
    title: said.length === 0 ? lane.title : `${lane.title}, ${said.join(", ")}`,
    open: async (env) => {
      const dial = await lane.open(env);
      return {
        ...dial,
        ...(policy !== null && { serviceConfig: policyConfig(policy) }),
        // pick_first connects to one.
        ...(policy === "pick_first" && { connections: 1 }),
        // Stock grpc-js has no pool: it is fairlead's channel that dials then.
        ...(connectionsPerPod !== null && { connectionsPerPod, kubernetes: env.kubernetes }),
      };
    },
  };
}
