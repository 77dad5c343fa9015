/** Tests of work in slices. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runSlice, SLICE_MS } from "./slices.ts";
import { VirtualClock } from "./virtual.ts";

test("work is left when a slice of time is over, and goes on where it was", () => {
  const clock = new VirtualClock();
  const done: number[] = [];
  const work = (function* (): Generator<undefined, string> {
    for (let i = 0; i < 5; i += 1) {
      clock.advance(SLICE_MS / 2);
      done.push(i);
      yield;
    }
    return "result";
  })();
  const seen: (string | undefined)[] = [];
  for (let step = runSlice(work, clock); ; step = runSlice(work, clock)) {
    seen.push(`${done.join("")} ${step.value}`);
    if (step.done === true) break;
  }
  assert.deepEqual(seen, ["01 undefined", "0123 undefined", "01234 result"]);
});

test("work of no time is done at once", () => {
  const work = [undefined, undefined, undefined].values();
  assert.equal(runSlice(work, new VirtualClock()).done, true);
});
