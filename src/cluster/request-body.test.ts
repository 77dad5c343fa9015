/** Tests of the bytes that are kept of a request, and of their bounds. */
import assert from "node:assert/strict";
import test from "node:test";
import { REPLAY_BYTES_MAX, REPLAY_BYTES_TOTAL_MAX } from "./config.ts";
import { ReplayBounds, RequestBody, replayBytesKept } from "./request-body.ts";

const BOUNDS = new ReplayBounds({
  callBytesMax: REPLAY_BYTES_MAX,
  totalBytesMax: REPLAY_BYTES_TOTAL_MAX,
});

/** What a body hands out, as text with a "|" between its parts and a "." for the end. */
function handedOut(body: RequestBody, isEnd: boolean): string {
  const parts: string[] = [];
  body.sendTo(
    {
      sendBody(bytes, start, end, isLast) {
        parts.push(Buffer.from(bytes.subarray(start, end)).toString() + (isLast ? "." : ""));
      },
    },
    isEnd,
  );
  return parts.join("|");
}

function push(body: RequestBody, text: string): void {
  const source = Buffer.from(`<${text}>`);
  body.push(source, 1, source.length - 1);
  source.fill(0); // It was to be read only until `push` returned.
}

test("what was pushed is handed out in order, as often as asked, the end on the last part", () => {
  const body = new RequestBody(BOUNDS);
  for (const text of ["one", "", "two", "x".repeat(9_000), "three"]) push(body, text);
  const expected = `one|two|${"x".repeat(9_000)}|three`;
  assert.equal(handedOut(body, false), expected);
  assert.equal(handedOut(body, true), `${expected}.`);
  assert.equal(body.length, 9_011);
  body.clear();
  assert.equal(replayBytesKept(), 0);
});

test("an empty body hands out nothing, or the end alone", () => {
  const body = new RequestBody(BOUNDS);
  assert.equal(handedOut(body, false), "");
  assert.equal(handedOut(body, true), ".");
});

test("bodies of several calls that grow in turn do not mix", () => {
  const bodies = Array.from({ length: 50 }, () => new RequestBody(BOUNDS));
  for (let round = 0; round < 40; round += 1) {
    for (const [i, body] of bodies.entries()) push(body, `${i}:${round};`);
  }
  for (const [i, body] of bodies.entries()) {
    const all = handedOut(body, false).replaceAll("|", "");
    assert.equal(all, Array.from({ length: 40 }, (_, round) => `${i}:${round};`).join(""));
    body.clear();
  }
  assert.equal(replayBytesKept(), 0);
});

test("what is kept is bounded per call", () => {
  const body = new RequestBody(BOUNDS);
  assert.equal(body.canKeep(REPLAY_BYTES_MAX), true);
  assert.equal(body.canKeep(REPLAY_BYTES_MAX + 1), false);
  push(body, "x".repeat(REPLAY_BYTES_MAX - 1));
  assert.equal(body.canKeep(1), true);
  assert.equal(body.canKeep(2), false);
  body.clear();
});

test("what is kept is bounded over all calls, and clearing makes room", () => {
  const bodies: RequestBody[] = [];
  const part = Buffer.alloc(REPLAY_BYTES_MAX);
  for (let kept = 0; kept < REPLAY_BYTES_TOTAL_MAX; kept += part.length) {
    const body = new RequestBody(BOUNDS);
    assert.equal(body.canKeep(part.length), true);
    body.push(part, 0, part.length);
    bodies.push(body);
  }
  assert.equal(replayBytesKept(), REPLAY_BYTES_TOTAL_MAX);
  assert.equal(new RequestBody(BOUNDS).canKeep(1), false);
  bodies[0].clear();
  assert.equal(new RequestBody(BOUNDS).canKeep(part.length), true);
  for (const body of bodies) body.clear();
  assert.equal(replayBytesKept(), 0);
});

test("a cluster has a bound of its own, which a copy counts for too", () => {
  const bounds = new ReplayBounds({ callBytesMax: 6, totalBytesMax: 10 });
  const body = new RequestBody(bounds);
  assert.equal(body.canKeep(7), false);
  push(body, "abcd");
  push(body, "ef");
  const copy = body.copy();
  assert.equal(handedOut(copy, true), "abcd|ef.");
  assert.equal(bounds.keptBytes, 12);
  assert.equal(new RequestBody(bounds).canKeep(1), false);
  body.clear();
  assert.equal(new RequestBody(bounds).canKeep(4), true);
  copy.clear();
  assert.equal(bounds.keptBytes, 0);
});
