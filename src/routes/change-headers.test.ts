/** Tests of header changes, and of the choice among weighted clusters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptedRng, seededRng } from "../base/index.ts";
import { constantList, headerList } from "../http2/index.ts";
import { HeaderChanger, joinChanges } from "./change-headers.ts";
import { chooseCluster, isSampled } from "./choose.ts";
import type { ForwardAction, HeaderChange } from "./table.ts";

const CHANGE: HeaderChange = {
  set: [["x-set", "new"]],
  add: [["x-add", "added"]],
  remove: ["x-remove"],
};

const PAIRS: readonly [string, string][] = [
  [":path", "/a.B/C"],
  ["x-set", "one"],
  ["x-add", "kept"],
  ["x-set", "two"],
  ["x-remove", "gone"],
  ["x-other", "stays"],
];

const CHANGED = [
  [":path", "/a.B/C"],
  ["x-add", "kept"],
  ["x-other", "stays"],
  ["x-set", "new"],
  ["x-add", "added"],
];

test("set replaces all values of a name, add adds, remove removes, the list itself stays", () => {
  const list = headerList(PAIRS);
  assert.deepEqual(new HeaderChanger(CHANGE).apply(list).toPairs(), CHANGED);
  assert.deepEqual(list.toPairs(), PAIRS);
});

test("what was made of a list that repeats is one list, that repeats as well", () => {
  const changer = new HeaderChanger(CHANGE);
  const list = constantList(PAIRS);
  const made = changer.apply(list);
  assert.equal(changer.apply(list), made);
  assert.equal(made.isRepeated, true);
  assert.equal(changer.apply(headerList(PAIRS)).isRepeated, false);
});

test("a change of a route and one of its cluster come to the same as one after the other", () => {
  const changes: HeaderChange[] = [
    CHANGE,
    { set: [["x-add", "only"]], add: [["x-set", "more"]], remove: ["x-other"] },
    { set: [["x-remove", "back"]], add: [["x-other", "again"]], remove: ["x-set"] },
  ];
  for (const first of changes) {
    for (const second of changes) {
      const joined = joinChanges(first, second);
      assert.ok(joined !== null);
      const steps = new HeaderChanger(second).apply(
        new HeaderChanger(first).apply(headerList(PAIRS)),
      );
      const once = new HeaderChanger(joined).apply(headerList(PAIRS));
      // The order of fields of different names means nothing (RFC 9110 §5.3).
      const sorted = (pairs: [string, string][]) =>
        pairs.sort(([a], [b]) => (a < b ? -1 : +(a > b)));
      assert.deepEqual(sorted(once.toPairs()), sorted(steps.toPairs()));
    }
  }
  assert.equal(joinChanges(null, CHANGE), CHANGE);
  assert.equal(joinChanges(null, null), null);
});

function forward(...weights: number[]): ForwardAction {
  const clusters = weights.map((weight, i) => {
    return { cluster: `c${i}`, weight, request: null, response: null };
  });
  const none = { request: null, response: null, mirrors: [], timeoutMs: null };
  return { kind: "forward", clusters, ...none, retryPolicy: null, hashHeader: null };
}

test("clusters are chosen as often as their weights say, one of weight 0 never", () => {
  assert.equal(chooseCluster(forward(3), scriptedRng()).cluster, "c0");
  const chosen = [0, 69, 70, 99].map((value) => {
    return chooseCluster(forward(70, 30, 0), scriptedRng(value)).cluster;
  });
  assert.deepEqual(chosen, ["c0", "c0", "c1", "c1"]);
  assert.equal(chooseCluster(forward(0, 1), scriptedRng(0)).cluster, "c1");
});

test("a share of calls is sampled", () => {
  const rng = seededRng(1);
  const count = Array.from({ length: 10_000 }, () => isSampled(420_000, rng)).filter(
    Boolean,
  ).length;
  assert.ok(Math.abs(count - 4_200) < 200, `${count} of 10,000`);
  assert.equal(isSampled(1_000_000, scriptedRng()), true);
  assert.equal(isSampled(0, scriptedRng()), false);
});
