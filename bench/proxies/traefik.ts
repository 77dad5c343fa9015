/**
 * Traefik: one Go processor, h2c to the servers.
 */
import { findPeer } from "../../test/peers/find.ts";
import { type BenchProxy, type ProxyPlan, startListening, writeConfig } from "./proxy.ts";

/** Traefik if it is installed. */
export function traefik(): BenchProxy | null {
  const found = findPeer("traefik");
  if (found === null) return null;
  return {
    name: "traefik",
    version: found.version,
    hasTls: false,
    connectionsMax: 9000,
    start: (plan) => {
      const routes = writeConfig(plan, "traefik-routes.yaml", JSON.stringify(dynamic(plan)));
      // JSON is YAML, and it goes by the name of the file.
      const file = writeConfig(plan, "traefik.yaml", JSON.stringify(fixed(plan, routes)));
      const args = [`--configFile=${file}`];
      return startListening("traefik", found.path, args, plan, { GOMAXPROCS: "1" });
    },
  };
}

function fixed(plan: ProxyPlan, routes: string): unknown {
  return {
    global: { checkNewVersion: false, sendAnonymousUsage: false },
    log: { level: "ERROR" },
    entryPoints: {
      in: {
        address: `127.0.0.1:${plan.port}`,
        transport: { respondingTimeouts: { readTimeout: "300s", idleTimeout: "300s" } },
      },
    },
    providers: { file: { filename: routes, watch: false } },
  };
}

function dynamic(plan: ProxyPlan): unknown {
  return {
    http: {
      routers: { all: { entryPoints: ["in"], rule: "PathPrefix(`/`)", service: "out" } },
      services: {
        out: {
          loadBalancer: { servers: plan.upstreams.map((address) => ({ url: `h2c://${address}` })) },
        },
      },
    },
  };
}
