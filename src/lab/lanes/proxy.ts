/**
 * The lane `proxy`: one connection to one `fairlead proxy`, which balances call by call.
 */
import type { Lane } from "./lane.ts";
import { startProxy } from "./proxy-process.ts";

/** The lane. */
export const PROXY: Lane = {
  name: "proxy",
  title: "fairlead proxy",
  how: "stock grpc-js, one connection to fairlead proxy, which balances",
  async open(env) {
    const { kubeconfig } = env.kubernetes;
    const { child, address } = await startProxy("fairlead proxy", { ...env, kubeconfig });
    child.ended.then(() => env.onBroken(`${child.label} ${child.endReason}`));
    await env.podsReady;
    return { target: address, serviceConfig: "", connections: 1 };
  },
};
