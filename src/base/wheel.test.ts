/** Tests of the timer wheel: never early, at most a tick late, nothing left behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRng } from "./rng.ts";
import { VirtualClock } from "./virtual.ts";
import { TimerWheel, WheelEntry } from "./wheel.ts";

const TICK_MS = 10;

class Entry extends WheelEntry {
  readonly name: string;
  readonly #fn: (entry: Entry, nowMs: number) => void;
  constructor(name: string, fn: (entry: Entry, nowMs: number) => void) {
    super();
    this.name = name;
    this.#fn = fn;
  }
  onDeadline(nowMs: number): void {
    this.#fn(this, nowMs);
  }
}

/** A wheel and a list of what fired in it, as "name@ms". */
function setup() {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock, TICK_MS);
  const fired: string[] = [];
  const entry = (name: string) => new Entry(name, (e, nowMs) => fired.push(`${e.name}@${nowMs}`));
  const end = () => {
    assert.equal(wheel.size, 0);
    assert.equal(clock.pendingCount, 0);
  };
  return { clock, wheel, fired, entry, end };
}

test("an entry fires once, at the first tick not before its deadline", () => {
  const { clock, wheel, fired, entry, end } = setup();
  wheel.add(entry("a"), 11);
  wheel.add(entry("b"), 20);
  clock.advance(19);
  assert.deepEqual(fired, []);
  clock.advance(1);
  assert.deepEqual(fired.sort(), ["a@20", "b@20"]);
  clock.advance(100_000);
  assert.equal(fired.length, 2);
  end();
});

test("a removed entry does not fire, and the last one takes the clock's timer with it", () => {
  const { clock, wheel, fired, entry, end } = setup();
  const a = entry("a");
  const b = entry("b");
  wheel.add(a, 50);
  wheel.add(b, 50);
  assert.equal(clock.pendingCount, 1);
  wheel.remove(a);
  wheel.remove(a);
  assert.equal(wheel.size, 1);
  assert.equal(clock.pendingCount, 1);
  wheel.remove(b);
  end();
  clock.advance(1000);
  assert.deepEqual(fired, []);
});

test("one clock timer serves any number of entries", () => {
  const { clock, wheel, entry } = setup();
  for (let i = 0; i < 1000; i += 1) wheel.add(entry(`${i}`), 1000 - i);
  assert.equal(wheel.size, 1000);
  assert.equal(clock.pendingCount, 1);
  wheel.close();
  assert.equal(wheel.size, 0);
  assert.equal(clock.pendingCount, 0);
});

test("a deadline in the past fires on a later turn, within a tick", () => {
  const { clock, wheel, fired, entry, end } = setup();
  clock.advance(1234);
  wheel.add(entry("past"), 7);
  assert.deepEqual(fired, []);
  clock.advance(TICK_MS);
  assert.deepEqual(fired, ["past@1240"]);
  end();
});

test("a deadline many turns of the wheel away is kept exactly, and wakes us once a turn", () => {
  const { clock, wheel, fired, entry, end } = setup();
  wheel.add(entry("far"), 3_600_000);
  clock.advance(3_599_999);
  assert.deepEqual(fired, []);
  clock.advance(1);
  assert.deepEqual(fired, ["far@3600000"]);
  end();
});

test("an earlier deadline added later is not held up by the timer set for the first", () => {
  const { clock, wheel, fired, entry, end } = setup();
  wheel.add(entry("late"), 5000);
  clock.advance(3000);
  wheel.add(entry("soon"), 3050);
  clock.advance(50);
  assert.deepEqual(fired, ["soon@3050"]);
  clock.advance(1950);
  assert.deepEqual(fired, ["soon@3050", "late@5000"]);
  end();
});

test("adding an entry again moves its deadline", () => {
  const { clock, wheel, fired, entry, end } = setup();
  const a = entry("a");
  wheel.add(a, 50);
  wheel.add(a, 200);
  assert.equal(wheel.size, 1);
  clock.advance(199);
  assert.deepEqual(fired, []);
  clock.advance(1);
  assert.deepEqual(fired, ["a@200"]);
  end();
});

test("a callback may add its own entry again and remove others that are due now", () => {
  const { clock, wheel, end } = setup();
  const fired: string[] = [];
  const victims: Entry[] = [];
  const killer = (name: string) =>
    new Entry(name, (e, nowMs) => {
      fired.push(e.name);
      for (const other of victims) wheel.remove(other);
      if (nowMs < 100) wheel.add(e, nowMs); // due at once: next tick, never this turn
    });
  const a = killer("a");
  const b = killer("b");
  victims.push(a, b);
  wheel.add(a, 50);
  wheel.add(b, 50);
  clock.advance(50);
  assert.equal(fired.length, 1, "the first removed the second");
  clock.advance(49);
  assert.equal(fired.length, 5, "again at 60, 70, 80 and 90");
  clock.advance(1);
  assert.equal(fired.length, 6);
  end();
});

test("what one callback throws does not cost the others their deadline", () => {
  const { clock, wheel, fired, entry, end } = setup();
  wheel.add(entry("a"), 50);
  const bad = new Entry("bad", () => {
    throw new Error("boom");
  });
  wheel.add(bad, 50);
  wheel.add(entry("b"), 50);
  wheel.add(entry("c"), 90);
  assert.throws(() => clock.advance(50), /boom/);
  clock.advance(50);
  assert.deepEqual(fired.map((s) => s[0]).sort(), ["a", "b", "c"]);
  end();
});

test("closing inside a callback stops the rest", () => {
  const { clock, wheel, fired, entry, end } = setup();
  wheel.add(entry("a"), 50);
  wheel.add(new Entry("closer", () => wheel.close()), 40);
  clock.advance(100);
  assert.deepEqual(fired, []);
  end();
});

test("a clock that jumps over several turns fires each entry once, none early", () => {
  /** A clock whose timers are served late, as after a stalled event loop. */
  const { clock, wheel, fired, entry, end } = setup();
  const stalled = new TimerWheel({
    nowMs: () => clock.nowMs() + (clock.nowMs() >= 10 ? 50_000 : 0),
    wallMs: () => 0,
    setTimer: (ms, fn) => clock.setTimer(ms, fn),
  });
  for (const at of [5, 9_000, 25_000, 50_000, 50_020]) stalled.add(entry(`${at}`), at);
  clock.advance(10);
  assert.deepEqual(
    fired.map((s) => Number(s.split("@")[0])).sort((a, b) => a - b),
    [5, 9_000, 25_000, 50_000],
  );
  clock.advance(10);
  assert.equal(fired.at(-1), "50020@50020");
  assert.equal(stalled.size, 0);
  wheel.close();
  end();
});

test("random adds, removes and moves: on time, once, none forgotten", () => {
  const seed = Number(process.env.FUZZ_SEED ?? 1);
  const rng = seededRng(seed);
  const { clock, wheel, end } = setup();
  const due = new Map<Entry, number>();
  const entries = Array.from({ length: 200 }, (_, i) => {
    return new Entry(`${i}`, (e, nowMs) => {
      const atMs = due.get(e);
      assert.ok(atMs !== undefined, `fired but not in the wheel, FUZZ_SEED=${seed}`);
      assert.ok(nowMs >= atMs, `early: ${nowMs} < ${atMs}, FUZZ_SEED=${seed}`);
      // Two ticks: one that the deadline is in, one when it was added too late for it.
      assert.ok(nowMs <= atMs + 2 * TICK_MS, `late: ${nowMs} > ${atMs}, FUZZ_SEED=${seed}`);
      due.delete(e);
    });
  });
  for (let step = 0; step < 20_000; step += 1) {
    const entry = entries[rng.int(entries.length)];
    if (rng.next() < 0.3) {
      wheel.remove(entry);
      due.delete(entry);
    } else {
      const inMs = rng.next() < 0.1 ? rng.next() * 60_000 : rng.next() * 300;
      wheel.add(entry, clock.nowMs() + inMs);
      due.set(entry, clock.nowMs() + inMs);
    }
    assert.equal(wheel.size, due.size);
    if (rng.next() < 0.2) clock.advance(rng.next() * 37);
    assert.ok(clock.pendingCount <= 1);
  }
  clock.advance(70_000);
  assert.equal(due.size, 0);
  end();
});

test("a wheel that keeps its timer makes one for many entries that come and go", () => {
  const clock = new VirtualClock();
  let timers = 0;
  const counting = {
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    setTimer: (delayMs: number, fn: () => void) => {
      timers += 1;
      return clock.setTimer(delayMs, fn);
    },
  };
  const wheel = new TimerWheel(counting, 10, true);
  const fired: number[] = [];
  class Entry extends WheelEntry {
    override onDeadline(nowMs: number): void {
      fired.push(nowMs);
    }
  }
  for (let i = 0; i < 100; i += 1) {
    const entry = new Entry();
    wheel.add(entry, clock.nowMs() + 1_000);
    clock.advance(1);
    wheel.remove(entry);
  }
  assert.equal(timers, 1);
  wheel.add(new Entry(), clock.nowMs() + 1_000);
  clock.advance(999);
  assert.deepEqual(fired, [], "the kept timer fired for nothing");
  clock.advance(11);
  assert.equal(fired.length, 1);
  clock.advance(10_000);
  assert.equal(clock.pendingCount, 0);
});
