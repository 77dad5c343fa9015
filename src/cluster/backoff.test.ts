/** Tests of the delays between connection attempts. */
import assert from "node:assert/strict";
import test from "node:test";
import { seededRng } from "../base/index.ts";
import { Backoff } from "./backoff.ts";
import { DEFAULT_CLUSTER_CONFIG } from "./config.ts";

const CONFIG = DEFAULT_CLUSTER_CONFIG.backoff;

test("delays grow by 1.6 from 200 ms to 30 s", () => {
  const backoff = new Backoff({ next: () => 0.5, int: () => 0 }, CONFIG);
  const delays = Array.from({ length: 14 }, () => Math.round(backoff.nextMs()));
  assert.deepEqual(delays.slice(0, 5), [200, 320, 512, 819, 1311]);
  assert.deepEqual(delays.slice(-3), [30_000, 30_000, 30_000]);
});

test("jitter moves a delay by up to a fifth, either way", () => {
  const first = (chance: number) =>
    new Backoff({ next: () => chance, int: () => 0 }, CONFIG).nextMs();
  assert.equal(first(0), 160);
  assert.equal(Math.round(first(1 - Number.EPSILON)), 240);
  const rng = seededRng(5);
  const delays = Array.from({ length: 1_000 }, () => new Backoff(rng, CONFIG).nextMs());
  assert.ok(delays.every((delay) => delay >= 160 && delay < 240));
  assert.ok(Math.max(...delays) - Math.min(...delays) > 70, "all of the range is used");
});

test("the first and the longest delay are settings", () => {
  const backoff = new Backoff(
    { next: () => 0.5, int: () => 0 },
    { initialMs: 1_000, maxMs: 2_000 },
  );
  const delays = Array.from({ length: 4 }, () => Math.round(backoff.nextMs()));
  assert.deepEqual(delays, [1_000, 1_600, 2_000, 2_000]);
  backoff.reset();
  assert.equal(backoff.nextMs(), 1_000);
});

test("reset makes the next delay the first one", () => {
  const backoff = new Backoff({ next: () => 0.5, int: () => 0 }, CONFIG);
  for (let i = 0; i < 10; i += 1) backoff.nextMs();
  backoff.reset();
  assert.equal(backoff.nextMs(), 200);
});
