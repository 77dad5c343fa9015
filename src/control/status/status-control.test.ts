/**
 * Tests of statuses in virtual time, on the store of the lab's API server: what is written, what is
 * left alone, and that of several replicas one writes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type LabWorld, labWorld } from "../../../test/support/lab-world.ts";
import { type Json, RecordingLogger, seededRng, VirtualClock } from "../../base/index.ts";
import type { WriteFailure } from "../../discovery/index.ts";
import { CONTROLLER_NAME } from "../../routes/index.ts";
import { Registry, renderPrometheus } from "../../telemetry/index.ts";
import { ControlObjects } from "../objects/control-objects.ts";
import { RoutePlanning } from "../plane/routes.ts";
import { LEASE_DURATION_MS, RENEW_DEADLINE_MS, RETRY_PERIOD_MS } from "./election.ts";
import { STATUS_FORBIDDEN_MS, STATUS_RETRY_MS_MAX, STATUSES_IN_ROW } from "./status-backoff.ts";
import { LEASE_NAME, StatusControl } from "./status-control.ts";
import {
  CONFLICTS_MAX,
  STATUS_WRITES_AT_ONCE_MAX,
  STATUS_WRITES_PER_SECOND_MAX,
} from "./status-writer.ts";

const AWAY: WriteFailure = { kind: "unreachable", reason: "api: no answer", retryAfterMs: 0 };
/** Until a replica that stands alone leads, and has written what there is. */
const SETTLE_MS = 1000;

function world() {
  const clock = new VirtualClock();
  const lab = labWorld(clock, ["default", "prod"]);
  const { objects } = lab;
  const replicas: ReturnType<typeof startReplica>[] = [];
  const start = (replica: string) => {
    const made = startReplica(replica, clock, lab, replicas.length + 1);
    replicas.push(made);
    return made;
  };
  const pass = (ms: number) => {
    for (let done = 0; done < ms; done += 10) clock.advance(10);
  };
  const statusOf = (kind: string, name: string, namespace = "prod"): Json =>
    objects.get({ kind, namespace: kind === "GatewayClass" ? "" : namespace, name }).status as Json;
  const conditionsOf = (status: Json): string[] =>
    ((status.conditions ?? []) as Json[]).map(
      ({ type, status: value, observedGeneration }) => `${type}=${value}@${observedGeneration}`,
    );
  const parentsOf = (name: string) => (statusOf("GRPCRoute", name)?.parents ?? []) as Json[];
  const end = () => {
    for (const { stop } of replicas) stop();
    clock.advance(60_000);
    assert.equal(clock.pendingCount, 0, "no timer is left");
  };
  return { clock, lab, objects, start, pass, statusOf, conditionsOf, parentsOf, end };
}

function startReplica(replica: string, clock: VirtualClock, lab: LabWorld, seed: number) {
  const log = new RecordingLogger();
  const registry = new Registry();
  const source = lab.newSource();
  const writer = lab.newWriter();
  const state = new ControlObjects(source, { clock, log, namespaces: null });
  const control = new StatusControl({
    ...{ clock, log, registry, writer, state, replica, rng: seededRng(seed) },
    leaseNamespace: "default",
  });
  const planning = new RoutePlanning();
  state.subscribe({ onObjects: () => control.setWanted(planning.judge(state)) });
  state.start();
  control.start();
  let isStopped = false;
  const stop = () => {
    if (isStopped) return;
    isStopped = true;
    state.close();
    source.close();
    control.stop(() => {});
  };
  const setAway = (isAway: boolean) => {
    source.setAway(isAway);
    writer.failure = isAway ? AWAY : null;
  };
  /** Statuses that it wrote since the last call, as "gateways prod/edge". */
  const takeWrites = () =>
    writer.requests
      .splice(0)
      .filter((request) => request.startsWith("patch"))
      .map((request) => request.replace(/^patch (\w+)\/status /, "$1 "));
  return { replica, control, state, writer, log, registry, stop, setAway, takeWrites };
}

function classBody(controllerName = CONTROLLER_NAME, name = "fairlead") {
  return { metadata: { name }, spec: { controllerName } };
}

function gatewayBody(name = "edge", gatewayClassName = "fairlead") {
  const listeners = [{ name: "grpc", port: 80, protocol: "HTTP", hostname: "*.example" }];
  return { metadata: { name }, spec: { gatewayClassName, listeners } };
}

function routeBody(name: string, parents: readonly string[] = ["edge"], hostname = "a.example") {
  const parentRefs = parents.map((parent) => ({ name: parent }));
  const backendRefs = [{ name: "echo", port: 80 }];
  const spec = { parentRefs, hostnames: [hostname], rules: [{ backendRefs }] };
  return { metadata: { name }, spec };
}

function seed(objects: LabWorld["objects"]): void {
  objects.create("GatewayClass", "", classBody());
  objects.create("Gateway", "prod", gatewayBody());
  objects.create("GRPCRoute", "prod", routeBody("echo"));
}

test("statuses are written once, as what was judged; nothing more is when nothing changes", () => {
  const { objects, start, pass, statusOf, conditionsOf, parentsOf, end } = world();
  seed(objects);
  const one = start("one");
  pass(SETTLE_MS);
  assert.deepEqual(one.takeWrites(), [
    "grpcroutes prod/echo",
    "gateways prod/edge",
    "gatewayclasses /fairlead",
  ]);
  assert.deepEqual(conditionsOf(statusOf("GatewayClass", "fairlead")), ["Accepted=True@1"]);
  const gateway = statusOf("Gateway", "edge");
  assert.deepEqual(conditionsOf(gateway), ["Accepted=True@1", "Programmed=True@1"]);
  const [listener] = gateway.listeners as Json[];
  assert.deepEqual([listener.name, listener.attachedRoutes], ["grpc", 1]);
  const [parent] = parentsOf("echo");
  assert.equal(parent.controllerName, CONTROLLER_NAME);
  assert.deepEqual(parent.parentRef, {
    ...{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" },
  });
  const [accepted] = parent.conditions as Json[];
  assert.match(String(accepted.lastTransitionTime), /^2026-01-01T00:00:0\dZ$/);
  pass(300_000);
  assert.deepEqual(one.takeWrites(), []);
  const { role, pending, written, failed, problem } = one.control.report;
  assert.deepEqual([role, pending, written, failed, problem], ["leader", 0, 3, 0, null]);
  const text = renderPrometheus(one.registry.snapshot());
  assert.match(text, /^fairlead_control_leader 1$/m);
  assert.match(text, /^fairlead_control_statuses_written 3$/m);
  end();
  assert.equal(renderPrometheus(one.registry.snapshot()).includes("fairlead_control"), false);
});

test("a status follows what is judged of it, although its object stays as it is", () => {
  const { objects, start, pass, statusOf, end } = world();
  seed(objects);
  const one = start("one");
  pass(SETTLE_MS);
  one.takeWrites();
  objects.create("GRPCRoute", "prod", routeBody("more"));
  pass(SETTLE_MS);
  const [listener] = statusOf("Gateway", "edge").listeners as Json[];
  assert.equal(listener.attachedRoutes, 2);
  assert.deepEqual(one.takeWrites(), ["grpcroutes prod/more", "gateways prod/edge"]);
  end();
});

test("a condition keeps its time while its status does; the generation goes with the spec", () => {
  const { objects, start, pass, parentsOf, end } = world();
  seed(objects);
  start("one");
  pass(SETTLE_MS);
  const at = { kind: "GRPCRoute", namespace: "prod", name: "echo" };
  const condition = () => (parentsOf("echo")[0].conditions as Json[])[0];
  const first = condition();
  pass(60_000);
  objects.patch(at, { spec: { hostnames: ["b.example"] } });
  pass(SETTLE_MS);
  assert.deepEqual(condition(), { ...first, observedGeneration: 2 });
  pass(60_000);
  objects.patch(at, { spec: { hostnames: ["bad.other"] } });
  pass(SETTLE_MS);
  const { status, reason, lastTransitionTime, observedGeneration } = condition();
  assert.deepEqual(
    [status, reason, observedGeneration],
    ["False", "NoMatchingListenerHostname", 3],
  );
  assert.notEqual(lastTransitionTime, first.lastTransitionTime);
  end();
});

test("what other controllers wrote stays, ours is corrected, and what is ours no more goes", () => {
  const { objects, start, pass, statusOf, conditionsOf, parentsOf, end } = world();
  seed(objects);
  objects.create("GatewayClass", "", classBody("other.example/controller", "other"));
  objects.create("Gateway", "prod", gatewayBody("theirs", "other"));
  const route = { kind: "GRPCRoute", namespace: "prod", name: "echo" };
  const time = "2020-01-01T00:00:00Z";
  const theirs = {
    ...{ parentRef: { name: "theirs", port: 7 }, controllerName: "other.example/controller" },
    conditions: [
      {
        ...{ type: "Accepted", status: "True", reason: "Accepted", message: "hello" },
        ...{ lastTransitionTime: time, observedGeneration: 1 },
      },
    ],
  };
  const stale = { ...theirs, parentRef: { name: "gone" }, controllerName: CONTROLLER_NAME };
  const wrong = {
    ...{ parentRef: { name: "edge" }, controllerName: CONTROLLER_NAME },
    conditions: [{ ...theirs.conditions[0], reason: "Wrong" }],
  };
  const parents = [stale, theirs, wrong];
  objects.patch(route, { status: { parents } }, { part: "status" });
  const gateway = { kind: "Gateway", namespace: "prod", name: "edge" };
  const foreign = { ...theirs.conditions[0], type: "example.com/Seen" };
  objects.patch(gateway, { status: { conditions: [foreign] } }, { part: "status" });
  start("one");
  pass(SETTLE_MS);
  const [first, second, ...more] = parentsOf("echo");
  assert.deepEqual([first, more], [theirs, []]);
  const [condition] = second.conditions as Json[];
  assert.deepEqual(second.parentRef, { name: "edge" }, "as it was written");
  assert.deepEqual([condition.reason, condition.lastTransitionTime], ["Accepted", time]);
  assert.deepEqual((statusOf("Gateway", "edge").conditions as Json[])[0], foreign);
  assert.deepEqual(conditionsOf(statusOf("Gateway", "theirs")), [
    "Accepted=Unknown@undefined",
    "Programmed=Unknown@undefined",
  ]);
  end();
});

test("what somebody else writes over is put right", () => {
  const { objects, start, pass, parentsOf, end } = world();
  seed(objects);
  start("one");
  pass(SETTLE_MS);
  const before = parentsOf("echo");
  const route = { kind: "GRPCRoute", namespace: "prod", name: "echo" };
  objects.patch(route, { status: { parents: [] } }, { part: "status" });
  pass(SETTLE_MS);
  assert.equal(parentsOf("echo").length, before.length);
  end();
});

test("a conflict is read again; a spec that changed meanwhile is judged again first", () => {
  const { objects, start, pass, parentsOf, end } = world();
  seed(objects);
  const one = start("one");
  const route = { kind: "GRPCRoute", namespace: "prod", name: "echo" };
  let count = 0;
  one.writer.onRequest = (request) => {
    if (request !== "patch grpcroutes/status prod/echo" || count > 2) return;
    count += 1;
    const metadata = { annotations: { count: String(count) } };
    objects.patch(route, { metadata });
  };
  pass(SETTLE_MS);
  assert.equal(count, 3);
  assert.equal(parentsOf("echo").length, 1);
  assert.equal(one.control.report.failed, 0, "a conflict is no failure");
  let isChanged = false;
  one.writer.onRequest = (request) => {
    if (request !== "get grpcroutes prod/echo" || isChanged) return;
    isChanged = true;
    objects.patch(route, { spec: { hostnames: ["bad.other"] } });
  };
  objects.patch(route, { status: { parents: [] } }, { part: "status" });
  one.takeWrites();
  pass(SETTLE_MS);
  const [condition] = parentsOf("echo")[0].conditions as Json[];
  assert.deepEqual([condition.status, condition.observedGeneration], ["False", 2]);
  const writes = one.takeWrites().filter((write) => write.startsWith("grpcroutes"));
  assert.equal(writes.length, 1, "what was judged before was not written");
  end();
});

test("a status that is always written by another meanwhile is left for later", () => {
  const { objects, start, pass, parentsOf, end } = world();
  seed(objects);
  const one = start("one");
  const route = { kind: "GRPCRoute", namespace: "prod", name: "echo" };
  let count = 0;
  one.writer.onRequest = (request) => {
    if (request !== "patch grpcroutes/status prod/echo") return;
    count += 1;
    objects.patch(route, { metadata: { annotations: { count: String(count) } } });
  };
  while (one.control.report.failed === 0) pass(10);
  assert.equal(count, CONFLICTS_MAX + 1);
  assert.match(one.control.report.problem ?? "", /the object has been modified/);
  one.writer.onRequest = () => {};
  pass(STATUS_RETRY_MS_MAX);
  assert.equal(parentsOf("echo").length, 1);
  end();
});

test("of two replicas one writes; when it stops or dies the other does; both judge", () => {
  const { objects, start, pass, parentsOf, end } = world();
  seed(objects);
  const one = start("one");
  pass(SETTLE_MS);
  const two = start("two");
  pass(SETTLE_MS);
  assert.deepEqual(two.takeWrites(), []);
  assert.deepEqual(two.control.report.role, "follower");
  assert.match(two.control.report.leader, /^one_[0-9a-f]{8}$/);
  const lease = objects.get({ kind: "Lease", namespace: "default", name: LEASE_NAME });
  assert.equal((lease.spec as Json).holderIdentity, two.control.report.leader);
  assert.deepEqual(
    two.control.statuses.map(({ kind, name }) => `${kind} ${name}`),
    ["GRPCRoute echo", "Gateway edge", "GatewayClass fairlead"],
  );
  one.takeWrites();
  one.stop();
  let isDone = false;
  one.control.stop(() => {
    isDone = true;
  });
  assert.equal(isDone, true, "a second stop is harmless");
  objects.create("GRPCRoute", "prod", routeBody("late"));
  pass(3 * RETRY_PERIOD_MS);
  assert.deepEqual(two.takeWrites().sort(), ["gateways prod/edge", "grpcroutes prod/late"]);
  const three = start("three");
  pass(SETTLE_MS);
  two.writer.isHanging = true;
  objects.create("GRPCRoute", "prod", routeBody("later"));
  pass(LEASE_DURATION_MS + 5 * RETRY_PERIOD_MS);
  assert.equal(parentsOf("later").length, 1);
  assert.deepEqual([two.control.report.role, three.control.report.role], ["follower", "leader"]);
  assert.ok(three.takeWrites().includes("grpcroutes prod/later"));
  end();
});

test("an outage in the middle: nobody writes, nothing is lost, and one goes on after it", () => {
  const { objects, start, pass, parentsOf, end } = world();
  seed(objects);
  const replicas = [start("one"), start("two")];
  pass(SETTLE_MS);
  for (const replica of replicas) replica.setAway(true);
  pass(RENEW_DEADLINE_MS + SETTLE_MS);
  assert.ok(replicas.every(({ control }) => control.report.role === "follower"));
  assert.ok(replicas.every(({ control }) => control.report.problem === "api: no answer"));
  objects.create("GRPCRoute", "prod", routeBody("new"));
  objects.delete({ kind: "GRPCRoute", namespace: "prod", name: "echo" });
  pass(600_000);
  for (const replica of replicas) {
    assert.equal(replica.state.objects.GRPCRoute.size, 1, "the last good state");
    assert.notEqual(replica.state.staleSinceMs, null);
    replica.setAway(false);
    replica.takeWrites();
  }
  pass(STATUS_RETRY_MS_MAX);
  assert.equal(parentsOf("new").length, 1);
  const writers = replicas.filter(({ takeWrites }) => takeWrites().length > 0);
  assert.equal(writers.length, 1);
  assert.ok(replicas.every(({ control }) => control.report.problem === null));
  end();
});

test("forbidden to write: one line, asked rarely, and the state goes on", () => {
  const { objects, start, pass, parentsOf, end } = world();
  seed(objects);
  const one = start("one");
  const reason = "forbidden: needs patch on grpcroutes.gateway.networking.k8s.io/status";
  one.writer.failureOf = (request) =>
    request.startsWith("patch") ? { kind: "forbidden", reason, retryAfterMs: 0 } : null;
  pass(300_000);
  assert.deepEqual(
    one.log.lines.filter((line) => line.startsWith("warn")),
    ["warn: statuses are not written"],
  );
  const { problem, pending, role } = one.control.report;
  assert.deepEqual([problem, pending, role], [reason, 3, "leader"]);
  const askedMax = (300_000 / STATUS_FORBIDDEN_MS + 1) * STATUS_WRITES_AT_ONCE_MAX;
  assert.ok(one.takeWrites().length <= askedMax, "asked rarely");
  assert.match(renderPrometheus(one.registry.snapshot()), /^fairlead_control_status_blocked 1$/m);
  objects.create("GRPCRoute", "prod", routeBody("new"));
  pass(100);
  assert.equal(one.state.objects.GRPCRoute.size, 2, "it serves on");
  one.writer.failureOf = () => null;
  pass(STATUS_FORBIDDEN_MS + SETTLE_MS);
  assert.equal(parentsOf("new").length, 1);
  assert.equal(one.control.report.problem, null);
  end();
});

test("what may not be written in one namespace holds back no other", () => {
  const { objects, start, pass, parentsOf, end } = world();
  seed(objects);
  const body = routeBody("foreign");
  const parentRefs = [{ name: "edge", namespace: "prod" }];
  objects.create("GRPCRoute", "default", { ...body, spec: { ...body.spec, parentRefs } });
  const one = start("one");
  const reason = "forbidden: needs patch on grpcroutes in namespace default";
  one.writer.failureOf = (request) =>
    request.startsWith("patch grpcroutes/status default/")
      ? { kind: "forbidden", reason, retryAfterMs: 0 }
      : null;
  pass(SETTLE_MS);
  assert.deepEqual(one.takeWrites().sort(), [
    "gatewayclasses /fairlead",
    "gateways prod/edge",
    "grpcroutes default/foreign",
    "grpcroutes prod/echo",
  ]);
  assert.equal(parentsOf("echo").length, 1);
  const { problem, pending } = one.control.report;
  assert.deepEqual([problem, pending], [reason, 1]);
  objects.create("GRPCRoute", "prod", routeBody("new"));
  pass(300_000);
  assert.equal(parentsOf("new").length, 1, "what comes later is written as well");
  const asked = one.takeWrites().filter((write) => write.includes("default/"));
  assert.equal(asked.length, Math.floor(300_000 / STATUS_FORBIDDEN_MS));
  one.writer.failureOf = () => null;
  pass(STATUS_FORBIDDEN_MS + SETTLE_MS);
  assert.deepEqual([one.control.report.problem, one.control.report.pending], [null, 0]);
  end();
});

test("objects whose writes always fail: each is tried less and less, all others are written", () => {
  const { objects, start, pass, parentsOf, statusOf, end } = world();
  seed(objects);
  const count = STATUSES_IN_ROW + 2;
  for (let i = 0; i < count; i += 1) objects.create("Gateway", "prod", gatewayBody(`a${i}`));
  const one = start("one");
  const reason = "500: failed calling webhook";
  one.writer.failureOf = (request) =>
    request.startsWith("patch gateways/status prod/a") ? { ...AWAY, reason } : null;
  pass(10 * SETTLE_MS);
  assert.equal(parentsOf("echo").length, 1);
  assert.equal((statusOf("Gateway", "edge").conditions as Json[])[0].status, "True");
  assert.equal((statusOf("GatewayClass", "fairlead").conditions as Json[])[0].status, "True");
  assert.deepEqual([one.control.report.problem, one.control.report.pending], [reason, count]);
  pass(300_000);
  one.takeWrites();
  pass(10 * STATUS_RETRY_MS_MAX);
  assert.ok(one.takeWrites().length <= 11 * count, "no faster than each one's own pause");
  objects.create("GRPCRoute", "prod", routeBody("new"));
  pass(STATUS_RETRY_MS_MAX + SETTLE_MS);
  assert.equal(parentsOf("new").length, 1);
  end();
});

test("a server that is away is asked rarely, however many statuses wait", () => {
  const { objects, start, pass, end } = world();
  for (let i = 0; i < 100; i += 1) objects.create("GRPCRoute", "prod", routeBody(`r${i}`));
  seed(objects);
  const one = start("one");
  one.writer.failureOf = (request) => (request.includes("leases") ? null : AWAY);
  const gets = () => one.writer.requests.splice(0).filter((request) => request.startsWith("get g"));
  pass(300_000);
  gets();
  pass(300_000);
  const askedMax = (300_000 / STATUS_RETRY_MS_MAX + 1) * STATUS_WRITES_AT_ONCE_MAX;
  const asked = gets().length;
  assert.ok(asked <= askedMax, `${asked} requests`);
  one.writer.failureOf = () => null;
  pass(STATUS_RETRY_MS_MAX + 103 * 50 + SETTLE_MS);
  assert.deepEqual([one.control.report.problem, one.control.report.pending], [null, 0]);
  end();
});

test("who leads no more has no problem with statuses: others write them", () => {
  const { objects, start, pass, end } = world();
  objects.create("GatewayClass", "", classBody());
  const one = start("one");
  pass(SETTLE_MS);
  one.writer.failureOf = (request) =>
    request.startsWith("patch g") ? { ...AWAY, kind: "forbidden", reason: "no patch" } : null;
  objects.create("Gateway", "prod", gatewayBody());
  pass(SETTLE_MS);
  const blocked = () =>
    /^fairlead_control_status_blocked (\d)$/m.exec(renderPrometheus(one.registry.snapshot()))![1];
  assert.deepEqual([one.control.report.problem, blocked()], ["no patch", "1"]);
  start("two");
  one.writer.failureOf = (request) => (request.includes("leases") ? AWAY : null);
  pass(2 * LEASE_DURATION_MS);
  one.writer.failureOf = () => null;
  pass(2 * LEASE_DURATION_MS);
  const { role, problem } = one.control.report;
  assert.deepEqual([role, problem, blocked()], ["follower", null, "0"]);
  end();
});

test("many statuses at once come at a pace", () => {
  const { objects, start, pass, end } = world();
  seed(objects);
  for (let i = 0; i < 100; i += 1) objects.create("GRPCRoute", "prod", routeBody(`r${i}`));
  const one = start("one");
  const counts: number[] = [];
  for (let second = 0; second < 8; second += 1) {
    pass(1000);
    counts.push(one.takeWrites().length);
  }
  assert.ok(Math.max(...counts) <= STATUS_WRITES_PER_SECOND_MAX + 1, counts.join());
  assert.equal(
    counts.reduce((a, b) => a + b),
    103,
  );
  end();
});

test("a status that the server refuses is told once and not tried again until it changes", () => {
  const { objects, start, pass, end } = world();
  seed(objects);
  const one = start("one");
  const refused = { kind: "refused", reason: "it is too long", retryAfterMs: 0 } as const;
  one.writer.failureOf = (request) => (request.startsWith("patch grpcroutes") ? refused : null);
  pass(60_000);
  const asked = one.takeWrites().filter((write) => write.startsWith("grpcroutes"));
  assert.equal(asked.length, 1);
  assert.deepEqual(
    one.log.entries.filter(({ level }) => level === "warn").map(({ fields }) => fields.object),
    ["GRPCRoute prod/echo"],
  );
  const route = { kind: "GRPCRoute", namespace: "prod", name: "echo" };
  objects.patch(route, { spec: { hostnames: ["b.example"] } });
  pass(SETTLE_MS);
  assert.equal(one.takeWrites().filter((write) => write.startsWith("grpcroutes")).length, 1);
  end();
});

test("without a writer nothing is written, what would be is shown, and faults are told", () => {
  const { clock, lab, objects, end } = world();
  seed(objects);
  const source = lab.newSource();
  const log = new RecordingLogger();
  const state = new ControlObjects(source, { clock, log, namespaces: null });
  const control = new StatusControl({
    ...{ clock, log, writer: null, state, replica: "x", rng: seededRng(1) },
    leaseNamespace: "default",
  });
  const planning = new RoutePlanning();
  state.subscribe({ onObjects: () => control.setWanted(planning.judge(state)) });
  state.start();
  control.start();
  clock.advance(100);
  assert.equal(control.report.role, "off");
  const row = control.statuses.find(({ kind }) => kind === "GRPCRoute")!;
  assert.deepEqual([row.namespace, row.name], ["prod", "echo"]);
  assert.equal((row.status.parents as Json[]).length, 1);
  const [{ msg, fields }, ...more] = log.entries;
  assert.deepEqual(
    [msg, fields.object, more],
    ["not served as written", "GRPCRoute prod/echo", []],
  );
  assert.match(String(fields.reason), /^ResolvedRefs: BackendNotFound: /);
  let isDone = false;
  control.stop(() => {
    isDone = true;
  });
  assert.equal(isDone, true);
  state.close();
  source.close();
  end();
});
