/** Tests of what keeps a program alive while calls are in flight. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Clock, VirtualClock } from "../../base/index.ts";
import { HOLD_MS, ProcessHold } from "./process-hold.ts";

/** A clock that knows which of its timers are pending and would keep a process alive. */
function holdingClock(): { clock: Clock; virtual: VirtualClock; held: () => number } {
  const virtual = new VirtualClock();
  const refs = new Set<object>();
  const clock: Clock = {
    nowMs: () => virtual.nowMs(),
    wallMs: () => virtual.wallMs(),
    setTimer: (delayMs, fn) => {
      const timer = virtual.setTimer(delayMs, () => {
        refs.delete(own);
        fn();
      });
      const own = {
        cancel: () => timer.cancel(),
        ref: () => void refs.add(own),
        unref: () => void refs.delete(own),
      };
      refs.add(own);
      return own;
    },
  };
  return { clock, virtual, held: () => refs.size };
}

test("a program is held while calls are in flight, and only then", () => {
  const { clock, held } = holdingClock();
  const hold = new ProcessHold(clock);
  assert.equal(held(), 0);
  hold.retain();
  hold.retain();
  hold.release();
  assert.equal(held(), 1);
  hold.release();
  assert.equal(held(), 0);
});

// The timer was made once: a program older than 24.8 days ended with its stream still open.
test("a call that is older than the longest timer holds it all the same", () => {
  const { clock, virtual, held } = holdingClock();
  const hold = new ProcessHold(clock);
  virtual.advance(HOLD_MS + 1);
  assert.equal(held(), 0, "nothing is held for nothing");
  hold.retain();
  virtual.advance(3 * HOLD_MS);
  assert.equal(held(), 1);
  hold.release();
  assert.equal(held(), 0);
});
