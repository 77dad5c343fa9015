/** Tests of logs that throw, and of channels that have one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Logger, RecordingLogger, silentLogger } from "../../base/index.ts";
import { containedLogger } from "./contained-logger.ts";

const fail = (): never => {
  throw new Error("the disk is full");
};
const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;

test("lines pass, with the fields of ancestors", () => {
  const log = new RecordingLogger();
  const child = containedLogger(log).child({ a: 1 });
  for (const level of LEVELS) child[level]("line", { b: 2 });
  containedLogger(log).info("no fields");
  assert.deepEqual(log.lines, [...LEVELS.map((level) => `${level}: line`), "info: no fields"]);
  assert.deepEqual(log.entries[0]?.fields, { a: 1, b: 2 });
});

test("what a log throws stays in it, and its next lines are written", () => {
  const log = new RecordingLogger();
  for (const level of LEVELS) {
    Object.assign(log, { [level]: fail });
    containedLogger(log)[level]("lost");
  }
  const once = new RecordingLogger();
  Object.assign(once, { info: fail });
  containedLogger(once).info("lost");
  Reflect.deleteProperty(once, "info");
  containedLogger(once).info("kept");
  assert.deepEqual([log.lines, once.lines], [[], ["info: kept"]]);
});

test("a log without children has the fields of a child all the same", () => {
  for (const child of [fail, () => null, () => undefined, () => 5]) {
    const log = new RecordingLogger();
    Object.assign(log, { child });
    containedLogger(log).child({ a: 1 }).child({ b: 2 }).info("line", { c: 3 });
    assert.deepEqual(log.entries, [{ level: "info", msg: "line", fields: { a: 1, b: 2, c: 3 } }]);
  }
  const strange = { ...silentLogger, child: () => ({}) as Logger };
  containedLogger(strange).child({}).error("lost");
});

test("one log has one that contains it", () => {
  const log = new RecordingLogger();
  const made = containedLogger(log);
  assert.equal(containedLogger(log), made);
  assert.equal(containedLogger(made), made);
  assert.notEqual(containedLogger(new RecordingLogger()), made);
  assert.equal(containedLogger(silentLogger), silentLogger);
});
