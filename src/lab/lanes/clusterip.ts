/**
 * The lane `clusterip`: one channel to the ClusterIP, as most begin. The connection is balanced, so
 * one pod gets every call.
 */
import type { Lane } from "./lane.ts";
import { serviceOfPods } from "./service-ip.ts";

/** The lane. */
export const CLUSTERIP: Lane = {
  name: "clusterip",
  title: "ClusterIP Service",
  how: "stock grpc-js, one channel to the ClusterIP",
  async open(env) {
    await env.podsReady;
    const { clusterIp } = env.pods;
    const { address, service, close } = await serviceOfPods(
      "the ClusterIP",
      clusterIp,
      (pod) => pod.address,
      env,
    );
    const chooser = { by: "service", opensMore: false, ...service } as const;
    return { target: address, serviceConfig: "", connections: 1, chooser, close };
  },
};
