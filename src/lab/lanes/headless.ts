/**
 * The lane `headless`: the name of a headless Service, whose DNS answer lists all pods, resolved by
 * the client itself with `dns:///`. grpc-js asks again only when a connection is lost.
 */
import { NAMESPACE, SERVICES } from "../pods/pod-objects.ts";
import { type Lane, ROUND_ROBIN } from "./lane.ts";

/** The lane. */
export const HEADLESS: Lane = {
  name: "headless",
  title: "Headless Service",
  how: "stock grpc-js, dns:/// and round_robin",
  whyNot: ({ hasOnePort }) =>
    hasOnePort ? null : "DNS tells no ports, and on this system the pods have different ones",
  async open({ pods, podsReady, dns }) {
    await podsReady;
    const { port } = pods.clusterIp;
    const name = `${SERVICES.headless}.${NAMESPACE}.svc.cluster.local`;
    return {
      target: `dns://${dns}/${name}:${port}`,
      serviceConfig: ROUND_ROBIN,
      connections: pods.ready.length,
      chooser: { by: "list", from: "dns" },
    };
  },
};
