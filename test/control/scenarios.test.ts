/**
 * Scenarios of gRPC's doc/xds-test-descriptions.md, as a table: what objects say, and what stock
 * grpc-go and C-core do then. Each has a Service of its own, so that all run at once.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { freePort, startProcess } from "../peers/processes.ts";
import { ControlPlane } from "./control-plane.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { Pods } from "./pods.ts";
import {
  type EndedCall,
  failuresOf,
  LANGUAGES,
  type Language,
  peersOf,
  XdsClient,
} from "./xds-client.ts";

/** What a scenario has to work with. */
interface Stage {
  readonly language: Language;
  readonly objects: ObjectsDirectory;
  readonly pods: Pods;
  readonly service: string;
  /** Address of a pod, by its number. */
  ip(pod: number): string;
  /** Its name, as calls tell it. */
  peer(pod: number): string;
  /** Pods of a further Service, which is named SERVICE-NAME. */
  other(name: string): Promise<Pods>;
  /** A client that is ready, which ends with the scenario. */
  client(...args: readonly string[]): Promise<XdsClient>;
}

interface Scenario {
  readonly name: string;
  run(stage: Stage): Promise<void>;
}

/** Waits until calls go to these pods and to no others. */
async function goesTo(client: XdsClient, peers: readonly string[]): Promise<void> {
  let last: string[] = [];
  try {
    await eventually("other peers", async () => {
      last = [...peersOf(await client.next(40)).keys()].sort();
      return last.join() === [...peers].sort().join();
    });
  } catch {
    assert.deepEqual(last, [...peers].sort());
  }
}

/**
 * grpc-go has the new cluster and its endpoints when it takes up a route; but calls see the route
 * before the picker that knows the cluster: `updateResolverStateAndUnlock` of its clientconn.go
 * (1.85, line 847) sets the config selector, and only then (line 864) updates the balancer. Such a
 * call fails by its cluster manager's picker.go:50, whatever a control plane sends in what order.
 *
 * @param cluster "" for clients that have no such race.
 */
function isRaceOfGrpcGo({ code, message }: EndedCall, cluster: string): boolean {
  const text = `unknown cluster selected for RPC: "${cluster}"`;
  return cluster !== "" && code === 14 && message === text;
}

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
    name: "circuit_breaking: no more calls at a time than maxCalls",
    async run({ objects, service, pods, ip, client }) {
      const fairlead = { circuitBreakers: { maxCalls: 5 } };
      objects.service(service, { config: { fairlead } });
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
    name: "change_backend_service: a route leads to another Service, and nothing fails",
    async run({ language, objects, service, pods, ip, peer, client, other }) {
      objects.service(service);
      await pods.add(ip(1));
      const fresh = await other("v2");
      await fresh.add(ip(2));
      const caller = await client();
      await goesTo(caller, [peer(1)]);
      const from = caller.calls.length;
      const parent = { kind: "Service", name: service } as const;
      objects.route(service, parent, [{ backendRefs: [{ name: `${service}-v2`, port: 50051 }] }]);
      await goesTo(caller, [`${ip(2)}:${fresh.port}`]);
      const failures = failuresOf(caller.calls.slice(from));
      const own = language.name === "grpc-go" ? `cluster:prod/${service}-v2:50051` : "";
      assert.deepEqual(
        failures.filter((call) => !isRaceOfGrpcGo(call, own)),
        [],
      );
    },
  },
  {
    name: "path_matching: a method goes where its rule says, and others elsewhere",
    async run({ objects, service, pods, ip, peer, client, other }) {
      objects.service(service);
      await pods.add(ip(1));
      const fresh = await other("v2");
      await fresh.add(ip(2));
      const parent = { kind: "Service", name: service } as const;
      const backend = (name: string) => [{ name, port: 50051 }];
      const rules = (method: string) => [
        { matches: [{ method: { service: "echo.Echo", method } }], backendRefs: backend(service) },
        { matches: [{ method: { service: "echo.Echo" } }], backendRefs: backend(`${service}-v2`) },
      ];
      objects.route(service, parent, rules("Say"));
      const caller = await client();
      await goesTo(caller, [peer(1)]);
      objects.route(service, parent, rules("Chat"));
      await goesTo(caller, [`${ip(2)}:${fresh.port}`]);
    },
  },
  {
    name: "header_matching: a call goes where the rule of its header says",
    async run({ objects, service, pods, ip, peer, client, other }) {
      objects.service(service);
      await pods.add(ip(1));
      const fresh = await other("v2");
      await fresh.add(ip(2));
      const v2 = `${ip(2)}:${fresh.port}`;
      const backendRefs = [{ name: `${service}-v2`, port: 50051 }];
      const parent = { kind: "Service", name: service } as const;
      const headers = [{ name: "x-to", value: "v[0-9]+", type: "RegularExpression" }];
      objects.route(service, parent, [
        { matches: [{ headers }], backendRefs },
        { matches: [{}], backendRefs: [{ name: service, port: 50051 }] },
      ]);
      await goesTo(await client("-headers", "x-to=v2"), [v2]);
      await goesTo(await client("-headers", "x-to=other"), [peer(1)]);
    },
  },
  {
    name: "a route to a Service that does not exist: its calls fail, until it is gone",
    async run({ objects, service, pods, ip, peer, client }) {
      objects.service(service);
      await pods.add(ip(1));
      const caller = await client();
      await goesTo(caller, [peer(1)]);
      const parent = { kind: "Service", name: service } as const;
      objects.route(service, parent, [{ backendRefs: [{ name: "nobody", port: 1 }] }]);
      await eventually("calls that are refused", async () => {
        const calls = await caller.next(20);
        return calls.every(({ code, ms }) => code === 14 && ms < 2000);
      });
      objects.remove("GRPCRoute", service);
      await goesTo(caller, [peer(1)]);
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

const objects = new ObjectsDirectory();
let plane: ControlPlane | null = null;
before(async () => {
  plane = await ControlPlane.start(objects.path);
});
after(async () => {
  await plane?.kill();
  objects.close();
});

for (const [i, language] of LANGUAGES.slice(0, 2).entries()) {
  test(`${language.name} goes through gRPC's scenarios`, { concurrency: 3 }, async (t) => {
    const echo = requirePeer(t, "echo-server");
    const command = language.command(t);
    const broken = requirePeer(t, "health-server");
    if (echo === null || command === null || broken === null) return;
    const tests = SCENARIOS.map(({ name, run }, j) =>
      t.test(name, async () => {
        const ends: (() => Promise<unknown>)[] = [];
        const service = `s${i}-${j}`;
        const pods = new Pods(echo, objects, service, await freePort(), startProcess, broken);
        const ip = (pod: number) => `127.0.${50 + i}.${10 * j + pod}`;
        try {
          await run({
            language,
            objects,
            pods,
            service,
            ip,
            peer: (pod) => `${ip(pod)}:${pods.port}`,
            other: async (name) => {
              objects.service(`${service}-${name}`);
              const more = new Pods(echo, objects, `${service}-${name}`, await freePort());
              ends.push(() => more.close());
              return more;
            },
            client: async (...args) => {
              const target = `xds:///${service}.prod:50051`;
              const node = { locality: { zone: "a" } };
              const options = { args: ["-interval", "5ms", ...args], node };
              const caller = new XdsClient(command, objects.path, plane!.address, target, options);
              ends.push(() => caller.stop());
              await caller.ready();
              return caller;
            },
          });
        } finally {
          await Promise.all(ends.map((end) => end()));
          await pods.close();
        }
      }),
    );
    await Promise.all(tests);
  });
}
