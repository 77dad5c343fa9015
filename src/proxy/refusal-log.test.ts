/** Tests of lines about repeated events: the first at once, and how many more there were. */
import assert from "node:assert/strict";
import test from "node:test";
import { RecordingLogger, VirtualClock } from "../base/index.ts";
import { RefusalLog } from "./refusal-log.ts";

function newLog() {
  const clock = new VirtualClock();
  const recorder = new RecordingLogger();
  const log = new RefusalLog(recorder, clock);
  const warn = (kind: string, reason = "r") => log.warn("call failed", kind, () => ({ reason }));
  return { clock, log, warn, entries: recorder.entries };
}

const line = (reason: string) => ({ level: "warn", msg: "call failed", fields: { reason } });
const more = (kind: string, count: number) => ({
  ...{ level: "warn", msg: "call failed: and more", fields: { group: kind, more: count } },
});

test("two at once are one line, and one that says that there was another", () => {
  const { clock, log, warn, entries } = newLog();
  warn("lost", "the first");
  warn("lost", "the second");
  log.onTick();
  assert.deepEqual(entries, [line("the first")], "it may not be all");
  clock.advance(1_000);
  log.onTick();
  log.onTick();
  assert.deepEqual(entries, [line("the first"), more("lost", 1)]);
});

test("the next line of a kind comes after what was left out before it", () => {
  const { clock, warn, entries } = newLog();
  warn("lost");
  warn("lost");
  warn("refused");
  clock.advance(1_000);
  warn("lost", "later");
  assert.deepEqual(entries, [line("r"), line("r"), more("lost", 1), line("later")]);
});

test("at the end all is told at once", () => {
  const { log, warn, entries } = newLog();
  for (let i = 0; i < 5; i += 1) warn("drained");
  log.flush();
  assert.deepEqual(entries, [line("r"), more("drained", 4)]);
});
