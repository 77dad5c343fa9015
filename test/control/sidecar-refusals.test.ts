/**
 * Routes that are wrong, and Envoy as a sidecar: what cannot be evaluated is a rule that fails by
 * itself; what Envoy refuses (NACK) is shown with its words, and what it had stays in force.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NetworkNamespace, whyNoNamespace } from "../kubernetes/netns.ts";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import type { RunningProcess } from "../peers/processes.ts";
import { CONTROL, capture, startEnvoy } from "./captured-envoy.ts";
import { ControlPlane } from "./control-plane.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { Pods } from "./pods.ts";
import { failuresOf, peersOf, XdsClient } from "./xds-client.ts";

const CLUSTER_IP = "10.96.0.50";
const PARENT = { kind: "Service", name: "echo" } as const;

const ip = (pod: number): string => `10.244.0.${pod}`;
const backend = (name: string) => [{ name, port: 50051 }];
const header = (value: string, type = "Exact") => [{ headers: [{ name: "x-to", value, type }] }];

for (const isDelta of [false, true]) {
  const way = isDelta ? "delta" : "state of the world";
  test(`routes that are wrong, for Envoy as sidecar by ${way}`, async (t) => {
    const why = whyNoNamespace();
    if (why !== null) return t.skip(why);
    const [envoy, echo, caller, nft] = ["envoy", "echo-server", "xds-client", "nft"].map((name) =>
      requirePeer(t, name),
    );
    if (!envoy || !echo || !caller || !nft) return;
    const netns = await NetworkNamespace.create("nameserver 127.0.0.1\n");
    const objects = new ObjectsDirectory();
    t.after(async () => {
      await netns.close();
      objects.close();
    });
    const start = (path: string, args: readonly string[], options = {}): RunningProcess =>
      netns.start(path, args, options);
    capture(netns, nft);
    objects.service("echo", { clusterIP: CLUSTER_IP });
    objects.service("v2");
    const pods = new Pods(echo, objects, "echo", 7000, start);
    const fresh = new Pods(echo, objects, "v2", 7001, start);
    await Promise.all([pods.add(ip(1)), fresh.add(ip(9))]);
    const plane = await ControlPlane.startIn(objects.path, CONTROL, start);
    await startEnvoy(netns, envoy, isDelta);
    const target = `passthrough:///${CLUSTER_IP}:50051`;
    const clientOf = async (to: string): Promise<XdsClient> => {
      const args = ["-headers", `x-to=${to}`];
      const client = new XdsClient([caller], objects.path, CONTROL, target, { start, args });
      await client.ready();
      return client;
    };
    const [client, astray] = [await clientOf("x"), await clientOf("nobody")];

    // No expression of RE2, and a Service that does not exist.
    const rest = { backendRefs: backend("echo") };
    const wrong = { matches: header("(?=x)", "RegularExpression"), backendRefs: backend("v2") };
    const nobody = { matches: header("nobody"), backendRefs: backend("nobody") };
    objects.route("wrong", PARENT, [wrong, nobody, rest]);
    const text = /Service prod\/nobody does not exist/;
    await eventually("the calls that nobody serves", () =>
      astray.calls.some(({ code, message }) => code === 14 && text.test(message)),
    );
    assert.deepEqual([...peersOf(await client.next(40)).keys()], [`${ip(1)}:7000`]);

    // Envoy takes no expression of more than 100 instructions.
    const long = { matches: header("a{200}", "RegularExpression"), backendRefs: backend("v2") };
    objects.route("wrong", PARENT, [long, { backendRefs: backend("v2") }]);
    await eventually("a NACK in the log", () => /node rejected/.test(plane.output));
    assert.match(plane.output, /RE2 program size of \d+ > max program size of 100/);
    // The table that it had stays, and endpoints go on.
    await pods.add(ip(2));
    await eventually("the new pod", async () => {
      return [...peersOf(await client.next(20)).keys()].includes(`${ip(2)}:7000`);
    });
    assert.match((await astray.next(5)).at(-1)!.message, text);

    objects.route("wrong", PARENT, [{ backendRefs: backend("v2") }]);
    await eventually("the route made good", async () => {
      return [...peersOf(await astray.next(20)).keys()].join() === `${ip(9)}:7001`;
    });
    await eventually("the same for all", async () => {
      return [...peersOf(await client.next(20)).keys()].join() === `${ip(9)}:7001`;
    });
    assert.deepEqual(failuresOf(client.calls), []);
  });
}
