/** Tests of when pickers are made: in pieces, again and again, and what is picked meanwhile. */
import assert from "node:assert/strict";
import test from "node:test";
import { type ClusterHarness, settle, withCluster } from "../../test/support/cluster.ts";
import { eventually, type RawServer } from "../../test/support/raw-http2.ts";
import { type PickerBuild, type PickTarget, type Policy, parsePolicy } from "../balancing/index.ts";
import { seededRng } from "../base/index.ts";

/** round_robin whose pickers take `steps` pieces; notes how many endpoints each was begun with. */
function slowPolicy(steps: number): { policy: Policy; sizes: number[] } {
  const sizes: number[] = [];
  const inner = parsePolicy("round_robin");
  const policy: Policy = {
    name: "slow",
    connects: "all",
    shuffleAddressList: false,
    newPicker: (ready, rng, last, nowMs) => inner.newPicker(ready, rng, last, nowMs),
    beginPicker<T extends PickTarget>(ready: readonly T[]): PickerBuild<T> {
      sizes.push(ready.length);
      let left = steps;
      return {
        step() {
          left -= 1;
          return left > 0 ? null : inner.newPicker(ready, seededRng(1), null, 0);
        },
      };
    },
  };
  return { policy, sizes };
}

const addressOf = async (harness: ClusterHarness, servers: RawServer[]): Promise<string> => {
  const call = harness.call();
  const all = servers.flatMap(({ connections }) => connections);
  const connection = await eventually("the call", () => all.find((each) => each.freshCount > 0));
  connection.respond((await connection.nextStream()).id);
  await call.over();
  return call.call!.address!;
};

test("a picker is built in pieces, and calls are picked by the one before meanwhile", async () => {
  const { policy, sizes } = slowPolicy(3);
  await withCluster({ policy }, async (harness) => {
    const [a] = await harness.ready(1);
    harness.clock.advance(1);
    harness.clock.advance(1);
    assert.equal(await addressOf(harness, [a]), a.address);
    const b = await harness.server();
    harness.resolve(a, b);
    await harness.untilReady(2);
    assert.equal(sizes.at(-1), 1, "one was begun when the set changed");
    for (let i = 0; i < 4; i += 1) assert.equal(await addressOf(harness, [a, b]), a.address);
    harness.clock.advance(1);
    harness.clock.advance(1);
    assert.equal(sizes.at(-1), 2, "what changed meanwhile is built after it");
    for (let i = 0; i < 4; i += 1) harness.clock.advance(1);
    const picked = new Set([await addressOf(harness, [a, b]), await addressOf(harness, [a, b])]);
    assert.equal(picked.size, 2);
  });
});

test("when nothing is ready any more a build is given up at once", async () => {
  const { policy } = slowPolicy(1_000);
  await withCluster({ policy }, async (harness) => {
    await harness.ready(2);
    harness.resolve();
    const call = harness.call();
    assert.equal(harness.metric("fairlead_calls_waiting", { queue: "ready" }), 1);
    call.call!.cancel(8);
  });
});

test("a policy that asks for it gets a new picker from time to time, while any is ready", async () => {
  let made = 0;
  const inner = parsePolicy("round_robin");
  const policy: Policy = {
    name: "refreshed",
    connects: "all",
    shuffleAddressList: false,
    refreshMs: 1_000,
    newPicker: (ready, rng, last, nowMs) => {
      made += 1;
      return inner.newPicker(ready, rng, last, nowMs);
    },
  };
  await withCluster({ policy }, async (harness) => {
    await harness.ready(2);
    const before = made;
    harness.clock.advance(1_000);
    assert.equal(made, before + 1);
    harness.clock.advance(3_000);
    assert.equal(made, before + 4);
    harness.resolve();
    const after = made;
    harness.clock.advance(5_000);
    assert.ok(made <= after + 1, "nobody to pick, nothing to refresh");
  });
});

test("A76: calls without a hash of their own bring in the endpoints of a ring one by one", async () => {
  await withCluster({ policy: "ring_hash" }, async (harness) => {
    const servers: RawServer[] = [];
    for (let i = 0; i < 4; i += 1) servers.push(await harness.server());
    harness.resolve(...servers);
    const calls = [harness.call()];
    for (let i = 0; i < 200 && harness.states("READY").length < 4; i += 1) {
      calls.push(harness.call());
      await settle(2);
      harness.clock.advance(1);
      assert.ok(harness.states("CONNECTING").length <= 1, "one after the other");
    }
    assert.equal(harness.states("READY").length, 4, "calls do not stay with the first");
    for (const { call } of calls) call!.cancel(8);
  });
});
