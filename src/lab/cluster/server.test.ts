/**
 * The API over real sockets: verbs, and refusals in the words of a real API server.
 */
import assert from "node:assert/strict";
import https from "node:https";
import { test } from "node:test";
import { type Json, realClock } from "../../base/index.ts";
import { ask, serviceBody, startTestCluster } from "./cluster.fixture.ts";
import { createLabAuthority } from "./index.ts";
import { BODY_BYTES_MAX } from "./server.ts";

const SERVICES = "/api/v1/namespaces/default/services";
const PODS = "/api/v1/namespaces/default/pods";
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

const meta = (body: Json): Json => body.metadata as Json;

test("create, get, update, patch and delete go round", async (t) => {
  const cluster = await startTestCluster(t);
  const created = await ask(cluster, SERVICES, { method: "POST", body: serviceBody("echo") });
  assert.equal(created.code, 201);
  assert.equal(created.body.kind, "Service");
  assert.equal(created.body.apiVersion, "v1");
  assert.match(String(meta(created.body).uid), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-9/);
  const spec = created.body.spec as Json;
  assert.match(String(spec.clusterIP), /^10\.96\.\d+\.\d+$/);
  assert.deepEqual(spec.ports, [{ name: "grpc", port: 80, protocol: "TCP", targetPort: 80 }]);
  const got = await ask(cluster, `${SERVICES}/echo`);
  assert.deepEqual(got.body, created.body);

  const body = { ...got.body, spec: { ...spec, publishNotReadyAddresses: true } };
  const updated = await ask(cluster, `${SERVICES}/echo`, { method: "PUT", body });
  assert.equal(updated.code, 200);
  assert.notEqual(meta(updated.body).resourceVersion, meta(created.body).resourceVersion);
  const patched = await ask(cluster, `${SERVICES}/echo`, {
    method: "PATCH",
    type: "application/merge-patch+json",
    body: { metadata: { labels: { app: "echo" } }, spec: { publishNotReadyAddresses: null } },
  });
  assert.deepEqual(meta(patched.body).labels, { app: "echo" });
  assert.equal(Object.hasOwn(patched.body.spec as Json, "publishNotReadyAddresses"), false);
  const deleted = await ask(cluster, `${SERVICES}/echo`, { method: "DELETE" });
  assert.equal(deleted.code, 200);
  assert.equal(meta(deleted.body).name, "echo");
  assert.equal((await ask(cluster, `${SERVICES}/echo`)).code, 404);
});

test("a write that changes nothing makes no revision", async (t) => {
  const cluster = await startTestCluster(t);
  const { body } = await ask(cluster, SERVICES, { method: "POST", body: serviceBody("echo") });
  const { body: same } = await ask(cluster, `${SERVICES}/echo`, { method: "PUT", body });
  assert.equal(meta(same).resourceVersion, meta(body).resourceVersion);
});

test("404 says which object, with its group", async (t) => {
  const cluster = await startTestCluster(t);
  assert.deepEqual((await ask(cluster, `${SLICES}/none`)).body, {
    ...{ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" },
    message: 'endpointslices.discovery.k8s.io "none" not found',
    reason: "NotFound",
    details: { name: "none", group: "discovery.k8s.io", kind: "endpointslices" },
    code: 404,
  });
  const unknown = await ask(cluster, "/api/v1/namespaces/default/widgets");
  assert.equal(unknown.body.message, "the server could not find the requested resource");
  assert.equal((await ask(cluster, "/nowhere")).text, "404 page not found\n");
  const orphan = await ask(cluster, "/api/v1/namespaces/nowhere/services", {
    method: "POST",
    body: serviceBody("echo"),
  });
  assert.equal(orphan.body.message, 'namespaces "nowhere" not found');
});

test("409 for a name that exists, an old resourceVersion, another uid", async (t) => {
  const cluster = await startTestCluster(t);
  const create = { method: "POST", body: serviceBody("echo") };
  const { body } = await ask(cluster, SERVICES, create);
  const again = await ask(cluster, SERVICES, create);
  assert.equal(again.code, 409);
  assert.equal(again.body.reason, "AlreadyExists");
  assert.equal(again.body.message, 'services "echo" already exists');
  const change = { ...body, metadata: { ...meta(body), labels: { a: "b" }, resourceVersion: "1" } };
  const stale = await ask(cluster, `${SERVICES}/echo`, { method: "PUT", body: change });
  assert.equal(stale.body.reason, "Conflict");
  assert.equal(
    stale.body.message,
    'Operation cannot be fulfilled on services "echo": the object has been modified; please ' +
      "apply your changes to the latest version and try again",
  );
  const other = await ask(cluster, `${SERVICES}/echo`, {
    method: "DELETE",
    body: { preconditions: { uid: "another" } },
  });
  assert.equal(other.code, 409);
  assert.match(
    String(other.body.message),
    /on Service "echo": the UID in the precondition \(another\) does not/,
  );
});

test("422 names every field; loopback addresses in slices are allowed here", async (t) => {
  const cluster = await startTestCluster(t);
  const bad = await ask(cluster, SLICES, {
    method: "POST",
    body: {
      metadata: { name: "echo-1" },
      addressType: "IPv4",
      endpoints: [{ addresses: [] }, { addresses: ["::1"] }, { addresses: ["10.0.0.999"] }],
    },
  });
  assert.equal(bad.code, 422);
  assert.match(
    String(bad.body.message),
    /^EndpointSlice\.discovery\.k8s\.io "echo-1" is invalid: /,
  );
  assert.deepEqual((bad.body.details as Json).causes, [
    {
      reason: "FieldValueRequired",
      message: "Required value: must contain at least 1 address",
      field: "endpoints[0].addresses",
    },
    {
      reason: "FieldValueInvalid",
      message: 'Invalid value: "::1": must be an IPv4 address',
      field: "endpoints[1].addresses",
    },
    {
      reason: "FieldValueInvalid",
      message:
        'Invalid value: "10.0.0.999": must be a valid IP address, ' +
        "(e.g. 10.9.8.7 or 2001:db8::ffff)",
      field: "endpoints[2].addresses[0]",
    },
  ]);
  const many = Array.from({ length: 1001 }, () => ({ addresses: ["127.0.1.1"] }));
  const slice = { metadata: { name: "echo-1" }, addressType: "IPv4" };
  const tooMany = await ask(cluster, SLICES, {
    method: "POST",
    body: { ...slice, endpoints: many },
  });
  assert.match(String(tooMany.body.message), /endpoints: Too many: 1001: must have at most 1000/);
  const ports = Array.from({ length: 101 }, (_, i) => ({ name: `p${i}`, port: i + 1 }));
  const body = { ...slice, endpoints: many.slice(0, 1), ports };
  const good = await ask(cluster, SLICES, { method: "POST", body });
  assert.equal(good.code, 201);
  assert.equal(meta(good.body).generation, 1);
  const noPorts = await ask(cluster, SERVICES, {
    method: "POST",
    body: { metadata: { name: "Echo" }, spec: {} },
  });
  const causes = (noPorts.body.details as Json).causes as readonly Json[];
  assert.deepEqual(
    causes.map(({ field }) => field),
    ["metadata.name", "spec.ports"],
  );
});

test("415 for a JSON patch", async (t) => {
  const cluster = await startTestCluster(t);
  await ask(cluster, SERVICES, { method: "POST", body: serviceBody("echo") });
  const { code, body } = await ask(cluster, `${SERVICES}/echo`, {
    method: "PATCH",
    type: "application/json-patch+json",
    body: [],
  });
  assert.equal(code, 415);
  assert.equal(body.reason, "UnsupportedMediaType");
  assert.equal(body.message, "415: Unsupported Media Type");
});

test("a bound pod terminates until it is deleted with no grace; an unbound one goes at once", async (t) => {
  const cluster = await startTestCluster(t);
  const pod = (name: string, spec: Json): Json => ({
    metadata: { name },
    spec: { ...spec, containers: [{ name: "main", image: "lab" }] },
  });
  await ask(cluster, PODS, { method: "POST", body: pod("free", {}) });
  await ask(cluster, `${PODS}/free`, { method: "DELETE" });
  assert.equal((await ask(cluster, `${PODS}/free`)).code, 404);

  await ask(cluster, PODS, { method: "POST", body: pod("bound", { nodeName: "n1" }) });
  const first = await ask(cluster, `${PODS}/bound`, { method: "DELETE" });
  assert.equal(first.code, 200);
  assert.equal(meta(first.body).deletionGracePeriodSeconds, 30);
  assert.match(String(meta(first.body).deletionTimestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const longer = await ask(cluster, `${PODS}/bound?gracePeriodSeconds=60`, { method: "DELETE" });
  assert.equal(meta(longer.body).resourceVersion, meta(first.body).resourceVersion);
  const shorter = await ask(cluster, `${PODS}/bound?gracePeriodSeconds=5`, { method: "DELETE" });
  assert.equal(meta(shorter.body).deletionGracePeriodSeconds, 5);
  const last = await ask(cluster, `${PODS}/bound`, {
    method: "DELETE",
    body: { kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 0 },
  });
  assert.equal(last.code, 200);
  assert.equal((await ask(cluster, `${PODS}/bound`)).code, 404);
});

test("status is written by its subresource only, and only status", async (t) => {
  const cluster = await startTestCluster(t);
  const spec = { nodeName: "n1", containers: [{ name: "main", image: "lab" }] };
  const body = { metadata: { name: "p" }, spec, status: { phase: "Running" } };
  const created = await ask(cluster, PODS, { method: "POST", body });
  assert.equal((created.body.status as Json).phase, "Pending");
  const patch = { method: "PATCH", type: "application/strategic-merge-patch+json" };
  const ready = { type: "Ready", status: "True" };
  const change = { metadata: { labels: { a: "b" } }, status: { conditions: [ready] } };
  const viaObject = await ask(cluster, `${PODS}/p`, { ...patch, body: change });
  assert.deepEqual(meta(viaObject.body).labels, { a: "b" });
  assert.equal((viaObject.body.status as Json).conditions, undefined);
  const viaStatus = await ask(cluster, `${PODS}/p/status`, { ...patch, body: change });
  assert.deepEqual((viaStatus.body.status as Json).conditions, [ready]);
  const more = { status: { conditions: [{ type: "Initialized", status: "True" }] } };
  const merged = await ask(cluster, `${PODS}/p/status`, { ...patch, body: more });
  assert.equal(((merged.body.status as Json).conditions as unknown[]).length, 2);
});

test("a body above the limit is 413, and nothing comes of it", async (t) => {
  const cluster = await startTestCluster(t);
  const body = { ...serviceBody("big"), filler: "x".repeat(BODY_BYTES_MAX) };
  const { code, body: status } = await ask(cluster, SERVICES, { method: "POST", body });
  assert.equal(code, 413);
  assert.equal(status.reason, "RequestEntityTooLarge");
  assert.equal((await ask(cluster, `${SERVICES}/big`)).code, 404);
});

test("version, health and reviews of oneself", async (t) => {
  const cluster = await startTestCluster(t);
  assert.equal((await ask(cluster, "/readyz")).text, "ok");
  assert.equal((await ask(cluster, "/livez")).text, "ok");
  assert.equal((await ask(cluster, "/version")).body.minor, "36");
  const self = await ask(cluster, "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    method: "POST",
    body: {},
  });
  assert.equal(self.code, 201);
  assert.equal(((self.body.status as Json).userInfo as Json).username, "lab");
});

test("HTTPS with the lab's authority; a client certificate is a user", async (t) => {
  const authority = await createLabAuthority(realClock().wallMs());
  const [server, client] = await Promise.all([
    authority.issueServer(["127.0.0.1"]),
    authority.issueClient("bob", ["system:masters"]),
  ]);
  const rules = [{ verbs: ["list"], groups: [""], resources: ["nodes"], namespaces: null }];
  const cluster = await startTestCluster(t, {
    tls: { ...server, clientCa: authority.cert },
    users: [{ name: "bob", tokens: [], rules }],
  });
  const get = (path: string, pair = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { ca: authority.cert, agent: false, ...pair };
      https
        .get(cluster.url + path, options, (response) => {
          response.resume();
          resolve(response.statusCode!);
        })
        .on("error", reject);
    });
  assert.equal(await get("/api/v1/nodes", client), 200);
  assert.equal(await get("/api/v1/pods", client), 403);
  assert.equal(await get("/api/v1/nodes"), 403);
  const stranger = await createLabAuthority(realClock().wallMs());
  assert.equal(await get("/api/v1/nodes", await stranger.issueClient("bob")), 401);
});

test("only loopback addresses are listened on", async (t) => {
  await assert.rejects(startTestCluster(t, { host: "0.0.0.0" }), /loopback addresses only/);
});
