/** Whose answers are nodes of a control plane. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodesOf } from "./node-rows.ts";

for (const nodes of [
  undefined,
  {},
  [1, 2, 3],
  [null],
  [{}],
  [{ id: "a" }],
  [{ id: 1, types: {} }],
  [{ id: "a", types: "x" }],
  [{ id: "a", types: [] }],
  [{ id: "a", types: { CDS: {} } }],
]) {
  test(`${JSON.stringify(nodes)}: no nodes`, () => assert.equal(nodesOf({ nodes }), null));
}

test("nodes, none, and one that was told of nothing", () => {
  assert.deepEqual(nodesOf({ nodes: [] }), []);
  const types = { CDS: { state: "SYNCED" } };
  const nodes = nodesOf({
    nodes: [
      { id: "a", types },
      { id: "", types: {} },
    ],
  });
  assert.deepEqual(
    nodes?.map((node) => node.types.map(({ state }) => state)),
    [["SYNCED"], []],
  );
});
