/**
 * The proxies that a benchmark can start, fairlead first.
 */
import { caddy } from "./caddy.ts";
import { envoy } from "./envoy.ts";
import { haproxy } from "./haproxy.ts";
import { nghttpx } from "./nghttpx.ts";
import { nginx } from "./nginx.ts";
import type { BenchProxy } from "./proxy.ts";
import { traefik } from "./traefik.ts";

export { custom } from "./custom.ts";
export { type FairleadForm, fairlead } from "./fairlead.ts";
export type { BenchProxy, ProxyPlan } from "./proxy.ts";

/** The peers by name; each is null when it is not installed. */
export const PEER_PROXIES: Readonly<Record<string, () => BenchProxy | null>> = {
  haproxy,
  nghttpx,
  nginx,
  envoy,
  traefik,
  caddy,
};
