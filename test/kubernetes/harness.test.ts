/**
 * The harness itself: real clusters start, obey, stand side by side and leave nothing behind.
 *
 * Nothing of fairlead takes part: slices are listed over HTTP.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Account } from "./accounts.ts";
import { Api, ApiError } from "./api.ts";
import type { Objects, SliceEndpointJson } from "./objects.ts";
import { type RealCluster, startRealCluster } from "./real.ts";
import { eventually } from "./wait.ts";

const PORT = { name: "grpc", port: 80, targetPort: 50_051 };

async function withCluster(
  t: TestContext,
  body: (cluster: RealCluster) => Promise<void>,
): Promise<void> {
  const cluster = await startRealCluster(t);
  if (cluster === null) return;
  try {
    await body(cluster);
  } finally {
    await cluster.close();
  }
}

async function endpointsOf(objects: Objects, service: string): Promise<SliceEndpointJson[]> {
  return (await objects.slices(service)).flatMap(({ endpoints }) => endpoints ?? []);
}

/** Waits until the conditions of a pod's endpoint are these: ready, serving, terminating. */
function untilConditions(objects: Objects, pod: string, want: readonly boolean[]): Promise<void> {
  return eventually(`${pod} is ${want}`, async () => {
    const endpoints = await endpointsOf(objects, "echo");
    const found = endpoints.find(({ targetRef }) => targetRef?.name === pod)?.conditions;
    return [found?.ready, found?.serving, found?.terminating].join() === want.join();
  });
}

/** Its API as an account sees it, with what the kubeconfig of that says. */
function apiAs(cluster: RealCluster, account: Account): Api {
  const config = JSON.parse(readFileSync(account.kubeconfig, "utf8"));
  const [{ cluster: server }] = config.clusters;
  return new Api({
    dial: () => cluster.dial("127.0.0.1", Number(new URL(server.server).port)),
    ca: () => readFileSync(server["certificate-authority"], "utf8"),
    token: readFileSync(account.tokenFile, "utf8"),
  });
}

async function statusOf(api: Api, path: string): Promise<number> {
  try {
    await api.get(path);
    return 200;
  } catch (error) {
    if (error instanceof ApiError) return error.status;
    throw error;
  }
}

const SLICES = "/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices";

test("a real cluster plays a pod's whole life, dies, and comes back without its past", (t) =>
  withCluster(t, async (cluster) => {
    const objects = await cluster.namespace("prod");
    await cluster.node("node-a", "zone-a");
    await objects.service("echo", [PORT]);
    const ip = cluster.nextIp();
    const uid = await objects.pod("echo-1", { node: "node-a", ips: [ip] });
    await untilConditions(objects, "echo-1", [false, false, false]);
    await objects.setReady("echo-1", true);
    await untilConditions(objects, "echo-1", [true, true, false]);
    const [endpoint] = await endpointsOf(objects, "echo");
    assert.deepEqual(endpoint.addresses, [ip]);
    assert.equal(endpoint.nodeName, "node-a");
    assert.equal(endpoint.zone, "zone-a");
    assert.equal(endpoint.targetRef?.uid, uid);
    await objects.deletePod("echo-1");
    await untilConditions(objects, "echo-1", [false, true, true]);

    const [{ metadata }] = await objects.slices("echo");
    await cluster.outage(async () => {
      await objects.finishDelete("echo-1");
    });
    await eventually("it is gone", async () => (await endpointsOf(objects, "echo")).length === 0);
    // A watch from before has to list again.
    const query = `?watch=1&timeoutSeconds=1&resourceVersion=${metadata.resourceVersion}`;
    const event = JSON.stringify(await cluster.api.get(`${SLICES}${query}`).catch(String));
    assert.match(event, /410|Expired|too old/);
  }));

test("a real cluster knows its accounts, pauses, and stands beside another", async (t) => {
  const before = leftovers();
  await withCluster(t, async (cluster) => {
    const objects = await cluster.namespace("prod");
    const account = await cluster.account(objects, "reader");
    const api = apiAs(cluster, account);
    t.after(() => api.closeConnections());
    assert.equal(await statusOf(api, SLICES), 403);
    const slices = { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"] };
    await account.grant([{ ...slices, verbs: ["get", "list", "watch"] }]);
    await eventually("the Role works", async () => (await statusOf(api, SLICES)) === 200);
    await account.revoke();
    // A token that was seen is believed for some seconds.
    await eventually("the token is revoked", async () => (await statusOf(api, SLICES)) === 401);

    cluster.pause();
    const answer = cluster.api.get("/readyz").then(
      () => "answered",
      () => "failed",
    );
    assert.equal(await Promise.race([answer, sleep(500)]), undefined);
    cluster.resume();
    assert.equal(await answer, "answered");

    await withCluster(t, async (other) => {
      await other.namespace("elsewhere");
      const names = JSON.stringify(await other.api.get("/api/v1/namespaces"));
      assert.match(names, /"elsewhere"/);
      assert.doesNotMatch(names, /"prod"/);
      assert.equal(leftovers().length, before.length + 2);
    });
    assert.equal(leftovers().length, before.length + 1);
    assert.ok(existsSync(account.kubeconfig));
    t.after(() => assert.ok(!existsSync(account.kubeconfig)));
  });
  assert.deepEqual(leftovers(), before);
});

/** Namespaces of this process that exist now. */
function leftovers(): string[] {
  const list = execFileSync("ip", ["netns", "list"], { encoding: "utf8" });
  return list.split(/\s+/).filter((name) => name.includes(`-${process.pid}-`));
}
