/**
 * The lane `proxy`: one connection to one `fairlead proxy`, which balances call by call.
 */
import { breaksWithout } from "./broken.ts";
import type { Lane } from "./lane.ts";
import { startProxy } from "./proxy-process.ts";

/** The lane. */
export const PROXY: Lane = {
  name: "proxy",
  title: "fairlead proxy",
  how: "stock grpc-js, one connection to fairlead proxy, which balances",
  hasPolicy: true,
  async open(env) {
    const { kubeconfig } = env.kubernetes;
    const { child, address } = await startProxy("fairlead proxy", { ...env, kubeconfig });
    breaksWithout(child, env);
    await env.podsReady;
    return { target: address, serviceConfig: "", connections: 1 };
  },
};
