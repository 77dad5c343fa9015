/**
 * The lane `http1`: HTTP/1.1 through the same ClusterIP, to the same pods. A connection carries one
 * request at a time, so callers have one each, and connections are what the ClusterIP balances.
 * With one caller all goes to one pod here, too.
 */
import { http1Port } from "../pods/http1-server.ts";
import type { Lane } from "./lane.ts";
import { serviceOfPods } from "./service-ip.ts";

/** The lane. */
export const HTTP1: Lane = {
  name: "http1",
  title: "HTTP/1.1 by ClusterIP",
  how: "HTTP/1.1, a kept connection to the ClusterIP for each call that may be open",
  async open(env) {
    await env.podsReady;
    const { host, port } = env.pods.clusterIp;
    const { address, service, close } = await serviceOfPods(
      "the ClusterIP of HTTP/1.1",
      { host, port: http1Port(port) },
      (pod) => pod.http1Address,
      env,
    );
    return {
      ...{ target: `http://${address}/`, serviceConfig: "", connections: 1, close },
      program: "http1-caller",
      chooser: { by: "service", opensMore: true, ...service },
    };
  },
};
