/** Tests of the small files of the room: assertions, chance, logging, and real time. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import {
  asJson,
  asText,
  cut,
  assert as invariant,
  printable,
  RecordingLogger,
  realClock,
  realRng,
  scriptedRng,
  seededRng,
  shuffled,
  silentLogger,
  unreachable,
  visible,
  visibleLines,
} from "./index.ts";

test("assert throws an AssertionError with the rule, and only when it is broken", () => {
  invariant(1, "holds");
  assert.throws(() => invariant(0, "windows are conserved"), {
    name: "AssertionError",
    message: "windows are conserved",
  });
});

test("unreachable names the value that the types ruled out", () => {
  assert.throws(() => unreachable("surprise" as never), /surprise/);
});

test("the same seed yields the same numbers, another seed others", () => {
  const take = (seed: number) => Array.from({ length: 5 }, () => rngOf.get(seed)!.next());
  const rngOf = new Map([1, 2].map((seed) => [seed, seededRng(seed)]));
  const first = take(1);
  assert.notDeepEqual(first, take(2));
  rngOf.set(1, seededRng(1));
  assert.deepEqual(take(1), first);
});

test("seeded numbers lie in [0, 1) and whole ones spread evenly over [0, n)", () => {
  const rng = seededRng(7);
  const counts = new Array(10).fill(0);
  for (let i = 0; i < 100_000; i += 1) counts[rng.int(10)] += 1;
  assert.equal(counts.length, 10);
  for (const count of counts) assert.ok(count > 9_500 && count < 10_500, `${counts}`);
  for (let i = 0; i < 1000; i += 1) {
    const x = rng.next();
    assert.ok(x >= 0 && x < 1);
  }
});

test("a scripted generator gives its values as they are, and refuses to invent more", () => {
  const rng = scriptedRng(3, 0.25, 1);
  assert.equal(rng.int(4), 3);
  assert.equal(rng.next(), 0.25);
  assert.throws(() => rng.int(1), /outside \[0, n\)/);
  assert.throws(() => rng.next(), /more was asked/);
});

test("the real generator stays in its range", () => {
  for (let i = 0; i < 1000; i += 1) {
    assert.ok(realRng().next() < 1);
    assert.ok([0, 1, 2].includes(realRng().int(3)));
  }
});

test("a shuffled copy has each order equally often, and leaves the list alone", () => {
  const rng = seededRng(5);
  const list = ["a", "b", "c"];
  const counts = new Map<string, number>();
  for (let i = 0; i < 6_000; i += 1) {
    const order = shuffled(list, rng).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.deepEqual([...counts.keys()].sort(), ["abc", "acb", "bac", "bca", "cab", "cba"]);
  for (const count of counts.values()) assert.ok(count > 850 && count < 1_150, `${count}`);
  assert.deepEqual(list, ["a", "b", "c"]);
});

test("a recording logger keeps level, message and the fields of its ancestors", () => {
  const log = new RecordingLogger();
  log.child({ target: "dns:a" }).child({ try: 1 }).warn("lookup failed", { code: "ESERVFAIL" });
  log.info("ready");
  assert.deepEqual(log.lines, ["warn: lookup failed", "info: ready"]);
  assert.deepEqual(log.entries[0].fields, { target: "dns:a", try: 1, code: "ESERVFAIL" });
  assert.deepEqual(log.entries[1].fields, {});
});

test("the silent logger's children are silent too", () => {
  assert.equal(silentLogger.child({ a: 1 }), silentLogger);
});

test("a real timer fires when at least its delay has passed by the same clock", async () => {
  const clock = realClock();
  for (const delayMs of [0, 0.5, 1, 1.9, 7.3]) {
    const startMs = clock.nowMs();
    await new Promise<void>((resolve) => clock.setTimer(delayMs, resolve));
    assert.ok(clock.nowMs() - startMs >= delayMs);
  }
});

test("what others wrote is cut where it is long, and printable", () => {
  assert.equal(cut("four", 4), "four");
  assert.equal(cut("fives", 4), "five...");
  assert.equal(printable("a\nb\u001b[31m\u202e\u00e9", 9), "a?b?[31m?...");
  assert.equal(printable("x".repeat(101)), `${"x".repeat(100)}...`);
});

/**
 * Words of a node went into logs and tables with C1 controls (0x9b begins a sequence of a terminal
 * as ESC [ does) and with U+202E, after which a line reads backwards.
 */
test("what others wrote is shown in any script, without what is not seen", () => {
  for (const [name, hidden] of [
    ["C0", "\u0000\u0007\n\r\t\u001b"],
    ["DEL and C1", "\u007f\u0080\u0085\u009b\u009f"],
    ["what turns the text", "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2069"],
    ["what has no width", "\u00ad\u200b\u200c\u200d\u2060\ufeff"],
    ["breaks of lines", "\u2028\u2029"],
    ["tags", "\u{e0001}\u{e0041}"],
    ["half a pair", "\ud83d"],
  ] as const) {
    assert.equal(visible(`a${hidden}b`), `a${"?".repeat([...hidden].length)}b`, name);
  }
  assert.equal(visible('Zürich 東京 \u{1f600} "x"'), 'Zürich 東京 \u{1f600} "x"');
  assert.equal(visible("x".repeat(101)), `${"x".repeat(100)}...`);
  assert.equal(visible("ab\u{1f600}", 3), "ab?...", "a pair that is cut");
  const long = "x".repeat(1_000);
  assert.equal(visibleLines([`a\n\u202eb\u009b`, "", long]), `a??b?\n\n${long}\n`);
});

test("what is no JSON object reads as an empty one, what is no text as none", () => {
  for (const value of [undefined, null, 1, "text", [], [{}]]) assert.deepEqual(asJson(value), {});
  assert.deepEqual(asJson({ a: 1 }), { a: 1 });
  assert.equal(asText("text"), "text");
  assert.equal(asText(["text"]), "");
});

test("a real timer of no delay at all fires as one of 0", { timeout: 5_000 }, async () => {
  await new Promise<void>((resolve) => realClock().setTimer(Number.NaN, resolve));
});

test("a real timer can be cancelled; one beyond Node's limit does not fire at once", async () => {
  const clock = realClock();
  clock.setTimer(0, () => assert.fail("cancelled")).cancel();
  const far = clock.setTimer(2 ** 40, () => assert.fail("too early by 34 years"));
  await new Promise<void>((resolve) => clock.setTimer(5, resolve));
  far.cancel();
});

test("an unreferenced timer lets the process end, an ordinary one keeps it alive", () => {
  const run = (then: string) => {
    const code = `import { realClock } from ${JSON.stringify(import.meta.resolve("./index.ts"))};
      realClock().setTimer(50, () => console.log("fired"))${then};`;
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", code]);
    assert.equal(child.status, 0, child.stderr.toString());
    return child.stdout.toString();
  };
  assert.equal(run(""), "fired\n");
  assert.equal(run(".unref()"), "");
});

test("real time: monotonic milliseconds, and wall time since 1970", () => {
  const clock = realClock();
  const a = clock.nowMs();
  assert.ok(clock.nowMs() >= a);
  assert.ok(clock.wallMs() > Date.UTC(2026, 0, 1));
});
