/**
 * Scenarios of gRPC's doc/xds-test-descriptions.md, as a table: what objects say of endpoints and
 * their clusters, and what stock grpc-go and C-core do then. Of routes see route-scenarios.test.ts.
 *
 * Two are of Google's own control plane, which moves calls between localities by measured load and
 * by how many backends are healthy (gentle_failover, load_based_failover): nothing here does so.
 */
import assert from "node:assert/strict";
import { eventually } from "../kubernetes/wait.ts";
import { goesTo, runScenarios, type Scenario } from "./scenario.ts";
import { failuresOf, peersOf } from "./xds-client.ts";

const SCENARIOS: readonly Scenario[] = [
  {
    name: "ping_pong: one pod answers every call",
    async run({ objects, service, pods, ip, peer, client }) {
      objects.service(service);
      await pods.add(ip(1));
      const caller = await client();
      const calls = await caller.next(50);
      assert.deepEqual([...peersOf(calls).keys()], [peer(1)]);
      assert.deepEqual(failuresOf(calls), []);
    },
  },
  {
    name: "round_robin: each pod gets the same",
    async run({ objects, service, pods, ip, client }) {
      objects.service(service, { config: { loadBalancingConfig: [{ round_robin: {} }] } });
      await pods.add(ip(1), ip(2));
      const caller = await client();
      await caller.next(40);
      const counts = [...peersOf(await caller.next(100)).values()];
      assert.equal(counts.length, 2);
      assert.ok(Math.abs(counts[0]! - counts[1]!) <= 4, String(counts));
    },
  },
  {
    name: "backends_restart: calls come back with the pods",
    async run({ objects, service, pods, ip, peer, client }) {
      objects.service(service);
      await pods.add(ip(1));
      const caller = await client();
      await caller.next(20);
      await pods.stop(ip(1));
      await eventually("a call that fails", () => failuresOf(caller.calls).length > 0);
      await pods.start(ip(1));
      await goesTo(caller, [peer(1)]);
    },
  },
  {
    name: "secondary_locality_gets_requests_on_primary_failure, and back",
    async run({ objects, service, pods, ip, peer, client }) {
      objects.service(service, { config: { fairlead: { locality: { prefer: "zone" } } } });
      for (const pod of [1, 2, 3]) await pods.start(ip(pod));
      pods.say(ip(1), "ready", "a");
      pods.say(ip(2), "ready", "b");
      pods.say(ip(3), "ready", "b");
      pods.publish();
      const caller = await client();
      await goesTo(caller, [peer(1)]);
      await pods.stop(ip(1));
      await goesTo(caller, [peer(2), peer(3)]);
      await pods.start(ip(1));
      await goesTo(caller, [peer(1)]);
    },
  },
  {
    name: "secondary_locality_gets_no_requests_on_partial_primary_failure",
    async run({ objects, service, pods, ip, peer, client }) {
      objects.service(service, { config: { fairlead: { locality: { prefer: "zone" } } } });
      for (const pod of [1, 2, 3]) await pods.start(ip(pod));
      pods.say(ip(1), "ready", "a");
      pods.say(ip(2), "ready", "a");
      pods.say(ip(3), "ready", "b");
      pods.publish();
      const caller = await client();
      await goesTo(caller, [peer(1), peer(2)]);
      await pods.stop(ip(2));
      await goesTo(caller, [peer(1)]);
      await caller.next(100);
      assert.equal(peersOf(caller.calls).has(peer(3)), false);
    },
  },
  {
    name: "remove_neg and add: a locality leaves and comes back",
    async run({ objects, service, pods, ip, peer, client }) {
      objects.service(service);
      for (const pod of [1, 2]) await pods.start(ip(pod));
      pods.say(ip(1), "ready", "a");
      pods.say(ip(2), "ready", "b");
      pods.publish();
      const caller = await client();
      await goesTo(caller, [peer(1), peer(2)]);
      const from = caller.calls.length;
      pods.say(ip(2), null);
      pods.publish();
      await goesTo(caller, [peer(1)]);
      pods.say(ip(2), "ready", "b");
      pods.publish();
      await goesTo(caller, [peer(1), peer(2)]);
      assert.deepEqual(failuresOf(caller.calls.slice(from)), []);
    },
  },
  {
    name: "gentle_shutdown: a pod that leaves finishes what it has, and nothing fails",
    async run({ objects, service, pods, ip, peer, client }) {
      objects.service(service);
      await pods.add(ip(1), ip(2));
      const caller = await client("-headers", "x-sleep-ms=150");
      await goesTo(caller, [peer(1), peer(2)]);
      const from = caller.calls.length;
      pods.say(ip(1), "leaving");
      pods.publish();
      await goesTo(caller, [peer(2)]);
      await pods.stop(ip(1));
      await caller.next(30);
      assert.deepEqual(failuresOf(caller.calls.slice(from)), []);
    },
  },
  {
    name: "not ready anywhere: pods that leave and serve are used",
    async run({ objects, service, pods, ip, peer, client }) {
      objects.service(service);
      await pods.start(ip(1));
      pods.say(ip(1), "leaving");
      pods.publish();
      await goesTo(await client(), [peer(1)]);
    },
  },
  {
    name: "circuit_breaking: no more calls at a time than maxCalls, until it is raised",
    async run({ objects, service, pods, ip, client }) {
      const limitTo = (maxCalls: number): void => {
        objects.service(service, { config: { fairlead: { circuitBreakers: { maxCalls } } } });
      };
      limitTo(5);
      await pods.add(ip(1));
      const caller = await client("-headers", "x-sleep-ms=400");
      const calls = (await caller.next(120)).slice(60);
      const refused = failuresOf(calls);
      assert.ok(refused.length > 20, `${refused.length} of ${calls.length} were refused`);
      assert.ok(
        refused.every(({ code }) => code === 14),
        JSON.stringify(refused[0]),
      );
      assert.ok(calls.length > refused.length, "some go through");
      limitTo(500);
      await eventually("all go through", async () => {
        return failuresOf(await caller.next(60)).length === 0;
      });
    },
  },
  {
    name: "outlier_detection: a pod that fails every call is left out",
    async run({ objects, service, pods, ip, peer, client }) {
      const outlier = {
        interval: "0.5s",
        baseEjectionTime: "60s",
        maxEjectionPercent: 50,
        failurePercentageEjection: { threshold: 50, minimumHosts: 2, requestVolume: 5 },
        childPolicy: [{ round_robin: {} }],
      };
      const config = { loadBalancingConfig: [{ outlier_detection: outlier }] };
      objects.service(service, { config });
      await pods.add(ip(1), ip(2));
      await pods.startBroken(ip(3));
      pods.say(ip(3), "ready");
      pods.publish();
      const caller = await client();
      await eventually("calls without failures", async () => {
        return failuresOf(await caller.next(60)).length === 0;
      });
      await goesTo(caller, [peer(1), peer(2)]);
      assert.notDeepEqual(failuresOf(caller.calls), []);
    },
  },
  {
    name: "affinity: calls with one header go to one pod",
    async run({ objects, service, pods, ip, client }) {
      const config = { loadBalancingConfig: [{ ring_hash: { requestHashHeader: "x-user" } }] };
      objects.service(service, { config });
      await pods.add(ip(1), ip(2), ip(3));
      const caller = await client("-headers", "x-user=ann");
      await caller.next(50);
      assert.equal(peersOf(caller.calls).size, 1);
      const other = await client();
      await eventually("calls without it at all pods", () => peersOf(other.calls).size === 3);
    },
  },
];

runScenarios(SCENARIOS, 50);
