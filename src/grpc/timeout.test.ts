/** Tests of the coding of grpc-timeout. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatGrpcTimeout, parseGrpcTimeout, TIMEOUT_MS_MAX } from "./index.ts";

test("each unit in milliseconds, up to eight digits", () => {
  assert.equal(parseGrpcTimeout("2H"), 7_200_000);
  assert.equal(parseGrpcTimeout("3M"), 180_000);
  assert.equal(parseGrpcTimeout("10S"), 10_000);
  assert.equal(parseGrpcTimeout("250m"), 250);
  assert.equal(parseGrpcTimeout("1500u"), 1.5);
  assert.equal(parseGrpcTimeout("2000000n"), 2);
  assert.equal(parseGrpcTimeout("99999999m"), 99_999_999);
  assert.equal(parseGrpcTimeout("00000001S"), 1000);
  assert.equal(parseGrpcTimeout("0m"), 0);
});

test("a huge time-out counts as ten years", () => {
  assert.equal(parseGrpcTimeout("99999999H"), TIMEOUT_MS_MAX);
  assert.equal(TIMEOUT_MS_MAX / 86_400_000, 3650);
});

test("what is not 1 to 8 digits and a unit is NaN", () => {
  const bad = ["", "S", "1", "123456789S", "1s", "1h", "-1S", "+1S", "1.5S", " 1S", "1S ", "1 S"];
  for (const field of [...bad, "S1", "1ms", "0x1S", "١S", "1e3S", "1\0"]) {
    assert.ok(Number.isNaN(parseGrpcTimeout(field)), JSON.stringify(field));
  }
});

test("what remains is rounded down, in a unit that fits into eight digits", () => {
  assert.equal(formatGrpcTimeout(29_998.7), "29998m");
  assert.equal(formatGrpcTimeout(1000), "1000m");
  assert.equal(formatGrpcTimeout(999.9999), "999999u");
  assert.equal(formatGrpcTimeout(0.0015), "1u");
  assert.equal(formatGrpcTimeout(0.0005), "500n");
  assert.equal(formatGrpcTimeout(99_999_999.9), "99999999m");
  assert.equal(formatGrpcTimeout(100_000_000), "100000S");
  assert.equal(formatGrpcTimeout(100_000_000 * 1000), "1666666M");
  assert.equal(formatGrpcTimeout(1e13), "2777777H");
  assert.equal(formatGrpcTimeout(Number.POSITIVE_INFINITY), "99999999H");
});

test("nothing left is sent as the shortest time there is", () => {
  for (const ms of [0, -1, -0, 1e-9, Number.NaN]) assert.equal(formatGrpcTimeout(ms), "1n");
});

test("a time-out is never made longer by passing it on, and hardly shorter", () => {
  const anyMs = fc.double({ min: 0.000_002, max: TIMEOUT_MS_MAX, noNaN: true });
  fc.assert(
    fc.property(anyMs, (ms) => {
      const field = formatGrpcTimeout(ms);
      assert.match(field, /^[0-9]{1,8}[HMSmun]$/);
      const parsed = parseGrpcTimeout(field);
      // A product may be rounded up to a whole number, by less than a millionth of a nanosecond.
      assert.ok(parsed <= ms * (1 + 1e-15), `${field} > ${ms}`);
      if (ms >= 0.1) assert.ok(parsed >= ms * 0.989, `${field} < ${ms}`);
    }),
    { numRuns: 2000 },
  );
});

test("any field at all parses to a time or to NaN", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (field) => {
      const ms = parseGrpcTimeout(field);
      assert.ok(Number.isNaN(ms) || (ms >= 0 && ms <= TIMEOUT_MS_MAX));
    }),
  );
});
