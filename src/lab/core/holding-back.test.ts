/** Tests of the rule by which the load is held back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldingBack, type LaneStrain } from "./holding-back.ts";

const FINE: LaneStrain = { givenUp: 0, lagMs: 1 };

function checks(rule: HoldingBack, count: number, ...lanes: readonly LaneStrain[]): void {
  for (let done = 0; done < count; done += 1) rule.check(lanes);
}

test("a client that gives calls up with late timers has all lanes lowered below what it made", () => {
  const rule = new HoldingBack(300);
  checks(rule, 2, FINE, { givenUp: 100, lagMs: 30 });
  assert.equal(rule.heldBackTo, null, "two bad seconds happen");
  checks(rule, 1, FINE, { givenUp: 100, lagMs: 30 });
  assert.equal(rule.heldBackTo, 180);
  checks(rule, 3, FINE, { givenUp: 18, lagMs: 30 });
  assert.equal(rule.heldBackTo, 145);
});

// Slow pods fill the limit of open calls: the lane's finding, and no matter of the machine.
test("a client that gives calls up with timers on time waits for its pods: nothing is lowered", () => {
  const rule = new HoldingBack(300);
  checks(rule, 20, FINE, { givenUp: 250, lagMs: 2 });
  assert.equal(rule.heldBackTo, null);
});

test("late timers alone are no shortage: the rate is kept", () => {
  const rule = new HoldingBack(300);
  checks(rule, 20, { givenUp: 14, lagMs: 40 });
  assert.equal(rule.heldBackTo, null);
});

test("bad seconds with good ones between lower nothing", () => {
  const rule = new HoldingBack(300);
  for (let times = 0; times < 5; times += 1) {
    checks(rule, 2, { givenUp: 100, lagMs: 30 });
    checks(rule, 1, FINE);
  }
  assert.equal(rule.heldBackTo, null);
});

test("it is raised again by small steps while there is room, up to what was asked for", () => {
  const rule = new HoldingBack(300);
  checks(rule, 3, { givenUp: 60, lagMs: 30 });
  assert.equal(rule.heldBackTo, 216);
  const seen: (number | null)[] = [];
  for (let steps = 0; steps < 4; steps += 1) {
    checks(rule, 4, FINE);
    seen.push(rule.heldBackTo);
    checks(rule, 1, FINE);
  }
  assert.deepEqual(seen, [216, 238, 262, 289]);
  assert.equal(rule.heldBackTo, null);
});

test("a step up that was too much is waited for longer the next time", () => {
  const rule = new HoldingBack(1000);
  checks(rule, 3, { givenUp: 500, lagMs: 30 });
  const low = rule.heldBackTo!;
  checks(rule, 5, FINE);
  assert.equal(rule.heldBackTo, Math.ceil(low * 1.1));
  checks(rule, 3, { givenUp: 40, lagMs: 30 });
  const again = rule.heldBackTo!;
  checks(rule, 9, FINE);
  assert.equal(rule.heldBackTo, again);
  checks(rule, 1, FINE);
  assert.equal(rule.heldBackTo, Math.ceil(again * 1.1));
});

test("it never goes below 10 calls a second, and not below half at once", () => {
  const rule = new HoldingBack(100);
  checks(rule, 3, { givenUp: 100, lagMs: 500 });
  assert.equal(rule.heldBackTo, 50);
  checks(rule, 20, { givenUp: 100, lagMs: 500 });
  assert.equal(rule.heldBackTo, 10);
  const slow = new HoldingBack(5);
  checks(slow, 20, { givenUp: 5, lagMs: 500 });
  assert.equal(slow.heldBackTo, null);
});

test("another load is tried as it is asked for", () => {
  const rule = new HoldingBack(300);
  checks(rule, 3, { givenUp: 100, lagMs: 30 });
  rule.setWanted(100);
  assert.equal(rule.heldBackTo, null);
});
