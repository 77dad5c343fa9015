/**
 * A Service's virtual IP: what connects to it is connected to one of the endpoints behind it.
 */
import type { Pod } from "../pods/pod.ts";
import type { Carried, Chooser, GivenTo } from "../why/index.ts";
import type { LaneEnv } from "./lane.ts";
import { startRelay } from "./service-ip-relay.ts";
import { startRules } from "./service-ip-rules.ts";

/** Where one is. */
export interface ServicePort {
  readonly host: string;
  readonly port: number;
}

/** One that takes connections. */
export interface ServiceIp {
  /** ip:port */
  readonly address: string;
  /** Says what is behind it from now on: ip:port of each. What is connected stays. */
  follow(addresses: readonly string[]): void;
  /** Where the connections that are open lead. Rejects with `LabError`. */
  carried(): Promise<readonly Carried[]>;
  /** Takes back what would outlive the lane's processes. */
  close(): Promise<void>;
}

/**
 * Gives something a Service's IP, by rules of the kernel in a network namespace of the lab's own,
 * by a relay elsewhere. Throws `LabError` when that cannot be had.
 *
 * @param label of it, as part of a sentence.
 * @param at port 0: any, which only a relay can find.
 * @param addresses behind it at first.
 */
export function startServiceIp(
  label: string,
  at: ServicePort,
  addresses: readonly string[],
  env: Pick<LaneEnv, "children" | "clock" | "onBroken" | "clusterIpBy">,
): Promise<ServiceIp> {
  const start = env.clusterIpBy === "nftables" ? startRules : startRelay;
  return start(label, at, addresses, env);
}

/** One that leads to the pods. */
export interface PodsServiceIp extends Pick<ServiceIp, "address" | "close"> {
  /** Who gives connections to pods, and where those that are open lead. */
  readonly service: Pick<Extract<Chooser, { readonly by: "service" }>, "clusterIpBy" | "carried">;
}

/**
 * Gives the pods a Service's IP, and has it follow them. As `startServiceIp`.
 *
 * @param addressOf ip:port of what it leads to.
 */
export async function serviceOfPods(
  label: string,
  at: ServicePort,
  addressOf: (pod: Pod) => string,
  env: LaneEnv,
): Promise<PodsServiceIp> {
  const { pods, clusterIpBy } = env;
  /** Pods by address, those that have gone, too: connections to them may be left. */
  const names = new Map<string, string>();
  const addresses = (): readonly string[] => {
    for (const pod of pods.ready) names.set(addressOf(pod), pod.name);
    return pods.ready.map(addressOf);
  };
  const service = await startServiceIp(label, at, addresses(), env);
  // Pods that came before it listened, and all that come and go from now on.
  const follow = (): void => service.follow(addresses());
  follow();
  const unsubscribe = pods.onChange(follow);
  const close = async (): Promise<void> => {
    unsubscribe();
    await service.close();
  };
  const carried = async (): Promise<readonly GivenTo[]> =>
    (await service.carried()).map(({ from, to }) => ({ from, pod: names.get(to) ?? to }));
  return { address: service.address, close, service: { clusterIpBy, carried } };
}
