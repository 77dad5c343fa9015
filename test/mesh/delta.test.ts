/** Our xDS client by difference against go-control-plane: what a proxy has of it. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { apiListener, cluster, endpoints, routes, routeTo } from "./resources.ts";
import { WatchedMesh } from "./watched-mesh.ts";
import { XdsServer } from "./xds-server.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

test("by difference: what is named is asked for, a change comes, and a generation is whole", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const control = await XdsServer.start(program);
  closers.push(() => control.kill());
  const first = [cluster("one"), endpoints("one", ["127.0.0.1:1"])];
  await control.serve([apiListener("l"), routes("l", [routeTo("one")]), ...first]);
  const mesh = await WatchedMesh.open({
    ...{ server: control.address, protocol: "delta", target: null },
  });
  closers.push(() => mesh.close());
  await mesh.until("the first configuration", ({ clusters }) => clusters.has("one"));
  const one = mesh.endpointsOf("one");
  await eventually("its endpoints", async () => one.now.length === 1);
  await control.serve([
    ...[apiListener("l"), routes("l", [routeTo("one")]), cluster("one")],
    endpoints("one", ["127.0.0.1:1", "127.0.0.2:1"]),
  ]);
  await eventually("the new endpoint", async () => one.now.length === 2);
  // The route comes without its cluster: the configuration before holds until it is there.
  await control.serve([apiListener("l"), routes("l", [routeTo("two")]), ...first]);
  await sleep(300);
  assert.ok(mesh.config!.clusters.has("one"), "no generation is mixed");
  const second = [cluster("two"), endpoints("two", ["127.0.0.3:1"])];
  await control.serve([apiListener("l"), routes("l", [routeTo("two")]), ...first, ...second]);
  const config = await mesh.until("the next configuration", ({ clusters }) => clusters.has("two"));
  assert.deepEqual([...config.clusters.keys()], ["two"]);
  assert.deepEqual(control.problems, []);
  // On demand: a cluster that no route names is never asked for.
  assert.ok(control.asked.every(({ names }) => !(names ?? []).includes("nobody's")));
});

test("by difference: after a restart of the server what is had is not lost", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const control = await XdsServer.start(program);
  closers.push(() => control.kill());
  const whole = (list: readonly string[]) => [
    ...[apiListener("l"), routes("l", [routeTo("one")]), cluster("one"), endpoints("one", list)],
  ];
  await control.serve(whole(["127.0.0.1:1"]));
  const mesh = await WatchedMesh.open({
    ...{ server: control.address, protocol: "delta", target: "l" },
  });
  closers.push(() => mesh.close());
  await mesh.until("the first configuration", ({ clusters }) => clusters.has("one"));
  const one = mesh.endpointsOf("one");
  await eventually("its endpoints", async () => one.now.length === 1);
  await control.kill();
  await sleep(200);
  assert.equal(one.now.length, 1);
  await control.start();
  await control.serve(whole(["127.0.0.2:1"]), "after");
  await eventually("what is new", async () => one.now[0]?.address === "127.0.0.2:1");
  assert.equal(mesh.config!.listeners.length, 1);
});
