/** Tests of the question whether a silent API server is there, on a virtual clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRng, VirtualClock } from "../../../../base/index.ts";
import { type ApiFailure, newFailure } from "./failure.ts";
import { Liveness, PROBE_TIMEOUT_MS, SILENT_MS_MAX, SILENT_MS_MIN } from "./liveness.ts";

function setup(seed = 1) {
  const clock = new VirtualClock();
  const seen = {
    asked: 0,
    askedAtMs: 0,
    open: 0,
    silences: 0,
    deadAtMs: -1,
    reason: "" as string | null,
  };
  /** Whether the server answers, after how long. */
  const server = { answersInMs: 5 as number | null, failure: null as ApiFailure | null };
  const liveness: Liveness = new Liveness({
    clock,
    rng: seededRng(seed),
    ask: (onDone) => {
      seen.asked += 1;
      seen.askedAtMs = clock.nowMs();
      seen.open += 1;
      const timer =
        server.answersInMs === null
          ? null
          : clock.setTimer(server.answersInMs, () => onDone(server.failure));
      let isOpen = true;
      return {
        close: () => {
          timer?.cancel();
          if (isOpen) seen.open -= 1;
          isOpen = false;
        },
      };
    },
    onSilence: () => {
      seen.silences += 1;
    },
    onDead: (reason) => {
      seen.reason = reason;
      seen.deadAtMs = clock.nowMs();
    },
  });
  const end = () => {
    liveness.stop();
    assert.equal(clock.pendingCount, 0);
    assert.equal(seen.open, 0);
  };
  return { clock, seen, server, liveness, end };
}

test("a silent server is asked every 10-12 s, one that speaks is not", () => {
  const { clock, seen, liveness, end } = setup();
  liveness.start();
  for (let second = 0; second < 120; second += 1) {
    clock.advance(1000);
    liveness.heard();
  }
  assert.equal(seen.asked, 0);
  clock.advance(120_000);
  assert.ok(seen.asked >= 9 && seen.asked <= 12, `${seen.asked} questions in two minutes`);
  assert.equal(seen.silences, 0);
  end();
});

test("a server that stops is known to be dead within 30 s of its last word", () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const { clock, seen, server, liveness, end } = setup(seed);
    liveness.start();
    clock.advance(seed * 777);
    liveness.heard();
    const lastWordMs = clock.nowMs();
    server.answersInMs = null;
    clock.advance(60_000);
    const tookMs = seen.deadAtMs - lastWordMs;
    assert.ok(tookMs >= SILENT_MS_MIN + PROBE_TIMEOUT_MS, `not rashly: ${tookMs} ms`);
    assert.ok(tookMs <= SILENT_MS_MAX + 2 * PROBE_TIMEOUT_MS && tookMs < 30_000, `${tookMs} ms`);
    assert.equal(seen.silences, 2);
    assert.equal(seen.reason, null);
    assert.equal(clock.pendingCount, 0, "it asks nothing more of a dead one");
    end();
  }
});

test("one lost answer is not death: the second question is answered", () => {
  const { clock, seen, server, liveness, end } = setup();
  liveness.start();
  server.answersInMs = null;
  while (seen.asked === 0) clock.advance(100);
  clock.advance(PROBE_TIMEOUT_MS - 100);
  server.answersInMs = 5;
  clock.advance(60_000);
  assert.equal(seen.deadAtMs, -1);
  assert.equal(seen.silences, 1);
  end();
});

test("refused twice is dead for that reason, but no sooner than the first could have timed out", () => {
  const { clock, seen, server, liveness, end } = setup();
  liveness.start();
  server.failure = newFailure({ reason: "api:6443: connection refused" });
  while (seen.asked === 0) clock.advance(1);
  const { askedAtMs } = seen;
  clock.advance(PROBE_TIMEOUT_MS - 1);
  assert.equal(seen.asked, 1);
  clock.advance(1 + 5);
  assert.equal(seen.askedAtMs, askedAtMs + PROBE_TIMEOUT_MS);
  assert.equal(seen.deadAtMs, seen.askedAtMs + 5);
  assert.equal(seen.reason, "api:6443: connection refused");
  end();
});

test("an event between a refused question and the next one is an answer", () => {
  const { clock, seen, server, liveness, end } = setup();
  liveness.start();
  server.failure = newFailure({ reason: "api:6443: connection refused" });
  while (seen.asked === 0) clock.advance(1);
  clock.advance(100);
  liveness.heard();
  clock.advance(SILENT_MS_MIN + PROBE_TIMEOUT_MS - 1000);
  assert.equal(seen.asked, 2);
  assert.equal(seen.deadAtMs, -1);
  end();
});

test("a question that could not be asked says nothing of the server", () => {
  const { clock, seen, server, liveness, end } = setup();
  liveness.start();
  server.failure = newFailure({ reason: "exec plugin login: it failed", isInvalid: true });
  clock.advance(120_000);
  assert.ok(seen.asked >= 9 && seen.asked <= 12, `${seen.asked} questions in two minutes`);
  assert.equal(seen.silences, 0);
  assert.equal(seen.deadAtMs, -1);
  end();
});

test("an event that comes while a question is open is an answer", () => {
  const { clock, seen, server, liveness, end } = setup();
  liveness.start();
  server.answersInMs = null;
  for (let i = 0; i < 60; i += 1) {
    clock.advance(5000);
    if (i % 4 === 3) liveness.heard(); // every 20 s, each time within an open question
  }
  assert.equal(seen.deadAtMs, -1);
  end();
});

test("started again after death, it begins anew", () => {
  const { clock, seen, server, liveness, end } = setup();
  liveness.start();
  liveness.start();
  server.answersInMs = null;
  clock.advance(60_000);
  const firstMs = seen.deadAtMs;
  server.answersInMs = 5;
  liveness.start();
  clock.advance(60_000);
  assert.equal(seen.deadAtMs, firstMs);
  end();
});

test("a process that was stopped itself listens first, before it takes the server for dead", () => {
  // A clock whose timers fire late, as they do after SIGCONT.
  let nowMs = 0;
  const due: (() => void)[] = [];
  const clock = {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    setTimer: (_delayMs: number, fn: () => void) => {
      due.push(fn);
      return { cancel: () => due.splice(due.indexOf(fn) >>> 0, 1), unref() {}, ref() {} };
    },
  };
  let asked = 0;
  const liveness = new Liveness({
    clock,
    rng: seededRng(1),
    ask: () => {
      asked += 1;
      return { close() {} };
    },
    onSilence() {},
    onDead: () => assert.fail("nobody died"),
  });
  liveness.start();
  nowMs = 3_600_000;
  due.shift()?.();
  assert.equal(asked, 0);
  nowMs += SILENT_MS_MAX;
  due.shift()?.();
  assert.equal(asked, 1);
  liveness.stop();
  assert.equal(due.length, 0);
});
