/**
 * All lanes, and what decides here which of them can run.
 */

import type { LaneName } from "../options.ts";
import { rulesFlavour } from "../system/netns.ts";
import { CLIENT } from "./client.ts";
import { CLUSTERIP } from "./clusterip.ts";
import { ENVOY } from "./envoy.ts";
import { HAPROXY } from "./haproxy.ts";
import { HEADLESS } from "./headless.ts";
import { HTTP1 } from "./http1.ts";
import type { Lane, LaneSite } from "./lane.ts";
import { NESTED } from "./nested.ts";
import { NGINX } from "./nginx.ts";
import { PROXY } from "./proxy.ts";
import { PROXYLESS } from "./proxyless.ts";
import { SIDECAR } from "./sidecar.ts";
import { STATIC } from "./static.ts";

export type { Dial, Lane, LaneEnv, LaneSite, Replicas } from "./lane.ts";

/** All lanes by name, in the order in which they are offered. */
export const LANES: Readonly<Record<LaneName, Lane>> = {
  clusterip: CLUSTERIP,
  http1: HTTP1,
  static: STATIC,
  headless: HEADLESS,
  client: CLIENT,
  proxy: PROXY,
  nested: NESTED,
  sidecar: SIDECAR,
  proxyless: PROXYLESS,
  envoy: ENVOY,
  nginx: NGINX,
  haproxy: HAPROXY,
};

/**
 * What this machine is to lanes.
 *
 * @param whyNoNetns why there is no network namespace of the lab's own, or null.
 */
export function laneSite(whyNoNetns: string | null): LaneSite {
  // Of 127.0.0.0/8 other systems have 127.0.0.1 alone, and ports tell the pods apart.
  const hasOnePort = process.platform === "linux" || process.platform === "win32";
  const hasRules = whyNoNetns === null && rulesFlavour() === "nftables";
  return { whyNoNetns, hasOnePort, clusterIpBy: hasRules ? "nftables" : "relay" };
}
