/** Tests of the names of clusters: what each says, and that no other form is a Service's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterNameOf, parseClusterName } from "../../src/routes/index.ts";

test("a Service's port is named by its number, and known by that name", () => {
  const name = clusterNameOf("prod/echo", 50051);
  assert.equal(name, "prod/echo:50051");
  const parsed = { service: "prod/echo", namespace: "prod", name: "echo", port: 50051 };
  assert.deepEqual(parseClusterName(name), parsed);
});

for (const name of [
  ...["", "refused", "prod/echo", "echo:80", "/echo:80", "prod/:80", "prod/echo:grpc"],
  ...["prod/echo:80#BackendNotFound", "prod#x/echo:80", "a/b/c:80", "prod/a:b:80", "prod/a:123456"],
]) {
  test(`no cluster of a Service: "${name}"`, () => assert.equal(parseClusterName(name), null));
}
