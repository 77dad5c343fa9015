/**
 * The small containers of bytes: the output's chunks, a stream's queue, slabs, and the budget.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRng } from "../base/index.ts";
import { Budget } from "./connection/budget.ts";
import { Slab } from "./hpack/slab.ts";
import { CHUNK_BYTES, Output, recycleChunk } from "./output.ts";
import { overloadFigures } from "./overload.ts";
import { SendQueue } from "./stream/send-queue.ts";

const pattern = (count: number, from: number) =>
  Buffer.from(Array.from({ length: count }, (_, i) => (from + i) & 255));

describe("output", () => {
  test("what is appended comes out in order, whatever its sizes", () => {
    const before = overloadFigures().bufferedBytes;
    for (let seed = 0; seed < 20; seed++) {
      const rng = seededRng(seed);
      const output = new Output();
      const expected: Buffer[] = [];
      const taken: Buffer[] = [];
      for (let step = 0; step < 200; step++) {
        const size = [0, 1, 40, 41, rng.int(20_000), rng.int(200_000)][rng.int(6)]!;
        const bytes = pattern(size, step);
        output.reserve(size + rng.int(100));
        output.append(bytes, 0, size);
        expected.push(bytes);
        if (rng.int(10) > 0) continue;
        const { pendingBytes } = output;
        let length = 0;
        output.drainTo({
          takeChunk: (chunk, end) => {
            length += end;
            taken.push(Buffer.from(chunk.subarray(0, end)));
            chunk.fill(0xee);
            recycleChunk(chunk);
          },
        });
        assert.equal(length, pendingBytes);
        assert.ok(output.isEmpty);
        assert.equal(output.bytes, null);
      }
      const rest = Buffer.concat(expected).subarray(Buffer.concat(taken).length);
      assert.equal(output.pendingBytes, rest.length);
      assert.ok(
        Buffer.concat(expected)
          .subarray(0, -rest.length || undefined)
          .equals(Buffer.concat(taken)),
      );
      output.clear();
      assert.equal(output.pendingBytes, 0);
    }
    assert.equal(overloadFigures().bufferedBytes, before, "every chunk was given back");
  });

  test("room beyond a chunk is made at once", () => {
    const output = new Output();
    const bytes = output.reserve(3 * CHUNK_BYTES);
    assert.ok(bytes.length >= 3 * CHUNK_BYTES);
    output.clear();
  });
});

describe("a send queue", () => {
  test("gives back what it was given, in order, in any pieces", () => {
    for (let seed = 0; seed < 50; seed++) {
      const rng = seededRng(seed);
      const queue = new SendQueue();
      let pushed = 0;
      let shifted = 0;
      for (let step = 0; step < 300; step++) {
        if (rng.int(2) === 0) {
          const count = [0, 1, rng.int(100), rng.int(40_000)][rng.int(4)]!;
          const bytes = pattern(count + 7, pushed - 3);
          queue.push(bytes, 3, 3 + count);
          bytes.fill(0xee);
          pushed += count;
        } else if (queue.length > 0) {
          const { headBytes, headStart, headEnd } = queue;
          const count = 1 + rng.int(headEnd - headStart);
          const part = headBytes.subarray(headStart, headStart + count);
          assert.ok(part.equals(pattern(count, shifted)));
          queue.shift(count);
          shifted += count;
        }
        assert.equal(queue.length, pushed - shifted);
      }
      queue.clear();
      assert.equal(queue.length, 0);
    }
  });
});

describe("a slab", () => {
  test("keeps copies of all sizes apart", () => {
    const slab = new Slab(100);
    const source = pattern(500, 0);
    const copies: { bytes: Buffer; at: number; count: number }[] = [];
    for (let count = 0; count < 300; count += 7) {
      const at = slab.copy(source, 5, 5 + count);
      copies.push({ bytes: slab.bytes!, at, count });
    }
    source.fill(0xee);
    for (const { bytes, at, count } of copies) {
      assert.ok(bytes.subarray(at, at + count).equals(pattern(count, 5)));
    }
  });
});

describe("a budget", () => {
  test("is spent, refilled with time, and earned back, never above its maximum", () => {
    const budget = new Budget(10, 2, 1_000);
    assert.ok(budget.trySpend(10, 1_000));
    assert.equal(budget.trySpend(1, 1_000), false);
    assert.equal(budget.trySpend(1, 1_499), false);
    assert.ok(budget.trySpend(1, 1_500));
    budget.earn(3);
    assert.ok(budget.trySpend(3, 1_500));
    assert.equal(budget.trySpend(1, 1_500), false);
    budget.earn(1_000);
    assert.equal(budget.trySpend(11, 999_999), false);
    assert.ok(budget.trySpend(10, 999_999));
  });

  test("an amount that is refused is not taken, and time that goes back gives nothing", () => {
    const budget = new Budget(10, 1, 5_000);
    assert.equal(budget.trySpend(11, 5_000), false);
    assert.ok(budget.trySpend(10, 4_000));
    assert.equal(budget.trySpend(1, 4_500), false);
  });
});
