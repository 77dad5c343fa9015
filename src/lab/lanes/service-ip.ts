/**
 * A Service's virtual IP: what connects to it is connected to one of the endpoints behind it.
 */
import type { Pod } from "../pods/pod.ts";
import type { Carried, CarriedTo } from "../why/index.ts";
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
  /** What stands for kube-proxy. */
  readonly carrier: string;
  /** The connections that it has given away, as far as it knows them. Rejects with `LabError`. */
  carried(): Promise<readonly Carried[]>;
  /** Takes back what would outlive the lane's processes. */
  close(): Promise<void>;
}

/** One that follows the pods. */
export interface PodsServiceIp extends Pick<ServiceIp, "address" | "carrier" | "close"> {
  /** As `ServiceIp`, with the names of the pods. */
  carried(): Promise<readonly CarriedTo[]>;
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
  const { pods } = env;
  /** Pods by address, those that have gone, too: their connections may be left. */
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
  return {
    ...{ address: service.address, carrier: service.carrier },
    carried: async () => {
      const all = await service.carried();
      return all.map(({ from, to, sinceMs }) => ({ from, pod: names.get(to) ?? to, sinceMs }));
    },
    close,
  };
}
