/**
 * The incremental protocol, by raw requests over a real connection: the scenarios of
 * xds-test-harness and of go-control-plane's tests of delta watches.
 */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { type RawNode, ServedAds, type ShortType } from "./ads-suite.ts";
import { SUBSCRIBED_NAMES_MAX } from "./limits.ts";

async function serve(t: TestContext): Promise<ServedAds> {
  const served = await new ServedAds().start();
  t.after(() => served.close());
  for (const type of ["CDS", "EDS", "LDS", "RDS"] as const) {
    for (const name of ["a", "b", "c"]) served.source.set(type, name, `${name}1`);
  }
  return served;
}

function change(served: ServedAds, ...changes: Parameters<ServedAds["source"]["set"]>[]): void {
  for (const one of changes) served.source.set(...one);
  served.source.publish();
}

async function subscribe(node: RawNode, type: ShortType, names: readonly string[]) {
  node.ask({ type, names });
  const answer = await node.next();
  node.ack(answer);
  return answer;
}

test("a name gets its resource, a change only what changed", async (t) => {
  const served = await serve(t);
  for (const type of ["CDS", "EDS", "LDS", "RDS"] as const) {
    const node = served.node(true);
    const first = await subscribe(node, type, ["a", "b"]);
    assert.deepEqual(first.resources, ["a=a1", "b=b1"]);
    change(served, [type, "b", "b2"], [type, "c", "c2"]);
    const second = await node.next();
    assert.deepEqual([second.resources, second.removed], [["b=b2"], []], type);
    node.ack(second);
    await node.silence();
    change(served, [type, "b", "b1"], [type, "c", "c1"]);
    node.end();
  }
});

test("what does not exist is said to be removed, and sent when it comes", async (t) => {
  const served = await serve(t);
  const node = served.node(true);
  const first = await subscribe(node, "EDS", ["a", "none"]);
  assert.deepEqual([first.resources, first.removed], [["a=a1"], ["none"]]);
  change(served, ["EDS", "none", "n1"]);
  const second = await node.next();
  assert.deepEqual(second.resources, ["none=n1"]);
  node.ack(second);
  change(served, ["EDS", "none", null]);
  assert.deepEqual((await node.next()).removed, ["none"]);
});

test("a wildcard of old and by its name, with what comes and what goes", async (t) => {
  const served = await serve(t);
  for (const [type, names] of [
    ["CDS", []],
    ["LDS", []],
    ["EDS", ["*"]],
  ] as const) {
    const node = served.node(true);
    const first = await subscribe(node, type, names);
    assert.deepEqual(first.resources, ["a=a1", "b=b1", "c=c1"]);
    change(served, [type, "d", "d1"]);
    const second = await node.next();
    assert.deepEqual(second.resources, ["d=d1"]);
    node.ack(second);
    change(served, [type, "d", null]);
    const third = await node.next();
    assert.deepEqual([third.resources, third.removed], [[], ["d"]], type);
    node.end();
  }
});

test("an empty wildcard is answered, so that nobody waits for it", async (t) => {
  const served = await new ServedAds().start();
  t.after(() => served.close());
  const first = await subscribe(served.node(true), "CDS", []);
  assert.deepEqual([first.resources, first.removed], [[], []]);
});

test("a name beside a wildcard: asked for again, then given up", async (t) => {
  const served = await serve(t);
  const node = served.node(true);
  await subscribe(node, "CDS", []);
  node.ask({ type: "CDS", names: ["a", "none"] });
  const named = await node.next();
  assert.deepEqual([named.resources, named.removed], [["a=a1"], ["none"]]);
  node.ack(named);
  node.ask({ type: "CDS", unsubscribe: ["a", "none"] });
  const given = await node.next();
  // "the server must" tell what has become of it within the wildcard.
  assert.deepEqual([given.resources, given.removed], [["a=a1"], ["none"]]);
  node.ack(given);
  change(served, ["CDS", "a", "a2"]);
  assert.deepEqual((await node.next()).resources, ["a=a2"]);
});

test("without its wildcard a node keeps what it named", async (t) => {
  const served = await serve(t);
  const node = served.node(true);
  await subscribe(node, "CDS", ["*", "a"]);
  node.ask({ type: "CDS", unsubscribe: ["*"] });
  await served.subscribed("CDS", 1);
  change(served, ["CDS", "b", "b2"]);
  await node.silence();
  change(served, ["CDS", "a", "a2"]);
  assert.deepEqual((await node.next()).resources, ["a=a2"]);
});

test("what is unsubscribed is not followed; what is asked for again is sent again", async (t) => {
  const served = await serve(t);
  const node = served.node(true);
  await subscribe(node, "EDS", ["a", "b"]);
  node.ask({ type: "EDS", unsubscribe: ["b", "never asked for"] });
  await served.subscribed("EDS", 1);
  change(served, ["EDS", "b", "b2"]);
  await node.silence();
  assert.deepEqual((await subscribe(node, "EDS", ["b"])).resources, ["b=b2"]);
  assert.deepEqual((await subscribe(node, "EDS", ["b"])).resources, ["b=b2"]);
});

test("after a reconnect only what differs is sent", async (t) => {
  const served = await serve(t);
  const wild = served.node(true);
  const had = { a: "v-a1", b: "v-b0", gone: "v-g1" };
  wild.ask({ type: "CDS", initial: had });
  const first = await wild.next();
  assert.deepEqual([first.resources, first.removed], [["b=b1", "c=c1"], []]);
  wild.ack(first);
  // What has gone goes last.
  assert.deepEqual((await wild.next()).removed, ["gone"]);
  const named = served.node(true);
  named.ask({ type: "RDS", names: ["a", "b"], initial: { a: "v-a1", b: "v-b1" } });
  await named.silence();
  // Nothing was sent, because it has all: that is no node which waits.
  const shown = () => served.ads.nodes().nodes[1]!.types.RDS!;
  assert.deepEqual([shown().state, shown().resources, shown().messages], ["SYNCED", 2, 0]);
  const { version } = shown();
  assert.notEqual(version, "");
  change(served, ["RDS", "a", "a2"]);
  const changed = await named.next();
  assert.deepEqual([changed.resources, shown().state], [["a=a2"], "STALE"]);
  named.ack(changed);
  await named.silence();
  assert.deepEqual([shown().state, shown().version === version], ["SYNCED", false]);
});

test("a node with as many names as it may have comes back with a version of each", async (t) => {
  const served = await serve(t);
  const node = served.node(true);
  const rest = Array.from({ length: SUBSCRIBED_NAMES_MAX - 1 }, (_, i) => `n${i}`);
  const names = ["a", ...rest];
  const initial = Object.fromEntries(names.map((name) => [name, "v-a0"]));
  node.ask({ type: "EDS", names, initial });
  assert.deepEqual((await node.next()).resources, ["a=a1"]);
});

test("a NACK is kept and not answered; other resources go on", async (t) => {
  const served = await serve(t);
  const node = served.node(true);
  node.ask({ type: "CDS", names: ["a", "b"] });
  const bad = await node.next();
  node.ask({ type: "CDS", nonce: bad.nonce, error: "a: no such policy" });
  await node.silence();
  const shown = () => served.ads.nodes().nodes[0]!.types.CDS!;
  assert.deepEqual([shown().state, shown().error], ["NACKED", "a: no such policy"]);
  change(served, ["CDS", "b", "b2"]);
  const good = await node.next();
  assert.deepEqual(good.resources, ["b=b2"]);
  node.ack(good);
  await node.silence();
  assert.equal(shown().state, "SYNCED");
});

test("names change while an answer is on its way", async (t) => {
  const served = await serve(t);
  const node = served.node(true);
  node.ask({ type: "EDS", names: ["a"] });
  const first = await node.next();
  node.ask({ type: "EDS", names: ["b"] });
  node.ask({ type: "EDS", names: ["c"], unsubscribe: ["b"] });
  await node.silence();
  node.ack(first);
  assert.deepEqual((await node.next()).resources, ["c=c1"]);
});

test("types on one stream do not mix", async (t) => {
  const served = await serve(t);
  const node = served.node(true);
  for (const type of ["CDS", "EDS", "LDS", "RDS"] as const) await subscribe(node, type, ["a"]);
  change(served, ["EDS", "a", "a2"]);
  const answer = await node.next();
  assert.deepEqual([answer.type, answer.resources], ["EDS", ["a=a2"]]);
  node.ask({ type: "CDS", nonce: answer.nonce, error: "of another type" });
  await node.silence();
  assert.equal(served.ads.nodes().nodes[0]!.types.CDS!.nacks, 0);
});

test("make before break, and endpoints again for Envoy's warming", async (t) => {
  const served = await serve(t);
  const node = served.node(true, { id: "e", userAgentName: "envoy" });
  await subscribe(node, "CDS", []);
  await subscribe(node, "EDS", ["a", "b", "c"]);
  await subscribe(node, "LDS", []);
  await subscribe(node, "RDS", ["a"]);
  change(served, ["RDS", "a", "to d"], ["CDS", "d", "d1"], ["CDS", "b", "b2"], ["CDS", "c", null]);
  const next = async () => {
    const answer = await node.next();
    const shown = [answer.type, ...answer.resources, ...answer.removed.map((n) => `-${n}`)];
    return [shown.join(" "), answer] as const;
  };
  const [made, clusters] = await next();
  // Envoy says nothing to its clusters before they are warm, for which it needs their endpoints.
  const [warm, endpoints] = await next();
  assert.deepEqual([made, warm], ["CDS b=b2 d=d1", "EDS b=b1"]);
  await node.silence();
  node.ack(endpoints);
  await node.silence();
  node.ack(clusters);
  const [routed, routes] = await next();
  assert.equal(routed, "RDS a=to d");
  await node.silence();
  node.ack(routes);
  const [broken] = await next();
  assert.equal(broken, "CDS -c");
});
