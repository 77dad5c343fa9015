/** The end of all streams of discovery: spread over time, and cut short when the service closes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger, VirtualClock } from "../../base/index.ts";
import type { ServerCall } from "../../server/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { WrittenSource } from "./ads-suite.ts";
import { AdsService } from "./service.ts";

test("a drain ends streams one after the other; a close leaves no timer and no stream to end", () => {
  const clock = new VirtualClock();
  const source = new WrittenSource();
  const system = { clock, log: silentLogger, registry: new Registry() };
  const service = new AdsService({ ...system, source, isAuthorized: false });
  const ended: number[] = [];
  for (let i = 0; i < 4; i += 1) {
    const call = { remote: `127.0.0.1:${i}`, connection: {}, end: () => ended.push(i) };
    service.methods()[0]!.open(call as unknown as ServerCall);
  }
  service.drain(4_000);
  clock.advance(0);
  assert.deepEqual(ended, [0]);
  clock.advance(1_000);
  assert.deepEqual(ended, [0, 1]);
  service.close();
  assert.equal(clock.pendingCount, 0, "those of streams that are left");
  clock.advance(10_000);
  assert.deepEqual(ended, [0, 1]);
});
