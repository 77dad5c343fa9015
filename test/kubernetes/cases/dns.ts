/**
 * DNS as clusters have it: CoreDNS with its kubernetes plugin, and the lab's server that must
 * answer alike. A name without pods that are ready does not exist, which says empty.
 */
import assert from "node:assert/strict";
import { type Case, type CaseContext, NODE } from "./case.ts";
import { GRPC_PORT, ipsOf, type MadePod, makePods, watch } from "./scene.ts";

/** CoreDNS's TTL is 5 s; then comes the next look. */
const WAIT_MS = 20_000;
const HEADLESS = { clusterIP: "None" };

/** A headless Service `echo` with ready pods. */
function makeHeadless(context: CaseContext, count: number): Promise<MadePod[]> {
  const made = context.objects.service("echo", [GRPC_PORT], HEADLESS);
  return made.then(() => makePods(context, count, { node: NODE }));
}

function nameOf({ objects }: CaseContext): string {
  return `echo.${objects.namespace}.svc.cluster.local`;
}

/** What every cluster must pass. */
export const dnsCases: readonly Case[] = [
  [
    "a headless name follows its pods, and does not exist without a ready one",
    async (context) => {
      const { cluster, objects } = context;
      const pods = await makeHeadless(context, 3);
      const seen = watch(context, cluster.dnsTarget(nameOf(context), 50_051));
      await seen.untilUsable(ipsOf(pods), WAIT_MS);
      for (const { address } of seen.current!.endpoints) assert.match(address, /:50051$/);
      await objects.setReady(pods[1].name, false);
      await seen.untilUsable([pods[0].ip, pods[2].ip], WAIT_MS);
      for (const pod of pods) await objects.setReady(pod.name, false);
      await seen.untilUsable([], WAIT_MS);
      await objects.setReady(pods[2].name, true);
      await seen.untilUsable([pods[2].ip], WAIT_MS);
    },
  ],

  [
    "a port by name is looked up as SRV",
    async (context) => {
      const pods = await makeHeadless(context, 2);
      const seen = watch(context, context.cluster.dnsTarget(nameOf(context), "grpc"));
      await seen.untilUsable(ipsOf(pods), WAIT_MS);
      for (const { address } of seen.current!.endpoints) assert.match(address, /:50051$/);
    },
  ],
];

/** What needs the cluster's own /etc/resolv.conf. */
export const resolvConfCases: readonly Case[] = [
  [
    "a short name is completed by the search list of resolv.conf",
    async (context) => {
      const pods = await makeHeadless(context, 2);
      const seen = watch(context, `dns:///echo.${context.objects.namespace}:50051`);
      await seen.untilUsable(ipsOf(pods), WAIT_MS);
    },
  ],

  [
    "an ExternalName Service is where its name leads",
    async (context) => {
      const { objects, target } = context;
      const pods = await makeHeadless(context, 2);
      const ports = [{ name: "grpc", port: 50_051 }];
      const spec = { type: "ExternalName", externalName: nameOf(context), selector: null };
      await objects.service("alias", ports, spec);
      await watch(context, target("alias", 50_051)).untilUsable(ipsOf(pods), WAIT_MS);
    },
  ],
];
