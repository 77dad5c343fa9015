/**
 * The store of streams against a plain map, over random openings and closings: long-lived streams
 * among short ones make slots collide. RFC 9113 §5.1.1.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRng } from "../../base/index.ts";
import { RECENT_RESETS_MAX } from "../limits.ts";
import type { Stream } from "../stream/stream.ts";
import { Streams } from "./streams.ts";

const stream = (id: number) => ({ id }) as Stream;

/** A store, and the ids that it told of as removed. */
function store(role: "client" | "server" = "server"): { streams: Streams; removed: number[] } {
  const removed: number[] = [];
  const streams = new Streams(role, { onStreamRemoved: ({ id }) => removed.push(id) });
  return { streams, removed };
}

test("the store agrees with a map over random openings and closings", () => {
  for (let seed = 0; seed < 20; seed++) {
    const rng = seededRng(seed);
    const { streams } = store();
    const map = new Map<number, Stream>();
    const most = [3, 40, 300, 3_000, 9_000][seed % 5]!;
    let id = 1;
    for (let step = 0; step < 12_000; step++) {
      if (map.size < most && rng.int(2) === 0) {
        // Now and then a peer skips ids, also by a power of two, so that slots collide.
        if (rng.int(200) === 0) id += [2, 32, 512, 8_192][rng.int(4)]!;
        const opened = stream(id);
        streams.add(opened);
        map.set(id, opened);
        id += 2;
      } else if (map.size > 0) {
        // The youngest as a rule; the oldest stay long.
        const ids = [...map.keys()].slice(-20);
        const closed = map.get(ids[rng.int(ids.length)]!)!;
        streams.remove(closed);
        map.delete(closed.id);
      }
      assert.equal(streams.count, map.size);
      const probe = 1 + 2 * rng.int(id);
      assert.equal(streams.get(probe), map.get(probe));
    }
    const ids = streams.list().map((each) => each.id);
    assert.deepEqual(
      ids.sort((a, b) => a - b),
      [...map.keys()],
    );
    for (const each of map.values()) assert.equal(streams.get(each.id), each);
  }
});

test("a stream leaves once, and its owner hears of it once", () => {
  const { streams, removed } = store();
  const one = stream(1);
  streams.add(one);
  streams.remove(one);
  streams.remove(one);
  streams.remove(stream(99));
  assert.deepEqual(removed, [1]);
  assert.equal(streams.count, 0);
});

test("ids that were never opened are idle, as are all even ones", () => {
  const { streams } = store();
  assert.ok(streams.isIdle(1));
  streams.add(stream(5));
  assert.deepEqual(
    [1, 3, 5, 7, 2].map((id) => streams.isIdle(id)),
    [false, false, false, true, true],
  );
  assert.throws(() => streams.add(stream(3)), /stream ids grow/);
});

test("a client's ids are odd and grow", () => {
  const { streams } = store("client");
  assert.equal(streams.nextLocalId(), 1);
  streams.add(stream(1));
  assert.equal(streams.nextLocalId(), 3);
});

test("the ids that we reset are remembered; once there were too many, every id gets the benefit", () => {
  const { streams } = store();
  assert.equal(streams.wasReset(1), false);
  for (let i = 0; i < RECENT_RESETS_MAX; i++) streams.noteReset(1 + 4 * i);
  assert.ok(streams.wasReset(1));
  assert.equal(streams.wasReset(3), false);
  streams.noteReset(9_999);
  assert.ok(streams.wasReset(1) && streams.wasReset(3));
});
