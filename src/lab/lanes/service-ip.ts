/**
 * A Service's virtual IP: what connects to it is connected to one of the endpoints behind it.
 */
import type { Pod } from "../pods/pod.ts";
import type { LaneEnv } from "./lane.ts";
import { startRelay } from "./service-ip-relay.ts";

/** One that takes connections. */
export interface ServiceIp {
  /** ip:port */
  readonly address: string;
  /** Says what is behind it from now on: ip:port of each. What is connected stays. */
  follow(addresses: readonly string[]): void;
}

/** One that follows the pods. */
export interface PodsServiceIp {
  /** ip:port */
  readonly address: string;
  /** It follows no more. */
  close(): Promise<void>;
}

/**
 * Gives the pods a Service's IP. Throws `LabError` when that cannot be had.
 *
 * @param label of it, as part of a sentence.
 * @param at port 0: any.
 * @param addressOf ip:port of what it leads to.
 */
export async function serviceOfPods(
  label: string,
  at: { readonly host: string; readonly port: number },
  addressOf: (pod: Pod) => string,
  env: LaneEnv,
): Promise<PodsServiceIp> {
  const { pods } = env;
  const addresses = (): readonly string[] => pods.ready.map(addressOf);
  const service = await startRelay(label, at, addresses(), env);
  // Pods that came before it listened, and all that come and go from now on.
  const follow = (): void => service.follow(addresses());
  follow();
  const unsubscribe = pods.onChange(follow);
  return { address: service.address, close: async () => unsubscribe() };
}
