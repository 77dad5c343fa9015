/** What a caller remembers: a bounded number of calls, the newest first. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../base/index.ts";
import { OpenSockets } from "../load/sockets.ts";
import { CallerWhy } from "./caller-why.ts";

test("the latest 50 calls are told, newest first, and no more are kept", () => {
  const clock = new VirtualClock();
  const why = new CallerWhy(clock, new OpenSockets(clock));
  assert.deepEqual(why.answer(1).calls, []);
  for (let number = 1; number <= 3; number += 1) why.ended(`echo-${number}`, 1, "", "");
  assert.deepEqual(
    why.answer(2).calls.map(({ pod }) => pod),
    ["echo-3", "echo-2", "echo-1"],
  );
  for (let number = 4; number <= 123; number += 1) {
    clock.advance(1);
    why.ended(`echo-${number}`, number, "", "127.0.1.1:50051");
  }
  const { id, calls } = why.answer(3);
  assert.equal(id, 3);
  assert.equal(calls.length, 50);
  assert.deepEqual([calls[0]!.pod, calls[49]!.pod], ["echo-123", "echo-74"]);
  assert.equal(calls[0]!.atMs - calls[49]!.atMs, 49);
});
