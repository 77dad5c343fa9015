/**
 * Rollouts under traffic: stock servers replaced one by one behind `fairlead proxy`, and not one
 * call fails.
 */
import assert from "node:assert/strict";
import { Pods, type ServingPod } from "../pods.ts";
import { temporaryDirectory } from "../temporary.ts";
import { InsideProxy, Traffic } from "../traffic.ts";
import { eventually } from "../wait.ts";
import { type Case, type CaseContext, NODE } from "./case.ts";
import { GRPC_PORT } from "./scene.ts";

const POD_COUNT = 30;
/** So many are replaced at the same time, as `maxSurge` has it. */
const SURGE = 3;

/** A Service `echo` with pods that serve, a proxy in front and calls through it. */
export interface Scene {
  readonly pods: Pods;
  readonly first: readonly ServingPod[];
  readonly proxy: InsideProxy;
  readonly traffic: Traffic;
}

/** Starts all of it; null when a peer is missing: the test is then skipped. */
export async function startScene(
  context: CaseContext,
  count: number,
  kubeconfig = context.cluster.kubeconfig,
): Promise<Scene | null> {
  const { t, cluster, objects, target, defer } = context;
  const pods = Pods.of(t, cluster, objects, "echo");
  if (pods === null) return null;
  defer(() => pods.stop());
  await objects.service("echo", [GRPC_PORT]);
  const first = await Promise.all(Array.from({ length: count }, () => pods.add(NODE)));
  const directory = temporaryDirectory();
  defer(() => directory.release());
  const flags = ["--to", target("echo", "grpc"), "--kubeconfig", kubeconfig];
  const proxy = await InsideProxy.start(cluster, directory.path, flags);
  defer(() => proxy.stop());
  const traffic = new Traffic(proxy.target);
  defer(() => traffic.stop());
  await Promise.all(first.map(({ name }) => traffic.untilServedBy(name)));
  return { pods, first, proxy, traffic };
}

/** Waits until the proxy knows these pods and no other: the last ones leave a moment later. */
async function untilKnown(proxy: InsideProxy, pods: readonly ServingPod[]): Promise<void> {
  const want = pods.map(({ name }) => name).sort();
  await eventually(`only ${want} are known`, async () => {
    const { endpoints } = await proxy.view();
    return (
      endpoints
        .map(({ pod }) => pod)
        .sort()
        .join() === want.join()
    );
  });
}

/** See the head of this file. */
export const rolloutCases: readonly Case[] = [
  [
    `a rollout of ${POD_COUNT} pods step by step fails no call`,
    async (context) => {
      const scene = await startScene(context, POD_COUNT);
      if (scene === null) return;
      const { pods, first, traffic } = scene;
      const replace = async (old: ServingPod) => {
        const next = await pods.add(NODE);
        await traffic.untilServedBy(next.name);
        await pods.remove(old.name);
        return next;
      };
      const now: ServingPod[] = [];
      for (let i = 0; i < first.length; i += SURGE) {
        now.push(...(await Promise.all(first.slice(i, i + SURGE).map(replace))));
      }
      await traffic.stop();
      assert.deepEqual(traffic.failures, []);
      const served = now.filter(({ name }) => traffic.servers.has(name));
      assert.equal(served.length, POD_COUNT, "every new pod has served");
      await untilKnown(scene.proxy, now);
      context.t.diagnostic(`${traffic.calls} calls, none failed`);
    },
  ],

  [
    "a Service scales 3 -> 10 -> 2 under traffic and fails no call",
    async (context) => {
      const scene = await startScene(context, 3);
      if (scene === null) return;
      const { pods, first, proxy, traffic } = scene;
      const more = await Promise.all(Array.from({ length: 7 }, () => pods.add(NODE)));
      await Promise.all(more.map(({ name }) => traffic.untilServedBy(name)));
      const left = more.slice(0, 2);
      const leaving = [...first, ...more.slice(2)];
      await Promise.all(leaving.map(({ name }) => pods.remove(name)));
      for (const { name } of left) await traffic.untilServedBy(name);
      await traffic.stop();
      assert.deepEqual(traffic.failures, []);
      await untilKnown(proxy, left);
      const { endpoints, stale } = await proxy.view();
      assert.equal(stale, false);
      for (const { source } of endpoints) assert.match(source, /^EndpointSlice case-\d+\/echo-/);
      const why = JSON.stringify(await proxy.why());
      assert.match(why, /"decision":\[\{"rule":"[^"]+","effect":"[^"]*EndpointSlice case-/);
    },
  ],
];
