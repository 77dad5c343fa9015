/**
 * Tests of the rows of those that know each endpoint themselves: which there are, and their order.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointFixture, podFixture, viewFixture } from "./evidence.fixture.ts";
import { viewRows } from "./view-rows.ts";

// A channel has its endpoints by address: echo-10, -11 and -12 stood before echo-2, unlike in the
// picture beside the panel.
test("rows are in the order of the lab's pods, and those that it has no more are the last", () => {
  const view = viewFixture([10, 11, 1, 14, 2].map((number) => endpointFixture(number)));
  const pods = [1, 2, 3, 10, 11].map((number) => podFixture(number));
  const rows = viewRows([{ via: null, view }], pods);
  assert.deepEqual(
    rows.map(({ pod, state }) => `${pod} ${state}`),
    [
      ...["echo-1 READY", "echo-2 READY", "echo-3 unknown"],
      ...["echo-10 READY", "echo-11 READY", "echo-14 READY"],
    ],
  );
});
