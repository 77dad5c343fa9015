/**
 * The lane `static`: the addresses of all pods written into the target, as a client without any
 * discovery would have them. It never hears of a pod that comes.
 */
import { type Lane, ROUND_ROBIN } from "./lane.ts";

/** The lane. */
export const STATIC: Lane = {
  name: "static",
  title: "All pods listed",
  how: "stock grpc-js, round_robin over all pods",
  async open({ pods, podsReady }) {
    await podsReady;
    const list = pods.ready.map((pod) => pod.address);
    return {
      target: `ipv4:${list.join(",")}`,
      serviceConfig: ROUND_ROBIN,
      connections: list.length,
      chooser: { by: "list", from: "static" },
    };
  },
};
