/** What people are told of captured connections. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "../../telemetry/index.ts";
import { CaptureFigures } from "./figures.ts";

test("connections of one destination are counted for each reason, the last one first", () => {
  const none = (): number => 0;
  const figures = new CaptureFigures(new Registry(), none, none);
  figures.note("preface", "127.0.0.1:1", "prod/echo");
  figures.note("preface", "127.0.0.1:1", "prod/echo");
  figures.note("other_protocol", "127.0.0.1:1", "prod/echo");
  figures.note("limit", "127.0.0.2:1", null);
  figures.note("preface", "127.0.0.1:1", "prod/echo");
  const told = figures.decisions().map(({ destination, listener, outcome, connections }) => {
    return [destination, listener, outcome, connections].join(" ");
  });
  assert.deepEqual(told, [
    "127.0.0.1:1 prod/echo http2 3",
    "127.0.0.2:1  refused 1",
    "127.0.0.1:1 prod/echo passthrough 1",
  ]);
});
