/** What nodes reject is logged, and no faster than anybody can read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingLogger, VirtualClock } from "../../base/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { RESOURCE_TYPES } from "../../xds/index.ts";
import { WrittenSource } from "./ads-suite.ts";
import { NODE_LINES_PER_MINUTE_MAX } from "./limits.ts";
import { AdsService } from "./service.ts";
import type { AdsStream } from "./stream.ts";

test("NACKs without end are a bounded number of lines a minute; the rest is counted", () => {
  const clock = new VirtualClock();
  const log = new RecordingLogger();
  const system = { clock, log, registry: new Registry(), source: new WrittenSource() };
  const service = new AdsService({ ...system, isAuthorized: false });
  const stream = { fieldsOf: () => ({ node: "n" }) } as unknown as AdsStream;
  const reject = (count: number) => {
    for (let i = 0; i < count; i += 1) service.onNacked(stream, RESOURCE_TYPES.CDS, "bad");
    return log.entries.splice(0);
  };
  assert.equal(reject(10_000).length, NODE_LINES_PER_MINUTE_MAX);
  clock.advance(59_999);
  service.onAbsent(stream, RESOURCE_TYPES.LDS, "x", "no such Service");
  assert.equal(log.entries.length, 0);
  clock.advance(1);
  const [first, second] = reject(2);
  const leftOut = 10_000 - NODE_LINES_PER_MINUTE_MAX + 1;
  assert.deepEqual(first!.fields, { node: "n", error: "bad", leftOut });
  assert.deepEqual(second!.fields, { node: "n", error: "bad" });
  service.close();
});
