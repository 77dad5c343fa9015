/** Tests of custom resources, Secrets and Leases: what the API server says of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../base/index.ts";
import { ADMIN_RULES } from "./access.ts";
import { ask, startTestCluster, watch } from "./cluster.fixture.ts";
import { installGatewayApi } from "./custom.ts";

const GROUP = "/apis/gateway.networking.k8s.io/v1";
const GATEWAYS = `${GROUP}/namespaces/default/gateways`;
const ROUTES = `${GROUP}/namespaces/default/grpcroutes`;
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const SECRETS = "/api/v1/namespaces/default/secrets";

const metaOf = (body: Json) => body.metadata as Json & { readonly resourceVersion: string };
const messageOf = ({ body }: { readonly body: Json }) => String(body.message);

const gateway = (spec: Json = {}): Json => ({
  metadata: { name: "edge" },
  spec: { gatewayClassName: "fairlead", ...spec },
  status: { conditions: [] },
});

test("a kind is served while its definition is there, and its objects go with it", async (t) => {
  const cluster = await startTestCluster(t);
  for (const path of [GATEWAYS, `${GROUP}/gateways?watch=1`]) {
    const { code, text } = await ask(cluster, path);
    assert.deepEqual([code, text], [404, "404 page not found\n"]);
  }
  installGatewayApi(cluster.objects);
  assert.equal((await ask(cluster, GATEWAYS)).code, 200);
  const made = await ask(cluster, GATEWAYS, { method: "POST", body: gateway() });
  assert.equal(made.code, 201, made.text);
  const seen = await watch(t, cluster, `${GROUP}/gateways?watch=1`);
  await seen.until(1);
  const name = "gateways.gateway.networking.k8s.io";
  assert.equal((await ask(cluster, `${DEFINITIONS}/${name}`, { method: "DELETE" })).code, 200);
  await seen.until(3);
  assert.deepEqual([seen.lines, seen.isEnded], [["ADDED edge", "DELETED edge"], true]);
  assert.equal((await ask(cluster, GATEWAYS)).code, 404);
  assert.equal((await ask(cluster, ROUTES)).code, 200, "the others stay");
});

test("status is written apart, by PUT and merge patch; the generation counts the spec", async (t) => {
  const cluster = await startTestCluster(t);
  installGatewayApi(cluster.objects);
  const { body: made } = await ask(cluster, GATEWAYS, { method: "POST", body: gateway() });
  const types = ((made.status as Json).conditions as Json[]).map(({ type }) => type);
  assert.deepEqual([types, metaOf(made).generation], [["Accepted", "Programmed"], 1]);
  const type = "application/merge-patch+json";
  const status = { conditions: [{ type: "Accepted", status: "True" }] };
  const patch = { metadata: { resourceVersion: metaOf(made).resourceVersion }, status };
  const path = `${GATEWAYS}/edge/status`;
  const patched = await ask(cluster, path, { method: "PATCH", body: patch, type });
  assert.deepEqual([patched.code, patched.body.status], [200, status]);
  assert.equal(metaOf(patched.body).generation, 1, "a status is no change of what is wanted");
  const late = await ask(cluster, path, { method: "PATCH", body: patch, type });
  assert.deepEqual([late.code, late.body.reason], [409, "Conflict"]);
  const whole = { ...patched.body, spec: { gatewayClassName: "other" }, status: {} };
  const put = await ask(cluster, path, { method: "PUT", body: whole });
  assert.deepEqual([put.code, put.body.spec, put.body.status], [200, gateway().spec, {}]);
  const spec = { spec: { gatewayClassName: "other" }, status };
  const changed = await ask(cluster, `${GATEWAYS}/edge`, { method: "PATCH", body: spec, type });
  assert.deepEqual([metaOf(changed.body).generation, changed.body.status], [2, {}]);
});

test("what custom resources do not have is refused", async (t) => {
  const cluster = await startTestCluster(t);
  installGatewayApi(cluster.objects);
  await ask(cluster, GATEWAYS, { method: "POST", body: gateway() });
  const type = "application/strategic-merge-patch+json";
  const path = `${GATEWAYS}/edge`;
  assert.equal((await ask(cluster, path, { method: "PATCH", body: {}, type })).code, 415);
  const blind = await ask(cluster, path, { method: "PUT", body: gateway() });
  assert.equal(blind.code, 422);
  assert.match(messageOf(blind), /metadata.resourceVersion: Invalid value: 0: must be specified/);
  const route = { metadata: { name: "r" }, spec: {}, status: { parents: [] } };
  const { body } = await ask(cluster, ROUTES, { method: "POST", body: route });
  assert.equal(Object.hasOwn(body, "status"), false, "its author does not write it");
});

test("a Lease is created once and replaced by who has seen it last", async (t) => {
  const cluster = await startTestCluster(t);
  const metadata = { name: "leader", namespace: "default" };
  const spec = { holderIdentity: "a", leaseDurationSeconds: 15 };
  const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
  const made = await ask(cluster, LEASES, { method: "POST", body });
  assert.equal(made.code, 201, made.text);
  const again = await ask(cluster, LEASES, { method: "POST", body });
  assert.deepEqual([again.code, again.body.reason], [409, "AlreadyExists"]);
  const path = `${LEASES}/leader`;
  const renewed = { ...made.body, spec: { ...spec, renewTime: "2026-01-01T00:00:00.000000Z" } };
  assert.equal((await ask(cluster, path, { method: "PUT", body: renewed })).code, 200);
  const late = await ask(cluster, path, { method: "PUT", body: made.body });
  assert.deepEqual([late.code, late.body.reason], [409, "Conflict"]);
  assert.match(
    messageOf(late),
    /leases.coordination.k8s.io "leader": the object has been modified/,
  );
  assert.equal((await ask(cluster, path, { method: "PUT", body })).code, 422, "without a version");
  const odd = { ...body, metadata: { name: "odd" }, spec: { leaseDurationSeconds: 0 } };
  const refused = await ask(cluster, LEASES, { method: "POST", body: odd });
  assert.match(
    messageOf(refused),
    /leaseDurationSeconds: Invalid value: 0: must be greater than 0/,
  );
});

test("Secrets are selected by their type, and one for TLS has a certificate and a key", async (t) => {
  const cluster = await startTestCluster(t);
  const make = (name: string, type: string, stringData: Json) =>
    ask(cluster, SECRETS, { method: "POST", body: { metadata: { name }, type, stringData } });
  const tls = await make("web", "kubernetes.io/tls", { "tls.crt": "C", "tls.key": "K" });
  assert.deepEqual([tls.code, tls.body.data], [201, { "tls.crt": "Qw==", "tls.key": "Sw==" }]);
  assert.equal(Object.hasOwn(tls.body, "stringData"), false);
  await make("other", "Opaque", { password: "x" });
  const half = await make("half", "kubernetes.io/tls", { "tls.crt": "C" });
  assert.match(messageOf(half), /data\[tls.key\]: Required value/);
  const listed = await ask(cluster, "/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Ftls");
  const names = (listed.body.items as Json[]).map((item) => metaOf(item).name);
  assert.deepEqual(names, ["web"]);
});

test("rights on a status are not those on its object", async (t) => {
  const rules = [
    {
      ...{ verbs: ["patch"], groups: ["gateway.networking.k8s.io"] },
      ...{ resources: ["gateways/status"], namespaces: null },
    },
  ];
  const users = [
    { name: "admin", tokens: ["a"], rules: ADMIN_RULES },
    { name: "writer", tokens: ["w"], rules },
  ];
  const cluster = await startTestCluster(t, { users });
  installGatewayApi(cluster.objects);
  await ask(cluster, GATEWAYS, { method: "POST", body: gateway(), token: "a" });
  const given = { method: "PATCH", body: {}, type: "application/merge-patch+json", token: "w" };
  assert.equal((await ask(cluster, `${GATEWAYS}/edge/status`, given)).code, 200);
  const refused = await ask(cluster, `${GATEWAYS}/edge`, given);
  assert.equal(refused.code, 403);
  assert.match(messageOf(refused), /User "writer" cannot patch resource "gateways" in API group/);
});
