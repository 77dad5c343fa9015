/**
 * HAProxy: one thread, HTTP/2 on both sides, connections to servers reused for all requests.
 */
import { readFileSync } from "node:fs";
import { findPeer } from "../../test/peers/find.ts";
import { openFilesLimit } from "../open-files.ts";
import { type BenchProxy, type ProxyPlan, startListening, writeConfig } from "./proxy.ts";

/** HAProxy refuses to start unless it may open two files for each, and some for its servers. */
const connectionsMax = Math.max(100, Math.min(9000, Math.floor(openFilesLimit() / 2) - 400));

/** HAProxy if it is installed. */
export function haproxy(): BenchProxy | null {
  const found = findPeer("haproxy");
  if (found === null) return null;
  return {
    name: "haproxy",
    version: found.version,
    hasTls: true,
    connectionsMax,
    start: (plan) => {
      const args = ["-db", "-f", writeConfig(plan, "haproxy.cfg", config(plan))];
      return startListening("haproxy", found.path, args, plan);
    },
  };
}

function config(plan: ProxyPlan): string {
  return `global
  nbthread 1
  maxconn ${connectionsMax}
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  http-reuse always
frontend in
  bind 127.0.0.1:${plan.port} ${front(plan)}
  default_backend out
backend out
  balance roundrobin
${plan.upstreams.map((address, i) => `  server s${i} ${address} proto h2\n`).join("")}`;
}

function front(plan: ProxyPlan): string {
  if (plan.tls === null) return "proto h2";
  const pem = [plan.tls.certFile, plan.tls.keyFile]
    .map((file) => readFileSync(file, "utf8").trim())
    .join("\n");
  return `ssl crt ${writeConfig(plan, "haproxy.pem", `${pem}\n`)} alpn h2`;
}
