/**
 * The state of the world, by raw requests over a real connection: the scenarios of
 * xds-test-harness (ACK/NACK, subscriptions, wildcard, unsubscribing, many types on one stream) and
 * of go-control-plane's server tests.
 */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { type RawNode, ServedAds } from "./ads-suite.ts";

async function serve(t: TestContext): Promise<ServedAds> {
  const served = await new ServedAds().start();
  t.after(() => served.close());
  for (const name of ["a", "b", "c"]) {
    served.source.set("CDS", name, `${name}1`);
    served.source.set("EDS", name, `${name}1`);
    served.source.set("LDS", name, `${name}1`);
    served.source.set("RDS", name, `${name}1`);
  }
  return served;
}

function change(served: ServedAds, ...changes: Parameters<ServedAds["source"]["set"]>[]): void {
  for (const one of changes) served.source.set(...one);
  served.source.publish();
}

/** Asks, takes the answer and acknowledges it. */
async function subscribe(node: RawNode, type: "CDS" | "EDS" | "LDS" | "RDS", names: string[]) {
  node.ask({ type, names });
  const answer = await node.next();
  node.ack(answer, names);
  return answer;
}

test("an ACK is answered by nothing, a change by a new version", async (t) => {
  const served = await serve(t);
  const node = served.node(false);
  const first = await subscribe(node, "EDS", ["a"]);
  assert.deepEqual(first.resources, ["a1"]);
  await node.silence();
  change(served, ["EDS", "a", "a2"]);
  const second = await node.next();
  assert.deepEqual(second.resources, ["a2"]);
  assert.notEqual(second.version, first.version);
  assert.notEqual(second.nonce, first.nonce);
  node.ack(second, ["a"]);
  change(served, ["EDS", "b", "b2"]);
  await node.silence();
});

test("equal content is an equal version, at another server and after a way back", async (t) => {
  const [one, two] = [await serve(t), await serve(t)];
  const node = one.node(false);
  const first = await subscribe(node, "EDS", ["a", "b"]);
  const other = await subscribe(two.node(false), "EDS", ["b", "a"]);
  assert.equal(first.version, other.version);
  change(one, ["EDS", "a", "a2"]);
  node.ack(await node.next(), ["a", "b"]);
  change(one, ["EDS", "a", "a1"]);
  assert.equal((await node.next()).version, first.version);
});

test("a NACK is kept, shown, and not answered until the resource changes", async (t) => {
  const served = await serve(t);
  const node = served.node(false);
  node.ask({ type: "CDS", names: ["a"] });
  const bad = await node.next();
  node.ask({ type: "CDS", names: ["a"], nonce: bad.nonce, error: "no such policy" });
  await node.silence();
  const shown = () => served.ads.nodes().nodes[0]!.types.CDS!;
  assert.deepEqual([shown().state, shown().error], ["NACKED", "no such policy"]);
  assert.equal(shown().version, "");
  change(served, ["CDS", "b", "b2"]);
  await node.silence();
  change(served, ["CDS", "a", "a2"]);
  const good = await node.next();
  node.ack(good, ["a"]);
  await node.silence();
  assert.deepEqual([shown().state, shown().error, shown().nacks], ["SYNCED", "", 1]);
  assert.equal(shown().version, good.version);
});

// proxy-status said "-" of a node whose zone the control plane had looked up, and gone by.
test("the zone of a node is shown as it was found, when the node does not say it", async (t) => {
  const served = await serve(t);
  const node = served.node(false, { id: "web", metadata: { "fairlead.node": "n1" } });
  await subscribe(node, "EDS", ["a"]);
  assert.equal(served.ads.nodes().nodes[0]!.zone, "zone of n1");
});

test("a request with a stale nonce changes nothing", async (t) => {
  const served = await serve(t);
  const node = served.node(false);
  const first = await subscribe(node, "EDS", ["a"]);
  change(served, ["EDS", "a", "a2"]);
  const second = await node.next();
  node.ask({ type: "EDS", names: ["a", "b"], nonce: first.nonce, error: "too late" });
  await node.silence();
  const row = served.ads.nodes().nodes[0]!.types.EDS!;
  assert.deepEqual([row.subscribed, row.nacks], [1, 0]);
  assert.equal(served.ads.nodes().nodes[0]!.types.EDS!.state, "STALE");
  node.ack(second, ["a", "b"]);
  assert.deepEqual((await node.next()).resources, ["b1"]);
});

test("more names: EDS and RDS send what is new, CDS and LDS everything", async (t) => {
  const served = await serve(t);
  for (const [type, expected] of [
    ["EDS", ["b1"]],
    ["RDS", ["b1"]],
    ["CDS", ["a1", "b1"]],
    ["LDS", ["a1", "b1"]],
  ] as const) {
    const node = served.node(false);
    const first = await subscribe(node, type, ["a"]);
    node.ack(first, ["a", "b"]);
    assert.deepEqual((await node.next()).resources, expected, type);
  }
});

test("fewer names are answered by nothing, and no longer followed", async (t) => {
  const served = await serve(t);
  for (const type of ["EDS", "RDS", "CDS", "LDS"] as const) {
    const node = served.node(false);
    const first = await subscribe(node, type, ["a", "b"]);
    node.ack(first, ["a"]);
    await node.silence();
    change(served, [type, "b", "b2"]);
    await node.silence();
    change(served, [type, "a", "a2"]);
    assert.deepEqual((await node.next()).resources, ["a2"], type);
    change(served, [type, "a", "a1"], [type, "b", "b1"]);
    node.end();
  }
});

test("who asks again for what it had dropped gets it again", async (t) => {
  const served = await serve(t);
  const node = served.node(false);
  const first = await subscribe(node, "EDS", ["a", "b"]);
  node.ack(first, ["a"]);
  node.ack(first, ["a", "b"]);
  assert.deepEqual((await node.next()).resources, ["b1"]);
});

test("a wildcard of old: no names at first means all, none later means none", async (t) => {
  const served = await serve(t);
  for (const type of ["LDS", "CDS"] as const) {
    const node = served.node(false);
    const first = await subscribe(node, type, []);
    assert.deepEqual(first.resources, ["a1", "b1", "c1"]);
    change(served, [type, "d", "d1"]);
    const second = await node.next();
    assert.deepEqual(second.resources, ["a1", "b1", "c1", "d1"]);
    node.ack(second, ["a"]);
    const named = await node.next();
    assert.deepEqual(named.resources, ["a1"]);
    node.ack(named, []);
    await served.subscribed(type, 0);
    change(served, [type, "a", "a2"], [type, "d", null]);
    await node.silence();
    change(served, [type, "a", "a1"]);
    node.end();
  }
});

test("a wildcard by its name, with others and without", async (t) => {
  const served = await serve(t);
  const node = served.node(false);
  const first = await subscribe(node, "CDS", ["*", "a"]);
  assert.deepEqual(first.resources.toSorted(), ["a1", "b1", "c1"]);
  node.ack(first, ["a"]);
  await node.silence();
  change(served, ["CDS", "b", "b2"]);
  await node.silence();
  node.ack(first, ["*"]);
  assert.deepEqual((await node.next()).resources.toSorted(), ["a1", "b2", "c1"]);
});

/** It was asked for beside the wildcard, and was not there: nothing that was sent names it. */
test("what is named beside a wildcard and absent is given up with it", async (t) => {
  const served = await serve(t);
  const node = served.node(false);
  const first = await subscribe(node, "CDS", ["*", "a", "late"]);
  node.ack(first, ["a"]);
  await served.subscribed("CDS", 1);
  change(served, ["CDS", "late", "late1"]);
  await node.silence();
  change(served, ["CDS", "a", "a2"]);
  assert.deepEqual((await node.next()).resources, ["a2"]);
});

test("no names at first of EDS and RDS are none", async (t) => {
  const served = await serve(t);
  const node = served.node(false);
  node.ask({ type: "EDS" });
  node.ask({ type: "RDS" });
  await node.silence();
});

test("what does not exist is left out, and sent when it comes", async (t) => {
  const served = await serve(t);
  const node = served.node(false);
  const listeners = await subscribe(node, "LDS", ["a", "none"]);
  assert.deepEqual(listeners.resources, ["a1"]);
  const alone = served.node(false);
  assert.deepEqual((await subscribe(alone, "LDS", ["none"])).resources, []);
  node.ask({ type: "EDS", names: ["none"] });
  await node.silence();
  change(served, ["EDS", "none", "n1"]);
  assert.deepEqual((await node.next()).resources, ["n1"]);
});

test("what has gone of CDS and LDS is absent from the next answer", async (t) => {
  const served = await serve(t);
  for (const type of ["CDS", "LDS"] as const) {
    const node = served.node(false);
    await subscribe(node, type, ["a", "b"]);
    change(served, [type, "b", null]);
    assert.deepEqual((await node.next()).resources, ["a1"], type);
    served.source.set(type, "b", "b1");
  }
});

test("types on one stream have nonces and versions of their own", async (t) => {
  const served = await serve(t);
  const node = served.node(false);
  const types = ["LDS", "RDS", "CDS", "EDS"] as const;
  const nonces = new Set<string>();
  for (const type of types) nonces.add((await subscribe(node, type, ["a"])).nonce);
  assert.equal(nonces.size, types.length);
  change(served, ["RDS", "a", "a2"]);
  const answer = await node.next();
  assert.deepEqual([answer.type, answer.resources], ["RDS", ["a2"]]);
  node.ask({ type: "EDS", names: ["a"], nonce: answer.nonce, error: "of another type" });
  await node.silence();
  assert.equal(served.ads.nodes().nodes[0]!.types.EDS!.nacks, 0);
});

test("make before break: clusters, routes when these are acknowledged, then removals", async (t) => {
  const served = await serve(t);
  const node = served.node(false, { id: "e", userAgentName: "envoy" });
  await subscribe(node, "CDS", []);
  await subscribe(node, "EDS", ["a", "b", "c"]);
  await subscribe(node, "LDS", []);
  await subscribe(node, "RDS", ["a"]);
  change(served, ["RDS", "a", "to d"], ["CDS", "d", "d1"], ["CDS", "c", null]);
  const made = await node.next();
  assert.deepEqual([made.type, made.resources.toSorted()], ["CDS", ["a1", "b1", "c1", "d1"]]);
  await node.silence();
  node.ack(made, []);
  const routed = await node.next();
  assert.deepEqual([routed.type, routed.resources], ["RDS", ["to d"]]);
  await node.silence();
  node.ack(routed, ["a"]);
  const broken = await node.next();
  assert.deepEqual([broken.type, broken.resources.toSorted()], ["CDS", ["a1", "b1", "d1"]]);
});

test("Envoy is told of endpoints again when their cluster changed; others are not", async (t) => {
  const served = await serve(t);
  const [envoy, grpc] = [served.node(false, { userAgentName: "envoy" }), served.node(false)];
  for (const node of [envoy, grpc]) {
    await subscribe(node, "CDS", ["a", "b"]);
    await subscribe(node, "EDS", ["a", "b"]);
  }
  change(served, ["CDS", "a", "a2"]);
  grpc.ack(await grpc.next(), ["a", "b"]);
  // Not acknowledged: Envoy does that when the cluster is warm.
  assert.equal((await envoy.next()).type, "CDS");
  const again = await envoy.next();
  assert.deepEqual([again.type, again.resources], ["EDS", ["a1"]]);
  await grpc.silence();
});

test("a slow node gets the newest state, not what was in between", async (t) => {
  const served = await serve(t);
  const node = served.node(false);
  node.ask({ type: "EDS", names: ["a"] });
  const first = await node.next();
  for (const content of ["a2", "a3", "a4"]) change(served, ["EDS", "a", content]);
  await node.silence();
  node.ack(first, ["a"]);
  assert.deepEqual((await node.next()).resources, ["a4"]);
});

test("nodes wait until all objects are known", async (t) => {
  const served = await serve(t);
  served.source.isSynced = false;
  const node = served.node(false);
  node.ask({ type: "CDS", names: [] });
  await node.silence();
  assert.equal(served.ads.nodes().nodes[0]!.types.CDS!.state, "NOT SENT");
  served.source.isSynced = true;
  served.source.publish();
  assert.deepEqual((await node.next()).resources, ["a1", "b1", "c1"]);
});
