/** Whose answers are nodes of a control plane. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodesOf, renderNodes } from "./node-rows.ts";

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

// Two programs with one bootstrap file were two rows of one name, and what was wrong with one of
// them could be of either.
test("nodes that share an id are told apart by their addresses, others have their id alone", () => {
  const node = (id: string, address: string, problems: readonly string[] = []) => {
    return { id, address, types: { LDS: { state: "SYNCED", problems } } };
  };
  const nodes = nodesOf({
    nodes: [
      node("web", "10.0.0.1:1", ["x: no"]),
      node("web", "10.0.0.2:1"),
      node("api", "10.0.0.3:1"),
    ],
  })!;
  for (const isWide of [false, true]) {
    const text = renderNodes(nodes, isWide);
    assert.match(text, /^web \(10\.0\.0\.1:1\) +/m);
    assert.match(text, /^web \(10\.0\.0\.2:1\) +/m);
    assert.match(text, /^api +/m);
    assert.match(text, /^web \(10\.0\.0\.1:1\) LDS: x: no$/m);
  }
});
