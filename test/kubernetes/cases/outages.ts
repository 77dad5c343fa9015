/**
 * The API server is away: no endpoint is lost and no call fails; it is noticed, and when the
 * server is back, so is the truth.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { InsideProxy } from "../traffic.ts";
import { SERVICES, SLICES } from "./access.ts";
import { type Case, NODE } from "./case.ts";
import { startScene } from "./rollout.ts";
import { GRPC_PORT, ipsOf, makePod, makePods, watch } from "./scene.ts";

/** A peer that is silent must be noticed in this time. */
const NOTICE_MS = 30_000;
/** For noise on a machine that does much else. */
const SLACK_MS = 5_000;
/** Back-off may have grown while the server was away. */
const RETURN_MS = 45_000;

async function untilStale(proxy: InsideProxy, isWanted: boolean, waitMs: number): Promise<void> {
  const deadline = Date.now() + waitMs;
  while ((await proxy.view()).stale !== isWanted) {
    assert.ok(Date.now() < deadline, `stale is not ${isWanted} after ${waitMs} ms`);
    await sleep(100);
  }
}

/** Nearly all of its time is waiting: it has a cluster of its own, beside the other cases. */
export const hangCases: readonly Case[] = [
  [
    "an API server that hangs is noticed within 30 s, and costs no call",
    async (context) => {
      const scene = await startScene(context, 3);
      if (scene === null) return;
      const { cluster } = context;
      const { first, pods, proxy, traffic } = scene;
      cluster.pause();
      context.defer(() => cluster.resume());
      await untilStale(proxy, true, NOTICE_MS + SLACK_MS);
      const view = await proxy.view();
      assert.equal(view.endpoints.filter(({ usable }) => usable).length, first.length);
      cluster.resume();
      const next = await pods.add(NODE);
      await traffic.untilServedBy(next.name, RETURN_MS);
      await untilStale(proxy, false, RETURN_MS);
      await traffic.stop();
      assert.deepEqual(traffic.failures, []);
    },
  ],
];

/** See the head of this file. */
export const outageCases: readonly Case[] = [
  [
    "an API server that dies, forgets (410) and returns tells what changed",
    async (context) => {
      const { cluster, objects, target } = context;
      const scene = await startScene(context, 2);
      if (scene === null) return;
      const ports = [{ name: "grpc", port: 50_051, protocol: "TCP" }];
      const [a, b, c] = [cluster.nextIp(), cluster.nextIp(), cluster.nextIp()];
      const at = (...ips: string[]) => ips.map((ip) => ({ addresses: [ip] }));
      await objects.service("manual", [GRPC_PORT], { selector: null });
      await objects.slice("manual-1", "manual", { ports, endpoints: at(a) });
      await objects.slice("manual-2", "manual", { ports, endpoints: at(b) });
      const seen = watch(context, target("manual", "grpc"));
      await seen.untilUsable([a, b]);
      const before = seen.sets.length;
      await cluster.outage(async () => {
        assert.deepEqual(seen.usable, [a, b].sort(), "nothing is lost while it is away");
        // One slice goes while nobody watches: only a new list can tell.
        await objects.deleteSlice("manual-1");
        await objects.patchSlice("manual-2", { endpoints: at(b, c) });
      });
      await seen.untilUsable([b, c], RETURN_MS);
      for (const { endpoints } of seen.sets.slice(before)) {
        assert.ok(endpoints.length >= 2, "never fewer in between");
      }
      const next = await scene.pods.add(NODE);
      await scene.traffic.untilServedBy(next.name, RETURN_MS);
      await scene.traffic.stop();
      assert.deepEqual(scene.traffic.failures, []);
    },
  ],

  [
    "a token that is replaced is read again; a revoked one keeps what is known",
    async (context) => {
      const { cluster, objects, target } = context;
      await objects.service("echo", [GRPC_PORT]);
      const pods = await makePods(context, 2);
      const account = await cluster.account(objects, "rotating");
      await account.grant([SLICES, SERVICES]);
      const seen = watch(context, target("echo", "grpc"), [], account.kubeconfig);
      await seen.untilUsable(ipsOf(pods));
      await account.revoke();
      // A running watch is not asked again; a new one is.
      await cluster.outage();
      await seen.untilLogged(/401|[Uu]nauthori[sz]ed|not accepted/, RETURN_MS);
      assert.deepEqual(seen.usable, ipsOf(pods).sort(), "what is known stays");
      await account.renew();
      const more = await makePod(context, "later");
      await seen.untilUsable([...ipsOf(pods), more.ip], RETURN_MS);
    },
  ],
];
