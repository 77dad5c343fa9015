/** Tests of waits that a signal cuts short. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { VirtualClock } from "../base/index.ts";
import { pause } from "./pause.ts";

test("a pause ends with its time or with the signal, and leaves neither listener nor timer", async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const counts = () => [getEventListeners(stop.signal, "abort").length, clock.pendingCount];
  for (let i = 0; i < 3; i += 1) {
    const done = pause(500, clock, stop.signal);
    assert.deepEqual(counts(), [1, 1]);
    clock.advance(500);
    await done;
    assert.deepEqual(counts(), [0, 0]);
  }
  const cut = pause(500, clock, stop.signal);
  stop.abort();
  await cut;
  await pause(500, clock, stop.signal);
  assert.deepEqual(counts(), [0, 0]);
});
