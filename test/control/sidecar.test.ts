/**
 * Envoy as a sidecar, driven by `fairlead control`: in a network namespace whose connections are
 * captured, a client dials a Service's cluster IP, and each call goes to another pod; what is no
 * plaintext gRPC to a known port passes through. By IPv4 and by IPv6.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NetworkNamespace, whyNoNamespace } from "../kubernetes/netns.ts";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import type { RunningProcess } from "../peers/processes.ts";
import { CONTROL, capture, readAll, startEnvoy } from "./captured-envoy.ts";
import { ControlPlane } from "./control-plane.ts";
import { rejections } from "./envoy.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { Pods } from "./pods.ts";
import { failuresOf, peersOf, XdsClient } from "./xds-client.ts";

const CLUSTER_IP = "10.96.0.50";
const PLAIN_IP = "10.96.0.60";
const CLUSTER_IPV6 = "fd00:10:96::50";
const PLAIN_IPV6 = "fd00:10:96::60";

/** A server that speaks first, as MySQL does. */
const SPEAKS_FIRST = `
import socket
import threading
def serve(s):
    while True:
        c, _ = s.accept()
        c.sendall(b"I speak first")
        c.close()
# An address of IPv6 that is local by its route alone cannot be bound.
for host, family in (("${PLAIN_IP}", socket.AF_INET), ("::", socket.AF_INET6)):
    s = socket.create_server((host, 3306), family=family)
    threading.Thread(target=serve, args=(s,)).start()
print("ready", flush=True)
`;

for (const isDelta of [false, true]) {
  const way = isDelta ? "delta" : "state of the world";
  test(`Envoy as sidecar by ${way}: spread, scale, rollout, outage, passthrough`, async (t) => {
    const why = whyNoNamespace();
    if (why !== null) return t.skip(why);
    const [envoy, echo, caller] = ["envoy", "echo-server", "xds-client"].map((name) =>
      requirePeer(t, name),
    );
    const [nft, python] = ["nft", "python-grpcio"].map((name) => requirePeer(t, name));
    if (!envoy || !echo || !caller || !nft || !python) return;
    const netns = await NetworkNamespace.create("nameserver 127.0.0.1\n");
    const objects = new ObjectsDirectory();
    const start = (path: string, args: readonly string[], options = {}): RunningProcess =>
      netns.start(path, args, options);
    const pods = new Pods(echo, objects, "echo", 7000, start);
    t.after(async () => {
      await netns.close();
      objects.close();
    });
    capture(netns, nft);
    objects.service("echo", { clusterIP: CLUSTER_IP, secondIP: CLUSTER_IPV6 });
    await pods.add(ip(1), ip(2), ip(3));
    await netns.start(python, ["-c", SPEAKS_FIRST]).waitFor(/ready/);
    const plane = await ControlPlane.startIn(objects.path, CONTROL, start);
    const proxy = await startEnvoy(netns, envoy, isDelta);
    const target6 = `passthrough:///[${CLUSTER_IPV6}]:50051`;
    const client = new XdsClient(
      [caller],
      objects.path,
      CONTROL,
      `passthrough:///${CLUSTER_IP}:50051`,
      { start },
    );
    await client.ready();
    await client.next(60);
    assertSpread(await client.next(150));
    const other = new XdsClient([caller], objects.path, CONTROL, target6, { start });
    await other.ready();
    assertSpread(await other.next(150));

    await pods.add(ip(4));
    const publishedAt = Date.now();
    await eventually("a call at the new pod", () => peersOf(client.calls).has(peer(4)));
    const first = client.calls.find((call) => call.peer === peer(4))!;
    t.diagnostic(`slice written -> first call at the new pod ended: ${first.at - publishedAt} ms`);
    await pods.replace(
      [1, 2, 3, 4].map((pod) => [ip(pod), ip(pod + 10)]),
      () => client.next(40),
    );
    const replaced = peersOf(await client.next(100));
    assert.deepEqual([...replaced.keys()].sort(), [11, 12, 13, 14].map(peer));

    await passes(netns);
    await plane.kill();
    await client.next(50);
    await passes(netns);
    await plane.start();
    await pods.add(ip(5));
    await eventually("a pod that came after the restart", () => peersOf(client.calls).has(peer(5)));
    assert.deepEqual(failuresOf([...client.calls, ...other.calls]), []);
    assert.deepEqual(rejections(proxy), []);
  });
}

/** Three pods have their share. */
function assertSpread(calls: Parameters<typeof peersOf>[0]): void {
  const spread = peersOf(calls);
  assert.deepEqual([...spread.keys()].sort(), [1, 2, 3].map(peer));
  for (const [name, count] of spread) assert.ok(count >= 20, `${name}: ${count} of 150`);
}

const ip = (pod: number): string => `10.244.0.${pod}`;
const peer = (pod: number): string => `${ip(pod)}:7000`;

/** What is no gRPC goes on to where it was to go. */
async function passes(netns: NetworkNamespace): Promise<void> {
  for (const host of [PLAIN_IP, PLAIN_IPV6]) {
    assert.equal(await hear(netns, host, 3306), "I speak first", host);
  }
}

/** What a server says to a client that is silent. */
function hear(netns: NetworkNamespace, host: string, port: number): Promise<string> {
  return readAll(netns.dial(host, port));
}
