/**
 * Tests of the verdict sentences, which other programs match by their beginning, and of their short
 * forms.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ReplicaView } from "../view.ts";
import { LaneMeasure } from "./measure.ts";
import { shortVerdict } from "./short-verdict.ts";
import { verdict } from "./verdict.ts";

const PODS = Array.from({ length: 12 }, (_, index) => `echo-${index + 1}`);
/** Some moment in epoch ms. */
const T = 1_700_000_000_000;

/** What became of a lane. */
interface Story {
  readonly lane?: string;
  /** Calls by pod. */
  readonly calls?: Readonly<Record<string, number>>;
  readonly connections?: number;
  readonly failed?: number;
  readonly failure?: string;
  /** Pods that came at T, and when their first calls were. */
  readonly came?: Readonly<Record<string, number | null>>;
  /** The pod that was slowed before the calls. */
  readonly slowed?: string;
  /** Connections of each proxy. */
  readonly proxies?: readonly number[];
  readonly nowMs?: number;
}

const all = (calls: number) => Object.fromEntries(PODS.map((pod) => [pod, calls]));

/** The sentence and its short form. */
function judged(story: Story): readonly [string, string] {
  const { lane = "static", calls = {}, failed = 0, came = {}, slowed, nowMs = T + 12_300 } = story;
  const measure = new LaneMeasure(PODS);
  const names = [...PODS, ...Object.keys(came)];
  for (const pod of Object.keys(came)) measure.podReady(pod, T);
  if (names.length > PODS.length) measure.setPods(names, names);
  if (slowed) measure.mark({ event: `slow=${slowed}`, atMs: 0, pod: slowed });
  const answers = Object.entries(came).filter(([, atMs]) => atMs !== null);
  measure.add({
    ...{ perPod: calls, failed, lastFailure: failed > 0 ? "UNAVAILABLE: no route" : "" },
    ...{ latenciesUs: [], connections: story.connections ?? 1 },
    firstAnswers: Object.fromEntries(answers.map(([pod, atMs]) => [pod, T + atMs!])),
  });
  const replica = (connections: number, index: number): ReplicaView => ({
    ...{ name: `proxy-${index + 1}`, connections, calls: 9, callsPerSecond: 9 },
  });
  const about = {
    name: lane,
    figures: measure.figures(nowMs),
    failure: story.failure ?? null,
    replicas: story.proxies?.map(replica) ?? null,
    effects: measure.effects,
  };
  return [verdict(about), shortVerdict(about).short];
}

const CASES: Readonly<Record<string, readonly [Story, string, string]>> = {
  "one connection": [
    { lane: "clusterip", calls: { "echo-7": 900 } },
    "1 of 12 pods used: one connection, so every call went to echo-7",
    "✕ 1 of 12 pods",
  ],
  "one pod for no reason that is known": [
    { lane: "proxy", calls: { "echo-7": 900 } },
    "1 of 12 pods used: every call went to echo-7",
    "✕ 1 of 12 pods",
  ],
  "one pod, early": [
    { lane: "clusterip", calls: { "echo-7": 3 } },
    "1 of 12 pods used so far, by 3 calls",
    "… 1 of 12 pods so far",
  ],
  "several connections": [
    { lane: "http1", calls: { "echo-1": 60, "echo-5": 60, "echo-7": 30 }, connections: 3 },
    "3 of 12 pods used: 3 connections, each to one pod",
    "! 3 of 12 pods",
  ],
  even: [
    { lane: "proxy", calls: all(50) },
    "12 of 12 pods used evenly: the proxy chooses a pod for each call",
    "✓ even",
  ],
  "a lane without words": [
    { lane: "another", calls: all(50) },
    "12 of 12 pods used evenly",
    "✓ even",
  ],
  "nearly even": [
    { calls: { ...all(50), "echo-4": 70 } },
    "12 of 12 pods used nearly evenly: echo-4 got 1.35x its fair share",
    "✓ nearly even",
  ],
  uneven: [
    { calls: { ...all(50), "echo-4": 500 } },
    "12 of 12 pods used unevenly: echo-4 got 5.7x its fair share",
    "! uneven: one has 5.7x",
  ],
  "some pods": [
    { calls: { "echo-1": 50, "echo-2": 150 } },
    "2 of 12 pods used: 10 got no call, and echo-2 got 9.0x its fair share",
    "! 2 of 12 pods",
  ],
  "nothing yet": [{}, "no call yet", "… no call yet"],
  "it could not start": [
    { failure: "the port is taken" },
    "did not run: the port is taken",
    "✕ did not run",
  ],
  "it broke off": [
    { calls: all(5), failure: "its client ended" },
    "12 of 12 pods used evenly: a connection to each pod, calls in turn; " +
      "broke off: its client ended",
    "✕ broke off",
  ],
  "all calls failed": [
    { failed: 5 },
    "no call answered: all 5 failed (UNAVAILABLE: no route)",
    "✕ every call failed",
  ],
  "a few calls failed": [
    { lane: "another", calls: all(100), failed: 3 },
    "12 of 12 pods used evenly; 3 calls failed (UNAVAILABLE: no route)",
    "! even, but 3 calls failed",
  ],
  "many calls failed": [
    { lane: "another", calls: all(100), failed: 130 },
    "12 of 12 pods used evenly; 130 calls failed (UNAVAILABLE: no route)",
    "✕ 130 calls failed",
  ],
};

const NEW_PODS: typeof CASES = {
  "a new pod waits": [
    { lane: "headless", calls: all(50), came: { "echo-13": null } },
    "12 of 13 pods used: DNS is not asked again, so new pod echo-13 has waited 12 s " +
      "for its first call",
    "! new pod unused for 12 s",
  ],
  "new pods wait": [
    { lane: "headless", calls: all(50), came: { "echo-13": null, "echo-14": null } },
    "12 of 14 pods used: DNS is not asked again, so 2 new pods have waited up to 12 s " +
      "for a first call",
    "! 2 new pods unused for 12 s",
  ],
  "a new pod waits beside an old one": [
    { lane: "client", calls: { ...all(50), "echo-2": 0 }, came: { "echo-13": null } },
    "11 of 13 pods used: new pod echo-13 has waited 12 s for its first call, and 1 other got none",
    "! new pod unused for 12 s",
  ],
  "a new pod has just come": [
    { lane: "client", calls: all(50), came: { "echo-13": null }, nowMs: T + 60 },
    "12 of 13 pods used: a new pod has just come",
    "✓ even, 1 pod just came",
  ],
  "a new pod has calls": [
    { lane: "client", calls: { ...all(50), "echo-13": 50 }, came: { "echo-13": 9 } },
    "13 of 13 pods used evenly: the client chooses a pod for each call; " +
      "new pod echo-13 got its first call after 9 ms",
    "✓ even",
  ],
  "new pods have calls": [
    {
      lane: "another",
      calls: { ...all(50), "echo-13": 50, "echo-14": 50 },
      came: { "echo-13": 9, "echo-14": 1204 },
    },
    "14 of 14 pods used evenly; 2 new pods got their first call within 1.2 s",
    "✓ even",
  ],
  "of a lane with one connection new pods are not told": [
    { lane: "clusterip", calls: { "echo-7": 900 }, came: { "echo-13": null } },
    "1 of 13 pods used: one connection, so every call went to echo-7",
    "✕ 1 of 13 pods",
  ],
};

const SLOW: typeof CASES = {
  "a slow pod is spared": [
    { lane: "another", calls: { ...all(60), "echo-2": 9 }, slowed: "echo-2" },
    "12 of 12 pods used evenly; slow echo-2 is spared, with 1.3% of the calls",
    "✓ slow pod spared: 1%",
  ],
  "a slow pod is not spared": [
    { lane: "another", calls: all(60), slowed: "echo-2" },
    "12 of 12 pods used evenly; slow echo-2 still gets 8.3% of the calls",
    "! slow pod still gets 8%",
  ],
  "too few calls to tell": [
    { lane: "another", calls: all(2), slowed: "echo-2" },
    "12 of 12 pods used evenly",
    "✓ even",
  ],
  "the only pod used is the slow one": [
    { lane: "another", calls: { "echo-2": 900 }, slowed: "echo-2" },
    "1 of 12 pods used: every call went to echo-2; echo-2 is slow, and still gets every call",
    "✕ 1 of 12 pods",
  ],
  "that the slow pod is another than the only one used is no merit": [
    { lane: "another", calls: { "echo-3": 900 }, slowed: "echo-2" },
    "1 of 12 pods used: every call went to echo-3",
    "✕ 1 of 12 pods",
  ],
};

const PROXIES: typeof CASES = {
  "one proxy": [
    { lane: "another", calls: all(9), proxies: [8] },
    "12 of 12 pods used evenly",
    "✓ even",
  ],
  "a second proxy without connections": [
    { lane: "another", calls: all(9), proxies: [8, 0] },
    "12 of 12 pods used evenly; but proxy-1 has all 8 connections and proxy-2 none, " +
      "because clients keep the ones they have",
    "! 1 of 2 proxies",
  ],
  "two proxies": [
    { lane: "another", calls: all(9), proxies: [5, 3] },
    "12 of 12 pods used evenly; connections: proxy-1 5, proxy-2 3",
    "✓ even",
  ],
};

for (const [what, cases] of Object.entries({ CASES, NEW_PODS, SLOW, PROXIES })) {
  for (const [name, [story, sentence, short]] of Object.entries(cases)) {
    test(`verdict: ${what}: ${name}`, () => assert.deepEqual(judged(story), [sentence, short]));
  }
}

test("calls that failed before the latest event are told, and are no flaw any more", () => {
  const measure = new LaneMeasure(["a", "b"]);
  const report = { perPod: { a: 50, b: 50 }, lastFailure: "", latenciesUs: [], connections: 1 };
  const told = (failed: number): readonly [string, string] => {
    measure.add({ ...report, failed });
    const about = { figures: measure.figures(), failure: null, effects: measure.effects };
    return [verdict(about), shortVerdict(about).short];
  };
  assert.deepEqual(told(9), ["2 of 2 pods used evenly; 9 calls failed", "✕ 9 calls failed"]);
  measure.mark({ event: "well=a", atMs: 1, pod: "a" });
  assert.deepEqual(told(0), ["2 of 2 pods used evenly; 9 calls failed earlier", "✓ even"]);
  const some = ["2 of 2 pods used evenly; 10 calls failed", "! even, but 1 call failed"];
  assert.deepEqual(told(1), some);
});

test("a lab of one pod has no lane that does wrong", () => {
  const measure = new LaneMeasure(["echo-1"]);
  const report = { failed: 0, lastFailure: "", latenciesUs: [], connections: 1 };
  measure.add({ perPod: { "echo-1": 2 }, ...report });
  const about = { name: "clusterip", figures: measure.figures(), failure: null };
  assert.equal(verdict(about), "1 of 1 pods used: there is no other");
  assert.deepEqual(shortVerdict(about), { kind: "good", short: "✓ even" });
});

test("after scaling, the pods there are now are what counts", () => {
  const measure = new LaneMeasure(["echo-1", "echo-2"]);
  const call = (perPod: Record<string, number>, failed = 0): string => {
    measure.add({ perPod, failed, lastFailure: "", latenciesUs: [], connections: 1 });
    return verdict({ figures: measure.figures(), failure: null });
  };
  call({ "echo-1": 1, "echo-2": 1 });
  const three = ["echo-1", "echo-2", "echo-3"];
  measure.setPods(three, three);
  assert.equal(call({}), "2 of 3 pods used so far, by 2 calls");
  assert.equal(
    call({ "echo-1": 30, "echo-2": 30 }, 2),
    "2 of 3 pods used: 1 got no call, and echo-1 got 1.50x its fair share; 2 calls failed",
  );
  measure.setPods([], three);
  assert.equal(call({}), "no pod is ready; 2 calls failed");
});

test("a long reason of a failed call is cut", () => {
  const measure = new LaneMeasure(["echo-1"]);
  const lastFailure = `UNAVAILABLE: ${"no connection. ".repeat(20)}`;
  measure.add({ perPod: {}, failed: 1, lastFailure, latenciesUs: [], connections: 0 });
  const sentence = verdict({ figures: measure.figures(), failure: null });
  assert.match(sentence, /^no call answered: all 1 failed \(UNAVAILABLE: .*\.\.\.\)$/);
  assert.ok(sentence.length < 140);
});

test("whatever was counted, the sentence begins with how many pods are used", () => {
  const counts = fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 2, maxLength: 12 });
  const lanes = fc.constantFrom("clusterip", "headless", "client", "nested", "none");
  fc.assert(
    fc.property(counts, lanes, fc.integer({ min: 0, max: 9 }), (calls, name, failed) => {
      const pods = calls.map((_, index) => `echo-${index}`);
      const measure = new LaneMeasure(pods);
      const perPod = Object.fromEntries(pods.map((pod, index) => [pod, calls[index]!]));
      const rest = { failed, lastFailure: "", latenciesUs: [], connections: 2 };
      measure.add({ perPod, ...rest });
      const used = calls.filter((count) => count > 0).length;
      const about = { name, figures: measure.figures(), failure: null, effects: measure.effects };
      const [sentence, short] = [verdict(about), shortVerdict(about).short];
      if (used > 0) assert.ok(sentence.startsWith(`${used} of ${pods.length} pods used`), sentence);
      assert.ok(!/undefined|null|NaN|Infinity|\.$/.test(`${sentence} ${short}`), sentence);
      if (short.startsWith("✓")) assert.deepEqual([used, failed], [pods.length, 0], short);
    }),
  );
});
