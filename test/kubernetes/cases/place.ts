/**
 * Where we run and where endpoints do: hints for zones, and Services that keep to their node.
 */
import assert from "node:assert/strict";
import type { Case, CaseContext } from "./case.ts";
import { GRPC_PORT, ipsOf, type MadePod, makePod, watch } from "./scene.ts";

/** Three zones with a node each, named after the case; two pods on each node. */
async function makeZones(context: CaseContext): Promise<Readonly<Record<string, MadePod[]>>> {
  const byZone: Record<string, MadePod[]> = {};
  for (const zone of ["zone-a", "zone-b", "zone-c"]) {
    const node = nodeIn(context, zone);
    await context.cluster.node(node, zone);
    byZone[zone] = [
      await makePod(context, `${zone}-1`, { node }),
      await makePod(context, `${zone}-2`, { node }),
    ];
  }
  return byZone;
}

/** Nodes are the whole cluster's, and so is each name. */
function nodeIn({ objects }: CaseContext, zone: string): string {
  return `${objects.namespace}-${zone}`;
}

/** See the head of this file. */
export const placeCases: readonly Case[] = [
  [
    "hints for zones keep calls in ours, and are ignored where none is ours",
    async (context) => {
      const { objects, target } = context;
      const pods = await makeZones(context);
      await objects.service("echo", [GRPC_PORT], { trafficDistribution: "PreferSameZone" });
      const all = ipsOf(Object.values(pods).flat());
      const to = target("echo", "grpc");
      const seen = watch(context, to, ["--zone", "zone-b"]);
      await seen.untilUsable(ipsOf(pods["zone-b"]));
      const skipped = seen.current!.endpoints.filter(({ usable }) => !usable);
      assert.equal(skipped.length, 4);
      for (const { reason, hints, zone } of skipped) {
        assert.match(reason, /hint/);
        assert.deepEqual(hints.zones, [zone]);
      }
      await watch(context, to, ["--zone", "zone-z"]).untilUsable(all);
      await watch(context, to).untilUsable(all);
      // A zone that loses all its ready endpoints has no hint that is valid for it.
      for (const { name } of pods["zone-b"]) await objects.setReady(name, false);
      await seen.untilUsable(ipsOf([...pods["zone-a"], ...pods["zone-c"]]));
      await objects.setReady(pods["zone-b"][0].name, true);
      await seen.untilUsable([pods["zone-b"][0].ip]);
    },
  ],

  [
    "our zone is that of our node",
    async (context) => {
      const { objects, target } = context;
      const pods = await makeZones(context);
      await objects.service("echo", [GRPC_PORT], { trafficDistribution: "PreferSameZone" });
      const flags = ["--node", nodeIn(context, "zone-c")];
      await watch(context, target("echo", "grpc"), flags).untilUsable(ipsOf(pods["zone-c"]));
    },
  ],

  [
    "hints for nodes come before those for zones",
    async (context) => {
      const { cluster, objects, target } = context;
      const zone = "zone-n";
      const [here, there] = [nodeIn(context, "1"), nodeIn(context, "2")];
      for (const node of [here, there]) await cluster.node(node, zone);
      const near = await makePod(context, "near", { node: here });
      const far = await makePod(context, "far", { node: there });
      await objects.service("echo", [GRPC_PORT], { trafficDistribution: "PreferSameNode" });
      const to = target("echo", "grpc");
      await watch(context, to, ["--node", here]).untilUsable([near.ip]);
      await watch(context, to, ["--zone", zone]).untilUsable([near.ip, far.ip]);
    },
  ],

  [
    "internalTrafficPolicy Local is our node only, or nobody",
    async (context) => {
      const { objects, target } = context;
      const pods = await makeZones(context);
      await objects.service("echo", [GRPC_PORT], { internalTrafficPolicy: "Local" });
      const to = target("echo", "grpc");
      const seen = watch(context, to, ["--node", nodeIn(context, "zone-a")]);
      await seen.untilUsable(ipsOf(pods["zone-a"]));
      for (const { name } of pods["zone-a"]) await objects.setReady(name, false);
      await seen.untilUsable([]);
    },
  ],
];
