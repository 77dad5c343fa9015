/**
 * Tests of a Gateway's configuration from objects: what is watched, what is served, what is told.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { createAuthority, type IssuedPair } from "../../../test/support/certificates.ts";
import { ScriptedSource } from "../../../test/support/object-source.ts";
import { RecordingLogger, VirtualClock } from "../../base/index.ts";
import { createResolver, type ObjectQuery } from "../../discovery/index.ts";
import type { MeshConfig } from "../config.ts";
import { GATEWAY_INTERVAL_MS } from "./gateway-objects.ts";
import { GatewayMeshSource } from "./gateway-source.ts";

let pair: IssuedPair;

before(async () => {
  pair = await (await createAuthority("objects")).issue({ names: ["echo.test"] });
});

function setup(forbidden: (query: ObjectQuery) => boolean = () => false) {
  const clock = new VirtualClock();
  const log = new RecordingLogger();
  const objects = new ScriptedSource(clock, forbidden);
  const configs: MeshConfig[] = [];
  const errors: string[] = [];
  const rng = { next: () => 0, int: () => 0 };
  const newResolver = (target: string) =>
    createResolver(target, { clock, rng, log, objects: () => objects });
  const name = { namespace: "prod", name: "edge" };
  const source = new GatewayMeshSource(name, { clock, log, objects, newResolver });
  source.start({
    onConfig: (config) => configs.push(config),
    onError: (reason) => errors.push(reason),
  });
  const tell = (): MeshConfig | undefined => {
    objects.tellAll();
    clock.advance(GATEWAY_INTERVAL_MS);
    objects.tellAll();
    clock.advance(GATEWAY_INTERVAL_MS);
    return configs.at(-1);
  };
  const close = (): void => {
    source.close();
    assert.equal(objects.watches.length, 0, "no watch is left");
    assert.equal(clock.pendingCount, 0, "no timer is left");
  };
  return { clock, log, objects, configs, errors, tell, close };
}

type Setup = ReturnType<typeof setup>;

function putGateway({ objects }: Setup, secret: string | null, className = "fairlead"): void {
  const tls = secret === null ? null : { certificateRefs: [{ name: secret }] };
  const http = { name: "http", port: 80, protocol: "HTTP" };
  const https = { name: "https", port: 443, protocol: "HTTPS", hostname: "echo.test", tls };
  const spec = { gatewayClassName: className, listeners: secret === null ? [http] : [http, https] };
  objects.put("Gateway", { metadata: { name: "edge" }, spec } as { metadata: object });
}

function putRoute({ objects }: Setup, service: string): void {
  const backendRefs = [{ name: service, port: 80 }];
  const spec = { parentRefs: [{ name: "edge" }], rules: [{ backendRefs }] };
  objects.put("GRPCRoute", { metadata: { name: "api" }, spec } as { metadata: object });
  const ports = [{ port: 80, name: "grpc" }];
  objects.put("Service", { metadata: { name: service }, spec: { ports } } as { metadata: object });
}

function putSecret({ objects }: Setup, cert: string): void {
  const data = { "tls.crt": btoa(cert), "tls.key": btoa(pair.key) };
  const secret = { type: "kubernetes.io/tls", metadata: { name: "edge-tls" }, data };
  objects.put("Secret", secret);
}

test("ports are listeners, backends are clusters, and what stays is the same object", () => {
  const it = setup();
  putGateway(it, "edge-tls");
  putRoute(it, "echo");
  putSecret(it, pair.cert);
  const first = it.tell()!;
  assert.deepEqual(
    first.listeners.map(({ name, address }) => [name, address?.port]),
    [
      ["prod/edge:80", 80],
      ["prod/edge:443", 443],
    ],
  );
  const [, https] = first.listeners;
  assert.deepEqual(https.chains[0].serverNames, ["echo.test"]);
  assert.equal(https.chains[0].tls?.certificates[0].key.trim(), pair.key.trim());
  assert.deepEqual([...first.clusters.keys()], ["prod/echo:80"]);
  assert.equal(first.clusters.get("prod/echo:80")!.key, "kubernetes:///echo.prod:80");
  assert.ok(it.objects.begun.includes("Secret prod edge-tls *"), "by its name alone");
  it.objects.put("Namespace", { metadata: { name: "other", namespace: "" } });
  const second = it.tell()!;
  assert.equal(second.listeners[1], https);
  putRoute(it, "next");
  const third = it.tell()!;
  assert.deepEqual([...third.clusters.keys()], ["prod/next:80"]);
  assert.notEqual(third.listeners[1], https);
  it.close();
});

test("a Secret that becomes unusable leaves the last good one; one that is named no more goes", () => {
  const it = setup();
  putGateway(it, "edge-tls");
  putRoute(it, "echo");
  putSecret(it, pair.cert);
  it.tell();
  putSecret(it, "no certificate");
  assert.equal(it.tell()!.listeners.length, 2);
  assert.ok(it.log.lines.includes("warn: Secret cannot be used; the last good one stays"));
  assert.ok(!JSON.stringify(it.log.entries).includes("BEGIN"), "nothing secret is told");
  putGateway(it, null);
  assert.equal(it.tell()!.listeners.length, 1);
  assert.ok(!it.objects.watches.some(({ query }) => query.kind === "Secret"));
  it.close();
});

// Any object of a watched kind in the cluster changed, and the log said once more what it had said.
test("why nothing is served is told once, and what matters to nobody here is not told", () => {
  const it = setup();
  putGateway(it, null);
  putRoute(it, "echo");
  it.tell();
  it.objects.delete("Gateway", "edge");
  assert.deepEqual(it.tell()!.listeners, []);
  assert.deepEqual(it.errors, ["Gateway prod/edge does not exist"]);
  const count = it.configs.length;
  it.objects.put("Namespace", { metadata: { name: "other", namespace: "" } });
  it.tell();
  assert.deepEqual([it.configs.length, it.errors.length], [count, 1]);
  const [watch] = it.objects.watches;
  it.objects.fail(watch!, "unreachable", "away");
  it.objects.recover(watch!);
  it.tell();
  assert.deepEqual([it.configs.length, it.errors.length], [count + 1, 3]);
  it.close();
});

// A proxy with objects of its own served it, and the same proxy at a control plane did not.
test("a class that is not there is taken for ours, with a warning", () => {
  const it = setup();
  putGateway(it, null, "misspelt");
  putRoute(it, "echo");
  assert.equal(it.tell()!.listeners.length, 1);
  const told = () => it.log.entries.filter(({ msg }) => msg === "GatewayClass is taken for ours");
  assert.equal(told()[0]?.fields.gatewayClass, "misspelt");
  putRoute(it, "next");
  it.tell();
  assert.equal(told().length, 1, "once");
  const spec = { controllerName: "fairlead.dev/gateway-controller" };
  const known = { metadata: { name: "fairlead", namespace: "" }, spec };
  it.objects.put("GatewayClass", known as { metadata: object });
  putGateway(it, null);
  it.tell();
  assert.equal(told().length, 1);
  it.close();
});

// The proxy refused the route's calls with the reason, and its log had no word of it.
test("what is wrong with a route of the Gateway is told in the log, once", () => {
  const it = setup();
  putGateway(it, null);
  putRoute(it, "echo");
  it.objects.delete("Service", "echo");
  it.tell();
  const told = () => it.log.entries.filter(({ msg }) => msg === "not served as written");
  assert.match(String(told()[0]?.fields.reason), /^ResolvedRefs: BackendNotFound: .*prod\/echo/);
  it.objects.put("Namespace", { metadata: { name: "other", namespace: "" } });
  it.tell();
  assert.equal(told().length, 1);
  const parentRefs = [{ group: "", kind: "Service", name: "of-others" }];
  const spec = { parentRefs, rules: [{}] };
  it.objects.put("GRPCRoute", { metadata: { name: "gamma" }, spec } as { metadata: object });
  it.tell();
  assert.equal(told().length, 1, "a route of a Service is none of ours");
  it.close();
});

test("kinds that may not be read count as none, unless nothing can be served without", () => {
  const kinds = ["GatewayClass", "ReferenceGrant", "Namespace", "Secret"];
  const it = setup(({ kind }) => kinds.includes(kind));
  putGateway(it, "edge-tls");
  putRoute(it, "echo");
  assert.deepEqual(
    it.tell()!.listeners.map(({ name }) => name),
    ["prod/edge:80"],
  );
  it.close();
  const needed = setup(({ kind }) => kind === "GRPCRoute");
  putGateway(needed, null);
  assert.equal(needed.tell(), undefined);
  assert.deepEqual(needed.errors, ["may not watch GRPCRoute"]);
  needed.close();
});

test("no Gateway, one of another controller, and one that goes are told", () => {
  const it = setup();
  assert.deepEqual(it.tell(), { listeners: [], clusters: new Map() });
  assert.equal(it.errors.at(-1), "Gateway prod/edge does not exist");
  const spec = { controllerName: "example.com/other" };
  const other = { metadata: { name: "other", namespace: "" }, spec };
  it.objects.put("GatewayClass", other as { metadata: object });
  putGateway(it, null, "other");
  putRoute(it, "echo");
  assert.deepEqual(it.tell()!.listeners, []);
  assert.match(
    it.errors.at(-1) ?? "",
    /^GatewayClass other of controller example\.com\/other is not/,
  );
  putGateway(it, null);
  assert.equal(it.tell()!.listeners.length, 1);
  it.objects.delete("Gateway", "edge");
  assert.deepEqual(it.tell()!.listeners, []);
  it.close();
});
