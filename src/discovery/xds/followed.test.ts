/** What is known of one resource by name, told by the table that answers come into. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "../../../test/mesh/json-bytes.ts";
import { cluster, type Json } from "../../../test/mesh/resources.ts";
import { VirtualClock } from "../../base/index.ts";
import { TypeTable } from "./ads/type-table.ts";
import { clusterKind } from "./decode/cluster.ts";
import { Followed } from "./followed.ts";

const KIND = clusterKind(() => null);
const GONE = "CDS a: the xDS server says that it does not exist";
const AWAY = "CDS a: it is away";

/** Resource "a" of a table. */
function follow() {
  const table = new TypeTable(KIND, new VirtualClock(), { onWanted: () => {} });
  let changes = 0;
  const followed = new Followed(
    KIND,
    "a",
    (watcher) => table.watch("a", watcher),
    () => void (changes += 1),
  );
  const answer = (resources: readonly Json[]): void => {
    const list = resources.map((each) => ({ name: "", version: "1", bytes: bytesOf(each) }));
    const response = { typeUrl: KIND.typeUrl, version: "1", nonce: "n", removed: [] };
    table.tell(table.apply({ ...response, resources: list }, false, true, null as never));
  };
  /** Value, whether it is known, trouble, and how often it was told since the last look. */
  const state = () => {
    const count = changes;
    changes = 0;
    return [followed.value?.name ?? null, followed.isKnown, followed.trouble, count];
  };
  return { table, followed, answer, state };
}

test("trouble of one that is not known yet is over when the server is back", () => {
  const { table, state } = follow();
  table.setServerTrouble("it is away");
  assert.deepEqual(state(), [null, false, AWAY, 1]);
  table.setServerTrouble(null);
  assert.deepEqual(state(), [null, false, null, 1]);
});

// A server that went away and came back left its absence behind as the reason.
test("of one that is not there absence is the trouble, until it is", () => {
  const { table, answer, state } = follow();
  answer([cluster("a")]);
  assert.deepEqual(state(), ["a", true, null, 1]);
  answer([]);
  assert.deepEqual(state(), [null, true, GONE, 1]);
  table.setServerTrouble("it is away");
  assert.deepEqual(state(), [null, true, AWAY, 1]);
  table.setServerTrouble(null);
  assert.deepEqual(state(), [null, true, GONE, 1]);
  answer([cluster("a")]);
  assert.deepEqual(state(), ["a", true, null, 1]);
});

test("one that is closed is told nothing more", () => {
  const { followed, answer, state } = follow();
  answer([cluster("a")]);
  followed.close();
  state();
  answer([]);
  assert.deepEqual(state(), ["a", true, null, 0]);
});
