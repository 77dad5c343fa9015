/** Tests of the writer on real sockets: what it sends, and what it makes of answers. */
import assert from "node:assert/strict";
import type { IncomingMessage, RequestListener } from "node:http";
import { test } from "node:test";
import { RecordingLogger, seededRng, VirtualClock } from "../../../base/index.ts";
import type { WriteResult, WriteTarget, WriteVerb } from "../writer.ts";
import { RESPONSE_TIMEOUT_MS } from "./http/exchange.ts";
import { accessTo, ScriptedServer, until } from "./http/server-suite.ts";
import { Secret } from "./secret.ts";
import { createApiWriter } from "./writer.ts";

const ROUTE: WriteTarget = {
  ...{ apiVersion: "gateway.networking.k8s.io/v1", plural: "grpcroutes", namespace: "prod" },
  ...{ name: "echo", subresource: "status" },
};
const TOKEN = "s3cr3t-t0k3n-0123456789";

async function setup(onRequest: RequestListener) {
  const server = await new ScriptedServer(onRequest).listen();
  const clock = new VirtualClock();
  const log = new RecordingLogger();
  const access = accessTo(`http://127.0.0.1:${server.port}`, {}, { token: new Secret(TOKEN) });
  const writer = createApiWriter(access, { clock, log, rng: seededRng(1) });
  const send = (verb: WriteVerb, at: WriteTarget, body: unknown = null): Promise<WriteResult> =>
    new Promise((resolve) => writer.send(verb, at, body, resolve));
  const end = async () => {
    writer.close();
    await server.deserted();
    await server.close();
    assert.equal(clock.pendingCount, 0, "no timer is left");
  };
  return { server, clock, log, writer, send, end };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

test("each verb has its method, path and type of body", async () => {
  const seen: string[] = [];
  const { send, end } = await setup(async (request, response) => {
    const { method, url, headers } = request;
    seen.push([method, url, headers["content-type"], await bodyOf(request)].join(" "));
    assert.equal(headers.authorization, `Bearer ${TOKEN}`);
    response.end('{"kind":"X"}');
  });
  const lease = {
    ...{ apiVersion: "coordination.k8s.io/v1", plural: "leases", namespace: "default" },
    ...{ name: "a", subresource: null },
  };
  const gatewayClass = { ...ROUTE, plural: "gatewayclasses", namespace: "" };
  const body = { spec: {} };
  for (const result of [
    await send("get", { ...ROUTE, subresource: null }),
    await send("patch", ROUTE, body),
    await send("patch", gatewayClass, body),
    await send("create", lease, body),
    await send("update", lease, body),
    await send("get", { ...lease, apiVersion: "v1", plural: "secrets", name: "a/b" }),
  ]) {
    assert.deepEqual(result, { object: { kind: "X" }, failure: null });
  }
  const group = "/apis/gateway.networking.k8s.io/v1";
  const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  const patch = 'application/merge-patch+json {"spec":{}}';
  assert.deepEqual(seen, [
    `GET ${group}/namespaces/prod/grpcroutes/echo  `,
    `PATCH ${group}/namespaces/prod/grpcroutes/echo/status ${patch}`,
    `PATCH ${group}/gatewayclasses/echo/status ${patch}`,
    `POST ${leases} application/json {"spec":{}}`,
    `PUT ${leases}/a application/json {"spec":{}}`,
    "GET /api/v1/namespaces/default/secrets/a%2Fb  ",
  ]);
  await end();
});

test("answers that are no success say what kind of failure it is, never the token", async () => {
  const { server, log, send, end } = await setup((request, response) => {
    const code = Number(new URL(request.url ?? "", "http://api").pathname.split("/").at(-1));
    const message = `no: ${request.headers.authorization}`;
    const status = { kind: "Status", code, reason: "X", message };
    response.writeHead(code, { "retry-after": "7" }).end(JSON.stringify(status));
  });
  const kinds: string[] = [];
  for (const code of [400, 401, 403, 404, 409, 415, 422, 429, 500, 503]) {
    const at = { ...ROUTE, name: String(code), subresource: null };
    const { failure } = await send("patch", at, {});
    kinds.push(`${code} ${failure?.kind}`);
    assert.equal(failure?.retryAfterMs, 7000);
    assert.doesNotMatch(JSON.stringify(failure) + JSON.stringify(log.entries), /s3cr/);
  }
  assert.deepEqual(kinds, [
    ...["400 refused", "401 unauthorized", "403 forbidden", "404 absent", "409 conflict"],
    ...["415 refused", "422 refused", "429 unreachable", "500 unreachable", "503 unreachable"],
  ]);
  const forbidden = await send("patch", { ...ROUTE, name: "403", subresource: null }, {});
  assert.equal(
    forbidden.failure?.reason,
    "forbidden: needs patch on grpcroutes.gateway.networking.k8s.io in namespace prod",
  );
  assert.ok(server.requests.length >= 11);
  await end();
});

test("the right that is missing names its subresource", async () => {
  const { send, end } = await setup((_request, response) => response.writeHead(403).end());
  const { failure } = await send("patch", { ...ROUTE, namespace: "" }, {});
  assert.equal(
    failure?.reason,
    "forbidden: needs patch on grpcroutes.gateway.networking.k8s.io/status",
  );
  await end();
});

test("a server that says nothing is given up; after close nobody is called", async () => {
  const { server, clock, writer, send, end } = await setup(() => {});
  const result = send("patch", ROUTE, {});
  await until(() => server.requests.length === 1);
  clock.advance(RESPONSE_TIMEOUT_MS);
  const { failure } = await result;
  assert.equal(failure?.kind, "unreachable");
  assert.match(failure?.reason ?? "", /no answer within 15 s/);
  writer.send("get", ROUTE, null, () => assert.fail("it is closed"));
  await until(() => server.requests.length === 2);
  await end();
});
