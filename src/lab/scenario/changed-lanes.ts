/**
 * The lanes of a scenario as the lab runs them: those of the house, changed where the scenario says
 * so, by wrapping what they tell their clients to dial.
 */
import { LabError } from "../error.ts";
import { type Dial, LANES, type Lane, type LaneEnv } from "../lanes/index.ts";
import { policyConfig } from "../lanes/lane.ts";
import type { ScenarioLane } from "./scenario.ts";

/** In the same order. */
export function changedLanes(lanes: readonly ScenarioLane[]): readonly Lane[] {
  const first = lanes.find(({ lane }) => lane === "clusterip");
  return lanes.map((lane) => changed(lane, lane.lane === "clusterip" && lane !== first));
}

/** @param isSecond the Service that it dials is another lane's already. */
function changed(own: ScenarioLane, isSecond: boolean): Lane {
  const { name, lane: word, policy, connectionsPerPod, calls } = own;
  const lane = LANES[word];
  const hasOwnDial = policy !== null || connectionsPerPod !== null || calls !== "say";
  if (name === word && !hasOwnDial) return lane;
  const said = [
    policy === null ? "" : policy,
    connectionsPerPod === null ? "" : `up to ${connectionsPerPod} connections a pod`,
  ].filter((part) => part !== "");
  return {
    ...lane,
    name,
    title: said.length === 0 ? lane.title : `${lane.title}, ${said.join(", ")}`,
    open: async (env) => {
      const dial = isSecond ? await dialService(env) : await lane.open(env);
      return {
        ...dial,
        calls,
        ...(policy !== null && { serviceConfig: policyConfig(policy) }),
        // pick_first connects to one.
        ...(policy === "pick_first" && { connections: 1 }),
        // Stock grpc-js has no pool: it is fairlead's channel that dials then.
        ...(connectionsPerPod !== null && { connectionsPerPod, kubernetes: env.kubernetes }),
      };
    },
  };
}

/** The Service's IP, which is there by the first lane that has it. */
async function dialService({ pods, podsReady }: LaneEnv): Promise<Dial> {
  await podsReady;
  const { host, port } = pods.clusterIp;
  if (port === 0) throw new LabError("on this system two lanes cannot dial one ClusterIP");
  return { target: `${host}:${port}`, serviceConfig: "", connections: 1 };
}
