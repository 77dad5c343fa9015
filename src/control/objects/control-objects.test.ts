/** Tests of the control plane's state: what it holds, when it speaks, and what outages do to it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuthority } from "../../../test/support/certificates.ts";
import { ScriptedSource } from "../../../test/support/object-source.ts";
import { WorkClock } from "../../../test/support/work-clock.ts";
import { RecordingLogger, SLICE_MS, seededRng } from "../../base/index.ts";
import {
  KINDS,
  type KindName,
  type ObjectQuery,
  SERVICE_NAME_LABEL,
  type SourceProblem,
} from "../../discovery/index.ts";
import { RouteEvaluator } from "../../routes/index.ts";
import { Registry, renderPrometheus } from "../../telemetry/index.ts";
import { ControlObjects, type ControlObjectsDeps } from "./control-objects.ts";
import { objectKey, type TouchedKeys } from "./state.ts";

const KIND_COUNT = Object.keys(KINDS).length;

interface SetupOptions {
  readonly namespaces?: readonly string[];
  readonly forbidden?: (query: ObjectQuery) => boolean;
  readonly prepare?: ControlObjectsDeps["prepare"];
}

function setup({ namespaces, forbidden, prepare }: SetupOptions = {}) {
  const clock = new WorkClock();
  const log = new RecordingLogger();
  const source = new ScriptedSource(clock, forbidden);
  const registry = new Registry();
  const deps = { clock, log, registry, namespaces: namespaces ?? null };
  const prepared = prepare === undefined ? {} : { prepare };
  const state = new ControlObjects(source, { ...deps, ...prepared });
  const metrics = () => renderPrometheus(registry.snapshot());
  const heard: string[] = [];
  const end = state.subscribe({ onObjects: (touched) => heard.push(textOf(touched)) });
  const watchOf = (kind: KindName, namespace: string | null = null) =>
    source.watches.find(({ query }) => query.kind === kind && query.namespace === namespace)!;
  const tell = (): string[] => {
    source.tellAll();
    clock.advance(0);
    return heard.splice(0);
  };
  const close = (): void => {
    state.close();
    state.close();
    assert.equal(source.watches.length, 0, "no watch is left");
    assert.equal(clock.pendingCount, 0, "no timer is left");
    assert.doesNotMatch(metrics(), /fairlead_control/);
  };
  return { clock, log, source, state, metrics, heard, end, watchOf, tell, close };
}

function textOf(touched: TouchedKeys): string {
  const kinds = [...touched].map(([kind, keys]) => `${kind} ${[...keys].sort().join(",")}`);
  return kinds.sort().join("; ") || "nothing";
}

function slice(source: ScriptedSource, name: string, service: string | null, namespace = "prod") {
  const labels = service === null ? {} : { [SERVICE_NAME_LABEL]: service };
  const metadata = { name, namespace, labels };
  source.put("EndpointSlice", { metadata, addressType: "IPv4" } as { metadata: object });
}

function service(source: ScriptedSource, name: string, port: number, namespace = "prod"): void {
  const spec = { ports: [{ port }] };
  source.put("Service", { metadata: { name, namespace }, spec } as { metadata: object });
}

test("nothing is told before all kinds are known; then everything at once", () => {
  const { clock, source, state, heard, watchOf, close } = setup();
  service(source, "echo", 80);
  service(source, "echo", 80, "other");
  slice(source, "echo-a", "echo");
  source.put("Node", { metadata: { name: "n1" } });
  state.start();
  watchOf("Service").isAway = true;
  clock.advance(10);
  assert.deepEqual([state.isSynced, heard], [false, []]);
  source.recover(watchOf("Service"));
  assert.deepEqual([state.isSynced, heard], [false, []], "on a turn of its own");
  clock.advance(0);
  assert.equal(state.isSynced, true);
  assert.deepEqual(heard, ["EndpointSlice prod/echo; Node n1; Service other/echo,prod/echo"]);
  assert.deepEqual([...state.objects.Service.keys()].sort(), ["other/echo", "prod/echo"]);
  assert.equal(state.objects.Node.get("n1")?.kind, "Node");
  assert.equal(source.begun.length, KIND_COUNT, "one watch a kind");
  close();
});

test("an empty cluster is told once", () => {
  const { clock, state, heard, close } = setup();
  state.start();
  clock.advance(1000);
  assert.deepEqual([state.isSynced, heard], [true, ["nothing"]]);
  close();
});

test("what one turn brings is told once, with the Services whose slices are others", () => {
  const { clock, source, state, tell, close } = setup();
  slice(source, "a-2", "a");
  slice(source, "a-1", "a");
  state.start();
  clock.advance(1);
  assert.deepEqual(tell(), ["EndpointSlice prod/a"]);
  const names = (key: string) => state.slicesOf(key).map(({ metadata }) => metadata.name);
  assert.deepEqual(names("prod/a"), ["a-1", "a-2"], "sorted, however they came");
  service(source, "a", 80);
  slice(source, "a-2", "b");
  slice(source, "lone", null);
  assert.deepEqual(tell(), ["EndpointSlice prod/a,prod/b; Service prod/a"]);
  assert.deepEqual([names("prod/a"), names("prod/b")], [["a-1"], ["a-2"]]);
  source.delete("EndpointSlice", "a-2");
  source.delete("Service", "a");
  assert.deepEqual(tell(), ["EndpointSlice prod/b; Service prod/a"]);
  assert.deepEqual(names("prod/b"), []);
  assert.equal(state.objects.Service.size, 0);
  assert.deepEqual(tell(), [], "nothing happened");
  close();
});

test("an object that is written again with the same content is no news", () => {
  const { clock, source, state, tell, close } = setup();
  service(source, "a", 80);
  state.start();
  clock.advance(1);
  tell();
  const before = state.objects.Service.get("prod/a");
  service(source, "a", 80);
  assert.deepEqual(tell(), []);
  const after = state.objects.Service.get("prod/a");
  assert.notEqual(after?.metadata.resourceVersion, before?.metadata.resourceVersion);
  service(source, "a", 81);
  assert.deepEqual(tell(), ["Service prod/a"]);
  close();
});

test("a Secret that becomes unusable closes no listener: its last good certificate stays", async () => {
  const { cert, key } = await (await createAuthority("a test CA")).issue({ names: ["a.test"] });
  const { clock, log, source, state, tell, close } = setup();
  const ref = { name: "edge-tls" };
  const https = { name: "web", port: 443, protocol: "HTTPS", tls: { certificateRefs: [ref] } };
  const controllerName = "fairlead.dev/gateway-controller";
  const named = (name: string, spec: object): { metadata: object } =>
    Object.assign({ metadata: { name } }, { spec });
  source.put("GatewayClass", named("ours", { controllerName }));
  source.put("Gateway", named("edge", { gatewayClassName: "ours", listeners: [https] }));
  const secret = (text: string) =>
    source.put("Secret", {
      metadata: { name: "edge-tls" },
      ...{ type: "kubernetes.io/tls", stringData: { "tls.crt": text, "tls.key": key } },
    });
  const judged = () => {
    const { Gateway, GatewayClass, GRPCRoute, ReferenceGrant, Namespace, Service, Secret } =
      state.objects;
    const { statuses, gateways } = new RouteEvaluator().evaluate({
      ...{ gateways: Gateway, gatewayClasses: GatewayClass, routes: GRPCRoute },
      ...{ grants: ReferenceGrant, namespaces: Namespace, services: Service, secrets: Secret },
    });
    const { conditions } = statuses.gateways.get("prod/edge")!.listeners[0]!;
    const refs = conditions.find(({ type }) => type === "ResolvedRefs")!;
    return { served: gateways.get("prod/edge")?.ports[0]?.chains[0]?.certificates[0]?.cert, refs };
  };
  secret(cert);
  state.start();
  clock.advance(1);
  tell();
  assert.equal(judged().served, cert);
  secret("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----");
  tell();
  const { served, refs } = judged();
  assert.equal(served, cert);
  assert.deepEqual([refs.status, refs.reason], ["False", "InvalidCertificateRef"]);
  assert.match(
    refs.message,
    /^Secret prod\/edge-tls cannot be used: .*; its last good certificate/,
  );
  assert.ok(log.lines.includes("warn: Secret cannot be used; its last good certificate stays"));
  secret(cert);
  tell();
  assert.equal(judged().refs.status, "True");
  source.delete("Secret", "edge-tls");
  tell();
  assert.equal(judged().served, undefined, "who deletes it means it");
  close();
});

test("what is prepared takes slices of time, and what changes meanwhile is told with the rest", () => {
  const asked: string[] = [];
  const seen: string[] = [];
  const prepare = (touched: TouchedKeys) => {
    asked.push(textOf(touched));
    if (asked.length > 1) return null;
    return (function* (): Generator<undefined, void> {
      for (let i = 0; i < 3; i += 1) {
        seen.push(`step ${i}`);
        clock.setTimer(0, () => seen.push(`other work, told: ${heard.length}`));
        if (i === 1) clock.setTimer(0, () => change(80));
        clock.workedMs += SLICE_MS;
        yield;
      }
    })();
  };
  const { clock, source, state, heard, close } = setup({ prepare });
  const change = (port: number): void => {
    service(source, "b", port);
    source.tellAll();
  };
  service(source, "a", 80);
  state.start();
  clock.advance(0);
  const other = "other work, told: 0";
  assert.deepEqual(seen, ["step 0", other, "step 1", other, "step 2", other]);
  assert.deepEqual([asked, heard], [["Service prod/a"], ["Service prod/a,prod/b"]]);
  change(81);
  clock.advance(0);
  assert.deepEqual(heard.slice(1), ["Service prod/b"]);
  close();
});

test("an outage takes nothing away, and what it hid is told at its end", () => {
  const { clock, source, state, metrics, watchOf, tell, close } = setup();
  for (const name of ["a", "b"]) slice(source, `${name}-1`, name);
  state.start();
  clock.advance(1);
  tell();
  clock.advance(5000);
  const watch = watchOf("EndpointSlice");
  source.fail(watch, "unreachable", "api: no answer");
  clock.advance(1000);
  source.fail(watch, "unreachable", "api: refused");
  source.delete("EndpointSlice", "a-1");
  assert.deepEqual(tell(), []);
  assert.equal(state.slicesOf("prod/a").length, 1, "kept");
  assert.equal(state.staleSinceMs, 5001, "since the first of its problems");
  assert.match(metrics(), /^fairlead_control_objects_stale_seconds 1$/m);
  assert.match(metrics(), /^fairlead_control_objects\{resource="endpointslices"\} 2$/m);
  assert.deepEqual(state.problems, [
    {
      of: "EndpointSlice",
      ...{ kind: "unreachable", reason: "api: refused", namespace: null, sinceMs: 5001 },
    },
  ]);
  source.recover(watch);
  assert.deepEqual(tell(), ["EndpointSlice prod/a"]);
  assert.deepEqual([state.staleSinceMs, state.problems], [null, []]);
  assert.match(metrics(), /^fairlead_control_objects_stale_seconds 0$/m);
  assert.equal(state.isSynced, true);
  close();
});

test("kinds that may not be read hold nothing up and are logged once; Services do", () => {
  const denied = ["Node", "Secret", "GatewayClass"];
  const forbidden = ({ kind }: ObjectQuery) => denied.includes(kind);
  const { clock, log, source, state, heard, watchOf, tell, close } = setup({ forbidden });
  state.start();
  clock.advance(1);
  assert.deepEqual([state.isSynced, heard.splice(0)], [true, ["nothing"]]);
  const warned = log.entries.map(({ level, fields }) => `${level} ${fields.kind}`);
  assert.deepEqual(warned.sort(), denied.map((kind) => `warn ${kind}`).sort());
  assert.equal(state.staleSinceMs, null, "that is no outage");
  assert.deepEqual(state.problems.map(({ of }) => of).sort(), denied.toSorted());
  source.put("Node", { metadata: { name: "n1" } });
  source.recover(watchOf("Node"));
  assert.deepEqual(tell(), ["Node n1"], "taken up when it may be read");
  close();

  const needed = setup({ forbidden: ({ kind }) => kind === "Service" });
  needed.state.start();
  needed.clock.advance(60_000);
  assert.deepEqual([needed.state.isSynced, needed.heard], [false, []]);
  assert.deepEqual(needed.log.lines, ["error: objects that are needed may not be read"]);
  needed.close();
});

test("a kind that is not installed is known to have no objects, and no outage", () => {
  const { clock, source, state, heard, watchOf, tell, close } = setup();
  state.start();
  const watch = watchOf("Gateway");
  watch.isAway = true;
  clock.advance(1);
  assert.equal(state.isSynced, false);
  watch.listener.onChanges([], true);
  const problem: SourceProblem = { kind: "absent", reason: "the API server has no gateways" };
  watch.listener.onProblem(problem);
  clock.advance(0);
  assert.deepEqual([state.isSynced, heard.splice(0)], [true, ["nothing"]]);
  assert.equal(state.staleSinceMs, null);
  assert.deepEqual(
    state.problems.map(({ of, kind }) => `${of} ${kind}`),
    ["Gateway absent"],
  );
  source.recover(watch);
  assert.deepEqual([tell(), state.problems], [[], []]);
  close();
});

test("of a list of namespaces each is watched, and kinds that live in none are watched once", () => {
  const { clock, source, state, tell, close } = setup({ namespaces: ["prod", "dev", "prod"] });
  for (const namespace of ["prod", "dev", "other"]) service(source, "echo", 80, namespace);
  state.start();
  clock.advance(1);
  assert.deepEqual(tell(), ["Service dev/echo,prod/echo"]);
  const clusterWide = Object.values(KINDS).filter(({ isNamespaced }) => !isNamespaced).length;
  assert.equal(source.begun.length, 2 * (KIND_COUNT - clusterWide) + clusterWide);
  assert.ok(source.begun.includes("Node null * *"));
  close();
});

test("a listener that left is not called, nor anybody after the end", () => {
  const { clock, source, state, heard, end, tell, close } = setup();
  state.start();
  clock.advance(1);
  heard.length = 0;
  const other: string[] = [];
  const endOther = state.subscribe({
    onObjects: (touched) => {
      other.push(textOf(touched));
      endOther();
    },
  });
  end();
  service(source, "a", 80);
  tell();
  service(source, "b", 80);
  assert.deepEqual([tell(), other], [[], ["Service prod/a"]]);
  service(source, "c", 80);
  source.tellAll();
  close();
  clock.advance(1000);
  assert.deepEqual(other, ["Service prod/a"]);
});

test("after any history the state is the truth, whatever order it came in", () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const rng = seededRng(seed);
    const { clock, source, state, close } = setup();
    state.start();
    clock.advance(0);
    for (let step = 0; step < 60; step += 1) {
      const name = `x${rng.int(6)}`;
      const at = rng.int(4);
      if (at === 0) slice(source, name, `s${rng.int(3)}`);
      else if (at === 1) service(source, name, 80 + rng.int(2));
      else if (at === 2) source.delete("EndpointSlice", name);
      else source.delete("Service", name);
      const watch = source.watches[rng.int(source.watches.length)];
      const chance = rng.int(8);
      if (chance === 0 && !watch.isAway) source.fail(watch, "unreachable", "gone");
      else if (chance === 1) source.recover(watch);
      else source.tellSome(watch, rng);
      clock.advance(0);
    }
    for (const watch of source.watches) source.recover(watch);
    source.tellAll();
    clock.advance(0);
    for (const kind of ["Service", "EndpointSlice"] as const) {
      const truth = source.truth(kind).map((object) => [objectKey(object), object] as const);
      const known: readonly (readonly [string, object])[] = [...state.objects[kind]];
      assert.deepEqual(new Map(known.toSorted()), new Map(truth.toSorted()));
    }
    for (let s = 0; s < 3; s += 1) {
      const own = source
        .truth("EndpointSlice")
        .filter(({ metadata }) => metadata.labels[SERVICE_NAME_LABEL] === `s${s}`);
      const names = own.map(({ metadata }) => metadata.name).sort();
      const filed = state.slicesOf(`prod/s${s}`).map(({ metadata }) => metadata.name);
      assert.deepEqual(filed, names, `seed ${seed}`);
    }
    close();
  }
});
