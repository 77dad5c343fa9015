/**
 * DNS as clusters have it: CoreDNS with its kubernetes plugin, asked through /etc/resolv.conf.
 */
import assert from "node:assert/strict";
import type { Case } from "../suite.ts";
import { GRPC_PORT, ipsOf, makePods, watch } from "./scene.ts";

/** CoreDNS's TTL is 5 s; then comes the next look. */
const WAIT_MS = 20_000;

/** See the head of this file. */
export const dnsCases: readonly Case[] = [
  [
    "a headless name follows its pods, and has none when it is unknown",
    async (context) => {
      const { objects } = context;
      await objects.service("echo", [GRPC_PORT], { clusterIP: "None" });
      const pods = await makePods(context, 3);
      const name = `echo.${objects.namespace}.svc.cluster.local`;
      const seen = watch(context, `dns:///${name}:50051`);
      await seen.untilUsable(ipsOf(pods), WAIT_MS);
      for (const { address } of seen.current!.endpoints) assert.match(address, /:50051$/);
      await objects.setReady(pods[1].name, false);
      await seen.untilUsable([pods[0].ip, pods[2].ip], WAIT_MS);
      // No ready pod: NXDOMAIN, which says empty.
      for (const pod of pods) await objects.setReady(pod.name, false);
      await seen.untilUsable([], WAIT_MS);
      await objects.setReady(pods[2].name, true);
      await seen.untilUsable([pods[2].ip], WAIT_MS);
    },
  ],

  [
    "a short name is completed by the search list of resolv.conf",
    async (context) => {
      const { objects } = context;
      await objects.service("echo", [GRPC_PORT], { clusterIP: "None" });
      const pods = await makePods(context, 2);
      const seen = watch(context, `dns:///echo.${objects.namespace}:50051`);
      await seen.untilUsable(ipsOf(pods), WAIT_MS);
    },
  ],

  [
    "a port by name is looked up as SRV",
    async (context) => {
      const { objects } = context;
      await objects.service("echo", [GRPC_PORT], { clusterIP: "None" });
      const pods = await makePods(context, 2);
      const name = `echo.${objects.namespace}.svc.cluster.local`;
      const seen = watch(context, `dns:///${name}:grpc`);
      await seen.untilUsable(ipsOf(pods), WAIT_MS);
      assert.match(seen.current!.endpoints[0].address, /:50051$/);
    },
  ],

  [
    "an ExternalName Service is where its name leads",
    async (context) => {
      const { objects, target } = context;
      await objects.service("echo", [GRPC_PORT], { clusterIP: "None" });
      const pods = await makePods(context, 2);
      const externalName = `echo.${objects.namespace}.svc.cluster.local`;
      const ports = [{ name: "grpc", port: 50_051 }];
      await objects.service("alias", ports, { type: "ExternalName", externalName, selector: null });
      await watch(context, target("alias", 50_051)).untilUsable(ipsOf(pods), WAIT_MS);
    },
  ],
];
