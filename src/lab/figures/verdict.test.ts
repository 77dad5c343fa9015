/**
 * Tests of the verdict sentences, which other programs match.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LaneMeasure } from "./measure.ts";
import { verdict } from "./verdict.ts";

const PODS = Array.from({ length: 12 }, (_, index) => `echo-${index + 1}`);

function judge(perPod: Record<string, number>, failed = 0, failure: string | null = null): string {
  const measure = new LaneMeasure(PODS);
  const lastFailure = failed > 0 ? "UNAVAILABLE: no route" : "";
  measure.add({ perPod, failed, lastFailure, latenciesUs: [], connections: 1 });
  return verdict({ figures: measure.figures(), failure });
}

const all = (calls: number) => Object.fromEntries(PODS.map((pod) => [pod, calls]));

const CASES: readonly [string, string, string][] = [
  ["one pod", judge({ "echo-7": 9 }), "1 of 12 pods used: every call went to echo-7"],
  ["even", judge(all(50)), "12 of 12 pods used: max/mean 1.00x"],
  ["some pods", judge({ "echo-1": 1, "echo-2": 3 }), "2 of 12 pods used: max/mean 9.00x"],
  [
    "some calls failed",
    judge(all(1), 3),
    "12 of 12 pods used: max/mean 1.00x; 3 calls failed (UNAVAILABLE: no route)",
  ],
  ["all calls failed", judge({}, 5), "no call answered: all 5 failed (UNAVAILABLE: no route)"],
  ["nothing yet", judge({}), "no call yet"],
  ["could not start", judge({}, 0, "the port is taken"), "did not run: the port is taken"],
  [
    "broke off",
    judge({ "echo-2": 4 }, 0, "its client ended"),
    "1 of 12 pods used: every call went to echo-2; broke off: its client ended",
  ],
];

for (const [name, actual, wanted] of CASES) {
  test(`verdict: ${name}`, () => assert.equal(actual, wanted));
}

test("the only pod of a lab that has one is named, too", () => {
  const measure = new LaneMeasure(["echo-1"]);
  measure.add({
    perPod: { "echo-1": 2 },
    failed: 0,
    lastFailure: "",
    latenciesUs: [],
    connections: 1,
  });
  const sentence = verdict({ figures: measure.figures(), failure: null });
  assert.equal(sentence, "1 of 1 pods used: every call went to echo-1");
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
  assert.equal(call({}), "0 of 3 pods used since there are 3");
  assert.match(call({}, 2), /^0 of 3 pods used since there are 3; 2 calls failed \(no reason/);
  assert.equal(
    call({ "echo-1": 1, "echo-2": 1 }),
    "2 of 3 pods used: max/mean 1.50x; 2 calls failed (no reason given)",
  );
});

test("several proxies on the way: how the clients' connections are spread over them", () => {
  const measure = new LaneMeasure(PODS);
  const lastFailure = "UNAVAILABLE: no route";
  measure.add({ perPod: all(1), failed: 1, lastFailure, latenciesUs: [], connections: 8 });
  const replica = (name: string, connections: number) => ({
    ...{ name, connections, calls: 9, callsPerSecond: 9 },
  });
  const figures = measure.figures();
  const told = (replicas: ReturnType<typeof replica>[]): string =>
    verdict({ figures, failure: null, replicas });
  const failed = "; 1 call failed (UNAVAILABLE: no route)";
  assert.equal(told([replica("proxy-1", 8)]), `12 of 12 pods used: max/mean 1.00x${failed}`);
  assert.equal(
    told([replica("proxy-1", 8), replica("proxy-2", 0)]),
    `12 of 12 pods used: max/mean 1.00x; proxy-1 has 8 connections, proxy-2 0${failed}`,
  );
});
