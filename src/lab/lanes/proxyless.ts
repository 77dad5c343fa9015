/**
 * The lane `proxyless`: a stock gRPC program with an `xds:///` target, which `fairlead control`
 * tells of the pods; nothing stands between.
 */

import { NAMESPACE, SERVICES } from "../pods/pod-objects.ts";
import { breaksWithout } from "./broken.ts";
import type { Lane } from "./lane.ts";
import { loggedAddress } from "./proxy-process.ts";

/** The lane. */
export const PROXYLESS: Lane = {
  name: "proxyless",
  title: "Proxyless xDS",
  how: "a stock gRPC client, xds:///, told by fairlead control",
  hasPolicy: true,
  async open(env) {
    const { children, clock, kubernetes, fairlead, pods, podsReady } = env;
    const child = children.command("fairlead control", [
      ...fairlead,
      ...["control", "--kubeconfig", kubernetes.kubeconfig, "--listen", "127.0.0.1:0"],
    ]);
    const control = await loggedAddress(child, clock, "listening").catch(async (error) => {
      await children.end(child);
      throw error;
    });
    breaksWithout(child, env);
    await podsReady;
    return {
      // By number: grpc-js takes the name of a port for no part of an authority.
      target: `xds:///${SERVICES.clusterIp}.${NAMESPACE}:${pods.clusterIp.port || 50_051}`,
      serviceConfig: "",
      connections: pods.ready.length,
      chooser: { by: "list", from: "xds" },
      xdsBootstrap: bootstrapOf(control),
    };
  },
};

/** What GRPC_XDS_BOOTSTRAP_CONFIG holds. */
function bootstrapOf(control: string): string {
  return JSON.stringify({
    xds_servers: [
      {
        server_uri: control,
        channel_creds: [{ type: "insecure" }],
        server_features: ["xds_v3"],
      },
    ],
    node: { id: "lab", locality: {} },
  });
}
