/** The logger's lines: keys of the contract, fields, children, levels. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../base/index.ts";
import { newPino, PinoLog } from "./log.ts";

function newLog(level: "trace" | "info" = "info"): { log: PinoLog; lines: () => unknown[] } {
  const written: string[] = [];
  const stream = { write: (line: string) => void written.push(line) };
  const log = new PinoLog(newPino(level, new VirtualClock(), stream));
  return { log, lines: () => written.map((line) => JSON.parse(line)) };
}

test("a line has time in ISO 8601 UTC, level as a word, msg, and its fields at the top", () => {
  const { log, lines } = newLog();
  log.info("listening", { address: "127.0.0.1:1" });
  assert.deepEqual(lines(), [
    {
      time: "2026-01-01T00:00:00.000Z",
      level: "info",
      msg: "listening",
      address: "127.0.0.1:1",
    },
  ]);
});

test("every level has its word, and those below the chosen one are left out", () => {
  for (const [chosen, expected] of [
    ["trace", ["trace", "debug", "info", "warn", "error"]],
    ["info", ["info", "warn", "error"]],
  ] as const) {
    const { log, lines } = newLog(chosen);
    log.trace("m");
    log.debug("m");
    log.info("m");
    log.warn("m");
    log.error("m");
    assert.deepEqual(
      lines().map((line) => (line as { level: string }).level),
      expected,
    );
  }
});

test("a child adds its fields to each line", () => {
  const { log, lines } = newLog();
  log.child({ worker: 2 }).child({ a: 1 }).warn("m", { b: 2 });
  const [{ worker, a, b }] = lines() as [Record<string, number>];
  assert.deepEqual([worker, a, b], [2, 1, 2]);
});

test("what cannot be written as JSON does not throw", () => {
  const { log, lines } = newLog();
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  log.info("m", { loop, big: 1n });
  assert.equal(lines().length, 1);
});
