/**
 * Who can be used as pods come, go, and change their mind: kube-proxy's rules on what a real
 * controller writes (KEP-1672 for terminating endpoints).
 */
import assert from "node:assert/strict";
import { type Case, NODE } from "./case.ts";
import { GRPC_PORT, ipsOf, makePod, makePods, watch } from "./scene.ts";

/** See the head of this file. */
export const readinessCases: readonly Case[] = [
  [
    "a Service scales 0 -> 3 -> 12 -> 5 -> 0, and each set is followed",
    async (context) => {
      const { objects, target } = context;
      await objects.service("echo", [GRPC_PORT]);
      const seen = watch(context, target("echo", "grpc"));
      await seen.untilUsable([]);
      const first = await makePods(context, 3, {}, "a");
      await seen.untilUsable(ipsOf(first));
      const more = await makePods(context, 9, {}, "b");
      await seen.untilUsable(ipsOf([...first, ...more]));
      const all = [...first, ...more];
      const left = all.splice(0, 5);
      await Promise.all(all.map(({ name }) => objects.finishDelete(name)));
      await seen.untilUsable(ipsOf(left));
      await Promise.all(left.map(({ name }) => objects.finishDelete(name)));
      await seen.untilUsable([]);
    },
  ],

  [
    "a pod is known by its name, uid, node and slice, and by the rule",
    async (context) => {
      const { objects, target } = context;
      await objects.service("echo", [GRPC_PORT]);
      const pod = await makePod(context, "echo-1");
      const seen = watch(context, target("echo", "grpc"));
      await seen.untilUsable([pod.ip]);
      const [slice] = await objects.slices("echo");
      const [endpoint] = seen.current!.endpoints;
      const { address, ready, serving, terminating, usable } = endpoint;
      const flags = { address, ready, serving, terminating, usable };
      assert.deepEqual(flags, {
        address: `${pod.ip}:50051`,
        ready: true,
        serving: true,
        terminating: false,
        usable: true,
      });
      assert.equal(endpoint.pod, "echo-1");
      assert.equal(endpoint.uid, pod.uid);
      assert.equal(endpoint.node, NODE);
      assert.equal(endpoint.slice, slice.metadata.name);
      assert.match(endpoint.reason, /ready/);
    },
  ],

  [
    "readiness that flaps ends where the pod does",
    async (context) => {
      const { objects, target } = context;
      await objects.service("echo", [GRPC_PORT]);
      const [a, b, c] = await makePods(context, 3);
      const seen = watch(context, target("echo", "grpc"));
      await seen.untilUsable([a.ip, b.ip, c.ip]);
      await objects.setReady(b.name, false);
      await seen.untilUsable([a.ip, c.ip]);
      const skipped = seen.current!.endpoints.find(({ usable }) => !usable);
      assert.equal(skipped?.address, `${b.ip}:50051`);
      assert.match(skipped.reason, /not ready/);
      await objects.setReady(b.name, true);
      await seen.untilUsable([a.ip, b.ip, c.ip]);
      for (let i = 0; i < 25; i += 1) {
        await objects.setReady(b.name, i % 2 === 1);
        await objects.setReady(c.name, i % 2 === 0);
      }
      await seen.untilUsable([a.ip, c.ip]);
      for (const { endpoints } of seen.sets) {
        const strangers = endpoints.filter(
          ({ address }) => ![a, b, c].some(({ ip }) => address === `${ip}:50051`),
        );
        assert.deepEqual(strangers, []);
      }
    },
  ],

  [
    "a pod that terminates gets nothing new, unless nobody else is left",
    async (context) => {
      const { objects, target } = context;
      await objects.service("echo", [GRPC_PORT]);
      const [a, b] = await makePods(context, 2);
      const seen = watch(context, target("echo", "grpc"));
      await seen.untilUsable([a.ip, b.ip]);
      await objects.deletePod(a.name);
      await seen.untilUsable([b.ip]);
      const leaving = seen.current!.endpoints.find(({ pod }) => pod === a.name)!;
      const { ready, serving, terminating } = leaving;
      assert.deepEqual(
        { ready, serving, terminating },
        { ready: false, serving: true, terminating: true },
      );
      await objects.deletePod(b.name);
      // Nobody is ready: those that still serve are used.
      await seen.untilUsable([a.ip, b.ip]);
      await objects.setReady(a.name, false);
      await seen.untilUsable([b.ip]);
      await objects.finishDelete(a.name);
      await objects.finishDelete(b.name);
      await seen.untilUsable([]);
      assert.deepEqual(seen.current!.endpoints, []);
    },
  ],

  [
    "publishNotReadyAddresses makes every pod usable",
    async (context) => {
      const { objects, target } = context;
      await objects.service("echo", [GRPC_PORT], {
        clusterIP: "None",
        publishNotReadyAddresses: true,
      });
      const [a, b] = await makePods(context, 2, { isReady: false });
      const seen = watch(context, target("echo", "grpc"));
      await seen.untilUsable([a.ip, b.ip]);
      await objects.setReady(a.name, true);
      await objects.setReady(b.name, false);
      await objects.patchService("echo", { publishNotReadyAddresses: false });
      await seen.untilUsable([a.ip]);
    },
  ],
];
