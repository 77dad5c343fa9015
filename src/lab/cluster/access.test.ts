/**
 * Credentials and rights: 401 and 403 in the words of the real server.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Json } from "../../base/index.ts";
import type { User } from "./access.ts";
import { ask, startTestCluster, watch } from "./cluster.fixture.ts";
import { ADMIN_RULES } from "./index.ts";

const READER: User = {
  name: "system:serviceaccount:prod:reader",
  groups: ["system:serviceaccounts"],
  tokens: ["reader-1", "reader-2"],
  rules: [
    {
      verbs: ["get", "list", "watch"],
      groups: ["discovery.k8s.io"],
      resources: ["endpointslices"],
      namespaces: ["prod"],
    },
    {
      verbs: ["get"],
      ...{ groups: [""], resources: ["nodes"], namespaces: null, names: ["n1"] },
    },
  ],
};

const start = (t: TestContext) =>
  startTestCluster(t, {
    users: [READER, { name: "admin", tokens: ["admin"], rules: ADMIN_RULES }],
  });

const SLICES = "/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices";

test("a known token may do what its rules say, in their namespaces", async (t) => {
  const cluster = await start(t);
  const code = async (path: string): Promise<number> =>
    (await ask(cluster, path, { token: "reader-1" })).code;
  assert.equal(await code(SLICES), 200);
  assert.equal(await code("/apis/discovery.k8s.io/v1/namespaces/dev/endpointslices"), 403);
  assert.equal(await code("/apis/discovery.k8s.io/v1/endpointslices"), 403);
  assert.equal(await code("/api/v1/nodes/n1"), 404);
  assert.equal(await code("/api/v1/nodes?fieldSelector=metadata.name%3Dn1"), 403);
  assert.equal(await code("/api/v1/nodes/n2"), 403);
  assert.equal((await ask(cluster, "/api/v1/pods", { token: "admin" })).code, 200);
});

test("403 names the verb, the resource, its group and where", async (t) => {
  const cluster = await start(t);
  const refusal = async (path: string): Promise<Json> =>
    (await ask(cluster, path, { token: "reader-1" })).body;
  assert.deepEqual(await refusal("/api/v1/namespaces/prod/services/echo"), {
    ...{ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" },
    message:
      'services "echo" is forbidden: User "system:serviceaccount:prod:reader" cannot get ' +
      'resource "services" in API group "" in the namespace "prod"',
    reason: "Forbidden",
    details: { name: "echo", kind: "services" },
    code: 403,
  });
  const { message } = await refusal("/apis/discovery.k8s.io/v1/endpointslices?watch=true");
  assert.equal(
    message,
    'endpointslices.discovery.k8s.io is forbidden: User "system:serviceaccount:prod:reader" ' +
      'cannot watch resource "endpointslices" in API group "discovery.k8s.io" at the cluster scope',
  );
});

test("without credentials one is anonymous; with unknown ones, unauthorized", async (t) => {
  const cluster = await start(t);
  const anonymous = await ask(cluster, SLICES);
  assert.equal(anonymous.code, 403);
  assert.match(String(anonymous.body.message), /User "system:anonymous" cannot list resource/);
  assert.equal((await ask(cluster, "/readyz")).code, 200);
  const path = await ask(cluster, "/metrics");
  assert.equal(path.body.message, 'forbidden: User "system:anonymous" cannot get path "/metrics"');
  const { code, body } = await ask(cluster, SLICES, { token: "nobody" });
  assert.equal(code, 401);
  assert.equal(body.message, "Unauthorized");
  assert.equal(body.reason, "Unauthorized");
});

test("a revoked token is refused; a watch that it opened goes on; the other token is good", async (t) => {
  const cluster = await start(t);
  const seen = await watch(t, cluster, `${SLICES}?watch=1`, "reader-1");
  cluster.access.revokeToken("reader-1");
  assert.equal((await ask(cluster, SLICES, { token: "reader-1" })).code, 401);
  assert.equal((await ask(cluster, SLICES, { token: "reader-2" })).code, 200);
  cluster.objects.create("Namespace", "", { metadata: { name: "prod" } });
  const slice = { metadata: { name: "s" }, addressType: "IPv4", endpoints: [], ports: [] };
  cluster.objects.create("EndpointSlice", "prod", slice);
  await seen.until(1);
  assert.deepEqual(seen.lines, ["ADDED s"]);
});

test("an access review says what the rules say", async (t) => {
  const cluster = await start(t);
  const allowed = async (resourceAttributes: Json): Promise<unknown> => {
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    const body = { spec: { resourceAttributes } };
    const reply = await ask(cluster, path, { method: "POST", body, token: "reader-1" });
    assert.equal(reply.code, 201);
    return (reply.body.status as Json).allowed;
  };
  const slices = { group: "discovery.k8s.io", resource: "endpointslices", namespace: "prod" };
  assert.equal(await allowed({ ...slices, verb: "watch" }), true);
  assert.equal(await allowed({ ...slices, verb: "delete" }), false);
  assert.equal(await allowed({ ...slices, verb: "watch", namespace: "dev" }), false);
});

test("a ServiceAccount may do what Roles bound to it allow, until it is deleted", async (t) => {
  const cluster = await start(t);
  const post = async (path: string, body: Json): Promise<Json> => {
    const reply = await ask(cluster, path, { method: "POST", body, token: "admin" });
    assert.equal(reply.code, 201, reply.text);
    return reply.body;
  };
  await post("/api/v1/namespaces", { metadata: { name: "prod" } });
  const accounts = "/api/v1/namespaces/prod/serviceaccounts";
  await post(accounts, { metadata: { name: "app" } });
  const { status } = await post(`${accounts}/app/token`, { spec: { expirationSeconds: 600 } });
  const { token } = status as { token: string };
  const before = await ask(cluster, SLICES, { token });
  assert.match(String(before.body.message), /User "system:serviceaccount:prod:app" cannot list/);

  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/prod";
  const rules = [
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list"] },
  ];
  await post(`${rbac}/roles`, { metadata: { name: "app" }, rules });
  await post(`${rbac}/rolebindings`, {
    metadata: { name: "app" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "app" },
    subjects: [{ kind: "ServiceAccount", name: "app", namespace: "prod" }],
  });
  assert.equal((await ask(cluster, SLICES, { token })).code, 200);
  assert.equal((await ask(cluster, `${SLICES}?watch=1`, { token })).code, 403);
  const elsewhere = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
  assert.equal((await ask(cluster, elsewhere, { token })).code, 403);
  await ask(cluster, `${accounts}/app`, { method: "DELETE", token: "admin" });
  assert.equal((await ask(cluster, SLICES, { token })).code, 401);
});
