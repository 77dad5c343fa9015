/**
 * Caddy: one Go processor, h2c on both sides.
 */
import { findPeer } from "../../test/peers/find.ts";
import { type BenchProxy, type ProxyPlan, startListening, writeConfig } from "./proxy.ts";

/** Caddy if it is installed. */
export function caddy(): BenchProxy | null {
  const found = findPeer("caddy");
  if (found === null) return null;
  return {
    name: "caddy",
    version: found.version,
    hasTls: false,
    connectionsMax: 9000,
    start: (plan) => {
      const file = writeConfig(plan, "Caddyfile", config(plan));
      const args = ["run", "--adapter", "caddyfile", "--config", file];
      const env = { GOMAXPROCS: "1", XDG_CONFIG_HOME: plan.dir, XDG_DATA_HOME: plan.dir };
      return startListening("caddy", found.path, args, plan, env);
    },
  };
}

function config(plan: ProxyPlan): string {
  return `{
  admin off
  auto_https off
  persist_config off
  log {
    level ERROR
  }
  servers {
    protocols h1 h2c
  }
}
http://127.0.0.1:${plan.port}, http://:${plan.port} {
  bind 127.0.0.1
  reverse_proxy ${plan.upstreams.map((address) => `h2c://${address}`).join(" ")} {
    lb_policy round_robin
    flush_interval -1
  }
}
`;
}
