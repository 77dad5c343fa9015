/**
 * Tests of the object source as a whole: kubeconfig, credentials, client and reflectors together,
 * against a small API server on a real socket.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RecordingLogger, seededRng, VirtualClock } from "../../../base/index.ts";
import { Registry, renderPrometheus } from "../../../telemetry/index.ts";
import type { KindName } from "../objects.ts";
import { PROBE_TIMEOUT_MS, SILENT_MS_MAX } from "./http/liveness.ts";
import { ScriptedServer, until } from "./http/server-suite.ts";
import { createApiSource, loadApiAccess } from "./index.ts";
import { RETRY_MS_MAX } from "./reflector/backoff.ts";
import { decode, json, Listener } from "./reflector/fake-api-suite.ts";
import { HURRY_MS, RECOVERED_AFTER_MS } from "./reflector/reflector.ts";

const directory = mkdtempSync(join(tmpdir(), "fairlead-source-"));
after(() => rmSync(directory, { recursive: true }));

/** Accepts streaming lists and watches, and keeps them open for the test to speak on. */
class SmallApi {
  readonly watches = new Map<string, ServerResponse>();
  readonly urls: string[] = [];
  token = "one";
  revision = 10;
  isHanging = false;
  /** The resource that RBAC does not allow. */
  forbidden = "";
  readonly server = new ScriptedServer((request, response) => {
    const { url = "" } = request;
    this.urls.push(url);
    if (this.isHanging) return;
    if (request.headers.authorization !== `Bearer ${this.token}`) response.writeHead(401).end();
    else if (url === "/livez") response.end("ok");
    else this.#watch(url, response);
  });

  #watch(url: string, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(url, "http://api");
    const resource = pathname.split("/").at(-1) ?? "";
    if (resource === this.forbidden) {
      response.writeHead(403).end();
      return;
    }
    this.watches.set(resource, response);
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    if (!searchParams.has("sendInitialEvents")) return;
    this.send(resource, { type: "ADDED", object: json(`${resource}-1`, "u", this.revision) });
    const annotations = { "k8s.io/initial-events-end": "true" };
    const metadata = { resourceVersion: String(this.revision), annotations };
    this.send(resource, { type: "BOOKMARK", object: { metadata } });
  }

  send(resource: string, event: unknown): void {
    this.watches.get(resource)?.write(`${JSON.stringify(event)}\n`);
  }
}

async function setup(token = "one") {
  const api = new SmallApi();
  api.token = token;
  await api.server.listen();
  const tokenFile = join(directory, "token");
  writeFileSync(tokenFile, api.token);
  const kubeconfig = join(directory, "config");
  const server = `http://127.0.0.1:${api.server.port}`;
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      "current-context": "x",
      clusters: [{ name: "c", cluster: { server } }],
      users: [{ name: "u", user: { tokenFile: "token" } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "prod" } }],
    }),
  );
  const access = await loadApiAccess({ kubeconfig }, { env: {} });
  const clock = new VirtualClock();
  const log = new RecordingLogger();
  const registry = new Registry();
  const source = createApiSource(access, { clock, rng: seededRng(3), log, decode, registry });
  const watch = (kind: KindName, namespace = "prod") => {
    const listener = new Listener();
    const query = { kind, namespace, name: null, label: null };
    return { listener, subscription: source.watch(query, listener) };
  };
  /** Moves time on in steps, so that real sockets can follow. */
  const pass = async (ms: number) => {
    for (let i = 0; i < ms; i += 500) {
      clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const end = async () => {
    source.close();
    source.close();
    await api.server.deserted();
    await api.server.close();
    assert.equal(clock.pendingCount, 0, "no timer is left");
    assert.equal(
      renderPrometheus(registry.snapshot()).includes("fairlead_kubernetes_events"),
      false,
    );
  };
  return { api, server, tokenFile, clock, log, registry, source, watch, pass, end };
}

test("queries share the client, and each hears of its own objects", async () => {
  const { api, server, source, registry, watch, end } = await setup();
  assert.equal(source.description, `${server} as context x`);
  assert.equal(source.defaultNamespace, "prod");
  assert.equal(api.urls.length, 0, "it connects when it is asked to watch");
  const slices = watch("EndpointSlice");
  const services = watch("Service");
  const nodes = watch("Node", "");
  await until(() => [slices, services, nodes].every(({ listener }) => listener.isSynced));
  assert.deepEqual(slices.listener.known, ["endpointslices-1/u="]);
  assert.deepEqual(nodes.listener.known, ["nodes-1/u="]);
  const paths = api.urls.map((url) => url.split("?")[0]).sort();
  assert.deepEqual(paths, [
    "/api/v1/namespaces/prod/services",
    "/api/v1/nodes",
    "/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices",
  ]);
  api.send("services", { type: "MODIFIED", object: json("services-1", "u", 11, "new") });
  await until(() => services.listener.known[0] === "services-1/u=new");
  const text = renderPrometheus(registry.snapshot());
  assert.match(text, /^fairlead_kubernetes_watches 3$/m);
  assert.match(text, /^fairlead_kubernetes_events_total\{resource="services"\} 3$/m);
  assert.match(text, /^fairlead_kubernetes_received_bytes_total [1-9]\d\d/m);
  slices.subscription.close();
  slices.subscription.close();
  await until(() => api.server.sockets.size === 2);
  await end();
});

test("a token that was revoked and replaced is taken up without a problem", async () => {
  const { api, tokenFile, watch, clock, pass, end } = await setup();
  const { listener } = watch("EndpointSlice");
  await until(() => listener.isSynced);
  await pass(20_000);
  listener.take();
  api.token = "two";
  writeFileSync(tokenFile, "two");
  api.watches.get("endpointslices")?.socket?.resetAndDestroy();
  await until(() => clock.nextDueMs - clock.nowMs() < 500);
  await pass(1000);
  await until(() => api.urls.some((url) => url.includes("resourceVersion=10")));
  api.send("endpointslices", { type: "ADDED", object: json("late", "l", 12) });
  await until(() => listener.state.has("late"));
  assert.deepEqual(listener.take(), ["+late synced"]);
  await end();
});

test("a server that hangs is told within 30 s; when it is back, all its watches resume", async () => {
  const { api, watch, clock, pass, log, end } = await setup();
  const made = [watch("EndpointSlice"), watch("Service"), watch("Node", "")];
  await until(() => made.every(({ listener }) => listener.isSynced));
  const lastWordMs = clock.nowMs();
  api.isHanging = true;
  await pass(SILENT_MS_MAX);
  await until(() => api.urls.includes("/livez"));
  await pass(PROBE_TIMEOUT_MS);
  await until(() => api.urls.filter((url) => url === "/livez").length === 2);
  while (made.some(({ listener }) => listener.problem === null)) await pass(500);
  assert.ok(clock.nowMs() - lastWordMs <= 30_000, `${clock.nowMs() - lastWordMs} ms`);
  for (const { listener } of made) {
    assert.match(listener.take().at(-1) ?? "", /! unreachable: .* is silent and did not answer/);
    assert.equal(listener.state.size, 1, "nothing is lost");
  }
  await pass(60_000);
  api.isHanging = false;
  api.urls.length = 0;
  for (let ms = 0; ms < RETRY_MS_MAX + 20_000; ms += 500) {
    await pass(500);
    if (made.some(({ listener }) => listener.problem === null)) break;
  }
  await pass(HURRY_MS + RECOVERED_AFTER_MS + 1000);
  await until(() => made.every(({ listener }) => listener.problem === null));
  const opened = api.urls.filter((url) => url !== "/livez");
  assert.equal(opened.length, 3);
  assert.ok(
    opened.every((url) => url.includes("resourceVersion=10")),
    "resumed, not listed",
  );
  assert.deepEqual(log.lines.at(-1), "info: the API server is watched again");
  const reasons = log.entries
    .filter(({ level }) => level === "warn")
    .map(({ fields }) => fields.reason);
  assert.ok(new Set(reasons).size === reasons.length, `one line per reason: ${reasons}`);
  await end();
});

test("with a watch that is forbidden for ever, an outage is told, and its end, and no more", async () => {
  const { api, watch, pass, log, end } = await setup();
  api.forbidden = "services";
  const slices = watch("EndpointSlice");
  const services = watch("Service");
  await until(() => slices.listener.isSynced && services.listener.problem !== null);
  for (let outage = 1; outage <= 2; outage += 1) {
    await pass(10_000); // it stands, or a cut would be news
    api.isHanging = true;
    while (slices.listener.problem === null) {
      await pass(500);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    api.isHanging = false;
    const isOver = () =>
      slices.listener.problem === null && /^forbidden/.test(services.listener.problem ?? "");
    while (!isOver()) {
      await pass(500);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const lines = log.lines.splice(0);
    assert.deepEqual(lines.at(-1), "info: the API server is watched again", `outage ${outage}`);
    const backs = lines.filter((line) => line.endsWith("is watched again"));
    assert.equal(backs.length, 1);
    const told = log.entries.splice(0).filter(({ fields }) => fields.kind === "forbidden");
    assert.deepEqual(told, []);
  }
  await end();
});

test("a server that sends the token back gets it into no log and no reason", async () => {
  const token = "s3cr3t-t0k3n-0123456789-0123456789";
  const { api, watch, pass, log, end } = await setup(token);
  const { listener } = watch("EndpointSlice");
  await until(() => listener.isSynced);
  for (const name of [token, "x".repeat(280) + token]) {
    const object = json(name, "u2", 11, "malformed");
    api.send("endpointslices", { type: "ADDED", object });
  }
  await until(() => log.entries.length === 2);
  const message = `you sent ${"x".repeat(270)} ${token}`;
  const status = { kind: "Status", code: 500, message };
  api.send("endpointslices", { type: "ERROR", object: status });
  while (listener.problem === null) await pass(500);
  assert.match(listener.problem ?? "", /answers 500: you sent x+ \*\*\*$/);
  await until(() => log.lines.at(-1) === "warn: the API server cannot be watched");
  assert.equal(log.entries[0].fields.object, "prod/***");
  assert.doesNotMatch(JSON.stringify(log.entries) + listener.problem, /s3cr/);
  await end();
});

test("a source without verification of certificates says so once", async () => {
  const access = await loadApiAccess(
    {},
    {
      env: { KUBECONFIG: insecureConfig() },
    },
  );
  const log = new RecordingLogger();
  const source = createApiSource(access, {
    clock: new VirtualClock(),
    rng: seededRng(1),
    log,
    decode,
  });
  source.close();
  assert.deepEqual(log.lines, [
    "warn: the API server's certificate is not verified (insecure-skip-tls-verify)",
  ]);
});

function insecureConfig(): string {
  const path = join(directory, "insecure");
  writeFileSync(
    path,
    `current-context: x
contexts: [{name: x, context: {cluster: c}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1", insecure-skip-tls-verify: true}}]
`,
  );
  return path;
}
