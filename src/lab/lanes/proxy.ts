/**
 * The lane `proxy`: one connection to one `fairlead proxy`, which balances call by call.
 */
import { breaksWithout } from "./broken.ts";
import type { Lane } from "./lane.ts";
import { startProxy, WITH_ADMIN } from "./proxy-process.ts";

/** The lane. */
export const PROXY: Lane = {
  name: "proxy",
  title: "fairlead proxy",
  how: "stock grpc-js, one connection to fairlead proxy, which balances",
  hasPolicy: true,
  async open(env) {
    const { kubeconfig } = env.kubernetes;
    const proxy = await startProxy("fairlead proxy", { ...env, kubeconfig }, WITH_ADMIN);
    const { child, address, admin } = proxy;
    const all = [{ name: "fairlead proxy", admin }];
    breaksWithout(child, env);
    await env.podsReady;
    const chooser = { by: "proxies", all: () => all } as const;
    return { target: address, serviceConfig: "", connections: 1, chooser };
  },
};
