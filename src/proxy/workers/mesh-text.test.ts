/** Tests of a configuration on its way to a worker. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clusterSpec,
  configOf,
  forward,
  listenerOf,
  route,
  tableOf,
} from "../../../test/support/mesh-proxy.ts";
import { parseRegex, type Route } from "../../routes/index.ts";
import { encodeMesh, MeshReader } from "./mesh-text.ts";
import { FakeResolver } from "./workers.fixture.ts";

function byRegex(source: string): Route {
  const made = route("", forward({ a: 1 }));
  return { ...made, match: { ...made.match, path: { kind: "regex", regex: parseRegex(source) } } };
}

test("a configuration arrives whole, and what did not change is the same object", () => {
  const asked: string[] = [];
  const reader = new MeshReader((key) => {
    asked.push(key);
    return new FakeResolver();
  });
  const regex = listenerOf("l1", tableOf([byRegex("/[a-z]+/Get")]), 1);
  const other = (cluster: string) =>
    listenerOf("l2", tableOf([route("", forward({ [cluster]: 1 }))]), 2);
  const [a, b] = [clusterSpec("a", "127.0.0.1:1"), clusterSpec("b", "127.0.0.1:2")];
  const first = reader.read(encodeMesh(configOf([regex, other("a")], [a, b])));
  assert.deepEqual(
    first.listeners.map(({ name }) => name),
    ["l1", "l2"],
  );
  const [{ match }] = first.listeners[0].chains[0].table.hosts[0].routes;
  assert.ok(match.path.kind === "regex");
  assert.deepEqual(
    ["/ab/Get", "/ab/Gets"].map(
      (path) => match.path.kind === "regex" && match.path.regex.test(path),
    ),
    [true, false],
  );
  const second = reader.read(encodeMesh(configOf([regex, other("b")], [a])));
  assert.equal(second.listeners[0], first.listeners[0]);
  assert.notEqual(second.listeners[1], first.listeners[1]);
  assert.equal(second.clusters.get("a"), first.clusters.get("a"));
  assert.equal(second.clusters.has("b"), false);
  first.clusters.get("b")!.newResolver();
  assert.deepEqual(asked, [b.key]);
});
