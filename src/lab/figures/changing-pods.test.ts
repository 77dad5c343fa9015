/**
 * Tests of verdicts while pods come, go and fail: what is said of a lane at the moments that the
 * lab exists for.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Judged } from "./facts.ts";
import { LaneMeasure } from "./measure.ts";
import { shortVerdict } from "./short-verdict.ts";
import { verdict } from "./verdict.ts";

/** Some moment in epoch ms. */
const T = 1_700_000_000_000;

const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `echo-${from + index}`);

const each = (pods: readonly string[], calls: number) =>
  Object.fromEntries(pods.map((pod) => [pod, calls]));

function lane(pods: readonly string[], change: Partial<Judged> = {}) {
  const measure = new LaneMeasure(pods);
  const all = new Set(pods);
  return {
    measure,
    calls(perPod: Record<string, number>, failed = 0): void {
      const lastFailure = failed > 0 ? "UNAVAILABLE: no route" : "";
      measure.add({ perPod, failed, lastFailure, latenciesUs: [], connections: 1 });
    },
    pods(now: readonly string[]): void {
      for (const pod of now.filter((one) => !all.has(one))) measure.podReady(pod, T);
      for (const pod of now) all.add(pod);
      measure.setPods(now, [...all]);
    },
    told(now: Partial<Judged> = {}, nowMs = T + 50): readonly [string, string] {
      const figures = measure.figures(nowMs);
      const about = { figures, failure: null, effects: measure.effects, ...change, ...now };
      return [verdict(about), shortVerdict(about).short];
    },
  };
}

// After kill, drain and roll the headless lane of a user said "too early to say" for as long as
// every call failed: it waited for two answered calls a pod.
test("a lane in which every call fails since the pods changed does wrong", () => {
  const headless = lane(names(1, 12));
  headless.calls(each(names(1, 12), 200));
  headless.measure.mark({ event: "roll", atMs: 0, pod: null });
  headless.pods(names(13, 24));
  headless.calls({}, 2400);
  assert.deepEqual(headless.told({}, T + 8000), [
    "0 of 12 pods used: no call answered since there are 12; " +
      "2,400 calls failed (UNAVAILABLE: no route)",
    "✕ 2,400 calls failed",
  ]);
  headless.calls({ "echo-13": 1 }, 30);
  assert.equal(headless.told({}, T + 8100)[1], "✕ 2,430 calls failed");
});

// Each pod that came or went made all lanes say "0 of 12 pods used: no call since there are 12",
// fairlead's too, at 300 calls a second without one that failed.
test("a rolling update does not make an even lane look idle, or uneven", () => {
  const client = lane(names(1, 12), { name: "client" });
  client.calls(each(names(1, 12), 400));
  const even = "12 of 12 pods used evenly: the client chooses a pod for each call";
  const seen = new Set<string>();
  for (let first = 2; first <= 13; first += 1) {
    const [all, kept] = [names(first - 1, first + 11), names(first, first + 11)];
    client.pods(all);
    assert.deepEqual(client.told(), [
      "12 of 13 pods used: a new pod has just come",
      "✓ even, 1 pod just came",
    ]);
    client.calls(each(all, 2));
    client.pods(kept);
    for (let report = 0; report < 4; report += 1) {
      const [sentence, short] = client.told();
      assert.ok(sentence.startsWith(even), sentence);
      seen.add(short);
      client.calls(each(kept, 2));
    }
  }
  assert.deepEqual([...seen], ["✓ even"]);
});

test("a new pod without a call is not said to be used, whatever was before", () => {
  const headless = lane(names(1, 12), { name: "headless" });
  headless.calls(each(names(1, 12), 400));
  headless.pods(names(1, 13));
  headless.calls(each(names(1, 12), 1));
  assert.equal(headless.told()[0], "12 of 13 pods used: a new pod has just come");
  const [sentence, short] = headless.told({}, T + 1500);
  assert.match(sentence, /^12 of 13 pods used: DNS is not asked again, so new pod echo-13/);
  assert.equal(short, "! new pod unused for 1.5 s");
});

test("who was above its fair share still is when a pod comes, and the sentence says so", () => {
  const headless = lane(names(1, 4));
  headless.calls({ ...each(names(1, 4), 100), "echo-3": 300 });
  headless.pods(names(1, 5));
  assert.deepEqual(headless.told(), [
    "4 of 5 pods used: a new pod has just come, and echo-3 got 2.0x its fair share",
    "! uneven: one has 2.0x",
  ]);
});

test("when nearly all pods are new, it is too early to say", () => {
  const client = lane(["echo-1"]);
  client.calls({ "echo-1": 900 });
  client.pods(names(1, 12));
  assert.deepEqual(client.told(), [
    "1 of 12 pods used: new pods have just come",
    "… 1 of 12 pods so far",
  ]);
});

test("what was before is told as long as too few calls were since, and for five seconds at most", () => {
  const client = lane(names(1, 2));
  client.calls(each(names(1, 2), 400));
  client.pods(names(1, 3));
  client.calls({ "echo-3": 1 });
  for (let report = 1; report < 50; report += 1) client.calls({});
  assert.match(client.told()[0], /^3 of 3 pods used evenly/);
  client.calls({});
  assert.deepEqual(client.told(), ["1 of 3 pods used so far, by 1 call", "… 1 of 3 pods so far"]);
});

test("from enough calls on, what was before is told no more", () => {
  const client = lane(names(1, 2));
  client.calls(each(names(1, 2), 400));
  client.pods(names(1, 3));
  client.calls({ "echo-3": 59 });
  assert.match(client.told()[0], /^3 of 3 pods used/);
  client.calls({ "echo-3": 1 });
  assert.equal(client.told()[0], "1 of 3 pods used: every call went to echo-3");
});

// "0 of 12 pods used" stood above 300 calls a second: all of them went to a pod that was ending.
test("calls that all go to a pod that should get none are told", () => {
  const clusterip = lane(names(1, 12), { name: "clusterip" });
  clusterip.calls({ "echo-6": 900 });
  clusterip.pods(names(1, 12).filter((pod) => pod !== "echo-6"));
  const told = [
    "0 of 11 pods used: every call still goes to echo-6, which is no longer ready",
    "✕ 0 of 11 pods",
  ];
  assert.deepEqual(clusterip.told(), told);
  clusterip.calls({ "echo-6": 30 });
  assert.deepEqual(clusterip.told(), told);
  clusterip.calls({}, 1);
  assert.match(clusterip.told()[0], /^0 of 11 pods used: no call answered since there are 11/);
  clusterip.calls({ "echo-2": 600 });
  assert.equal(
    clusterip.told()[0].split(";")[0],
    "1 of 11 pods used: one connection, so every call went to echo-2",
  );
});

// A lane that did right was marked with "1 got no call".
test("a pod that is ejected, or has no answer for what it gets, is no flaw of the spread", () => {
  const client = lane(names(1, 12), { name: "client" });
  client.calls(each(names(2, 12), 100), 5);
  const spread = "11 of 12 pods used evenly: the client chooses a pod for each call";
  const failed = "5 calls failed (UNAVAILABLE: no route)";
  const sick = ["echo-1"];
  assert.deepEqual(client.told({ ejected: sick, sick }), [
    `${spread}; echo-1, which is sick, is ejected; ${failed}`,
    "! even, but 5 calls failed",
  ]);
  // Tried again for a moment, and not ejected in that.
  assert.equal(client.told({ sick })[0], `${spread}; echo-1 is sick; ${failed}`);
  client.measure.mark({ event: "load=100", atMs: 0, pod: null });
  client.calls({});
  assert.deepEqual(client.told({ ejected: sick }), [
    `${spread}; echo-1 is ejected; 5 calls failed earlier (UNAVAILABLE: no route)`,
    "✓ even without echo-1",
  ]);
  assert.match(client.told()[0], /^11 of 12 pods used: 1 got no call; /);
});

test("of two pods, one of them ejected, the other is right to have every call", () => {
  const client = lane(names(1, 2), { name: "client" });
  client.calls({ "echo-1": 500 });
  assert.deepEqual(client.told({ ejected: ["echo-2"], sick: ["echo-2"] }), [
    "1 of 2 pods used: every call went to echo-1; echo-2, which is sick, is ejected",
    "✓ even without echo-2",
  ]);
  assert.equal(client.told()[1], "✕ 1 of 2 pods");
});

test("of a lane with one connection, it is no matter that another pod is sick", () => {
  const clusterip = lane(names(1, 12), { name: "clusterip" });
  clusterip.calls({ "echo-7": 900 });
  assert.deepEqual(clusterip.told({ sick: ["echo-5"] }), [
    "1 of 12 pods used: one connection, so every call went to echo-7",
    "✕ 1 of 12 pods",
  ]);
});

// A sick pod makes fairlead's lanes fail as all others, until they are told to leave such pods.
test("a lane that would eject the pod that fails says what to do for it", () => {
  const client = lane(names(1, 3), { name: "client", mayEject: true });
  client.calls(each(names(1, 3), 100));
  client.measure.mark({ event: "sick=echo-2", atMs: 0, pod: "echo-2" });
  assert.doesNotMatch(client.told({ sick: ["echo-2"] })[0], /sick/);
  client.calls(each(["echo-1", "echo-3"], 10), 10);
  assert.deepEqual(client.told({ sick: ["echo-2"] }), [
    "3 of 3 pods used evenly: the client chooses a pod for each call; " +
      "echo-2 is sick: outliers=on (key o) would eject it; " +
      "10 calls failed (UNAVAILABLE: no route)",
    "✕ 10 calls failed",
  ]);
  assert.doesNotMatch(client.told({ sick: ["echo-2"], mayEject: false })[0], /outliers/);
});

// 1.4961 was shown as 1.50x and called nearly even, where "uneven" begins at 1.5.
test("what is called uneven is what is shown as 1.50 or more", () => {
  const of = (busiest: number): readonly [string, string] => {
    const one = lane(names(1, 2));
    one.calls({ "echo-1": busiest, "echo-2": 10_000 - busiest });
    return one.told();
  };
  assert.deepEqual(of(7480), [
    "2 of 2 pods used unevenly: echo-1 got 1.50x its fair share",
    "! uneven: one has 1.50x",
  ]);
  assert.deepEqual(of(7460), [
    "2 of 2 pods used nearly evenly: echo-1 got 1.49x its fair share",
    "✓ nearly even",
  ]);
  assert.equal(of(6020)[1], "✓ even");
  assert.equal(of(6030)[1], "✓ nearly even");
});
