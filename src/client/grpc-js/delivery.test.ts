/** Tests of the tick on which listeners of grpc-js are called. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Deliverable, deliverSoon } from "./delivery.ts";

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

test("what comes in one turn is delivered after it, in order, each once", async () => {
  const heard: number[] = [];
  for (let i = 0; i < 3; i += 1) deliverSoon({ deliver: () => heard.push(i) });
  assert.deepEqual(heard, [], "nothing is called while the caller runs");
  await tick();
  assert.deepEqual(heard, [0, 1, 2]);
});

test("what comes while others are delivered comes in a tick after", async () => {
  const heard: string[] = [];
  const inner: Deliverable = { deliver: () => heard.push("inner") };
  deliverSoon({
    deliver: () => {
      deliverSoon(inner);
      heard.push("outer");
    },
  });
  deliverSoon({ deliver: () => heard.push("other") });
  await tick();
  assert.deepEqual(heard, ["outer", "other", "inner"]);
});
