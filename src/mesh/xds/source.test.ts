/** What a source of an xDS server tells, over a real stream. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../../test/kubernetes/wait.ts";
import { AdsServer } from "../../../test/mesh/ads-server.ts";
import { sotwBytes } from "../../../test/mesh/json-bytes.ts";
import { apiListener, cluster, type Json, routes, routeTo } from "../../../test/mesh/resources.ts";
import { WatchedMesh } from "../../../test/mesh/watched-mesh.ts";
import { RESOURCE_TYPES } from "../../xds/index.ts";

// Whoever applied it made all listeners and clusters ready twice.
test("a configuration that ends trouble is told once", async (t) => {
  const server = await AdsServer.start();
  const mesh = await WatchedMesh.open({
    ...{ server: server.address, protocol: "sotw", target: "a" },
  });
  t.after(() => {
    mesh.close();
    server.close();
  });
  const say = (type: keyof typeof RESOURCE_TYPES, list: readonly Json[]) =>
    server.say(sotwBytes(RESOURCE_TYPES[type], list));
  await eventually("a request", async () => {
    say("LDS", [apiListener("a")]);
    say("RDS", [routes("a", [routeTo("a")])]);
    say("CDS", [cluster("a")]);
    return mesh.configs.length > 0;
  });
  say("CDS", []);
  await mesh.until("no cluster", ({ clusters }) => clusters.size === 0);
  await eventually("the trouble", () => mesh.errors.length > 0);
  const before = mesh.configs.length;
  say("CDS", [cluster("a")]);
  await mesh.until("the cluster", ({ clusters }) => clusters.size === 1);
  await sleep(50);
  assert.equal(mesh.configs.length, before + 1);
});
