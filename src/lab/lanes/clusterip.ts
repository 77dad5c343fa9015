/**
 * The lane `clusterip`: one channel to the ClusterIP, as most begin. The connection is balanced, so
 * one pod gets every call.
 */
import { startClusterIp } from "./clusterip-relay.ts";
import type { Lane } from "./lane.ts";

/** The lane. */
export const CLUSTERIP: Lane = {
  name: "clusterip",
  title: "ClusterIP Service",
  how: "stock grpc-js, one channel to the ClusterIP",
  async open(env) {
    const { pods, podsReady } = env;
    await podsReady;
    const addresses = (): string[] => pods.ready.map((pod) => pod.address);
    const service = await startClusterIp("the ClusterIP", pods.clusterIp, addresses(), env);
    // Pods that came before it listened, and all that come and go from now on.
    const follow = (): void => service.follow(addresses());
    follow();
    pods.onChange(follow);
    return { target: service.address, serviceConfig: "", connections: 1 };
  },
};
