/**
 * The endpointslice controller: what it makes of Services, pods and nodes, and how it fills slices.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Json, seededRng, VirtualClock } from "../../../base/index.ts";
import { type ApiObject, asList } from "../object.ts";
import { Objects } from "../objects.ts";
import { Store } from "../store.ts";
import { type PodSpec, Workload } from "../workload.ts";
import { EndpointSliceController } from "./controller.ts";

const SERVICE = {
  selector: { app: "echo" },
  ports: [{ name: "grpc", port: 80, targetPort: 50_051 }],
};

function setUp() {
  const clock = new VirtualClock();
  const objects = new Objects({ store: new Store(), clock, rng: seededRng(7) });
  const controller = new EndpointSliceController({ objects, clock });
  const workload = new Workload(objects, "prod");
  workload.addNode("n1", "a");
  workload.addNode("n2", "b");
  const settle = (): void => clock.advance(1);
  const slices = (): ApiObject[] => {
    settle();
    return [...objects.store.all("EndpointSlice")].sort((a, b) =>
      a.metadata.name < b.metadata.name ? -1 : 1,
    );
  };
  const addPod = (n: number, change: Partial<PodSpec> = {}): string => {
    const name = `echo-${n}`;
    workload.addPod({
      ...{ name, labels: { app: "echo" }, node: n % 2 ? "n1" : "n2" },
      ...{ ips: [`10.244.${Math.floor(n / 250)}.${(n % 250) + 1}`], ports: { grpc: 50_051 } },
      ...change,
    });
    return name;
  };
  const service = (change: Json) => {
    const at = { kind: "Service", namespace: "prod", name: "echo" };
    return objects.patch(at, { spec: change });
  };
  return { clock, objects, controller, workload, slices, addPod, settle, service };
}

const endpoints = (slice: ApiObject): readonly Json[] => asList(slice.endpoints);
const conditions = (slice: ApiObject, i = 0): Json => endpoints(slice)[i]!.conditions as Json;

test("a slice says what the real controller says", () => {
  const { slices, addPod, workload } = setUp();
  const { metadata: owner } = workload.addService("echo", SERVICE, { team: "x" });
  workload.setReady(addPod(1), true);
  const [slice, ...more] = slices();
  assert.equal(more.length, 0);
  assert.match(slice!.metadata.name, /^echo-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.deepEqual(slice!.metadata.labels, {
    team: "x",
    "kubernetes.io/service-name": "echo",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  });
  const reference = { apiVersion: "v1", kind: "Service", name: "echo", uid: owner.uid };
  assert.deepEqual(slice!.metadata.ownerReferences, [
    { ...reference, controller: true, blockOwnerDeletion: true },
  ]);
  assert.equal(slice!.addressType, "IPv4");
  assert.deepEqual(slice!.ports, [{ name: "grpc", port: 50_051, protocol: "TCP" }]);
  const [endpoint] = endpoints(slice!);
  const { uid } = endpoint!.targetRef as { uid: string };
  assert.deepEqual(endpoint, {
    addresses: ["10.244.0.2"],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: "Pod", namespace: "prod", name: "echo-1", uid },
    ...{ nodeName: "n1", zone: "a" },
  });
  assert.match(uid, /^[0-9a-f-]{36}$/);
});

test("a pod's way: not ready, ready, terminating, gone", () => {
  const { slices, addPod, workload } = setUp();
  workload.addService("echo", SERVICE);
  const name = addPod(1);
  const first = slices();
  assert.deepEqual(conditions(first[0]!), { ready: false, serving: false, terminating: false });
  workload.setReady(name, true);
  assert.deepEqual(conditions(slices()[0]!), { ready: true, serving: true, terminating: false });
  workload.terminatePod(name);
  assert.deepEqual(conditions(slices()[0]!), { ready: false, serving: true, terminating: true });
  workload.setReady(name, false);
  assert.deepEqual(conditions(slices()[0]!), { ready: false, serving: false, terminating: true });
  workload.removePod(name);
  const [empty] = slices();
  assert.equal(empty!.endpoints, null);
  assert.equal(empty!.ports, null);
  assert.equal(empty!.metadata.name, first[0]!.metadata.name, "the slice is kept as placeholder");
});

test("publishNotReadyAddresses makes everything ready", () => {
  const { slices, addPod, workload } = setUp();
  workload.addService("echo", { ...SERVICE, publishNotReadyAddresses: true });
  const name = addPod(1);
  assert.deepEqual(conditions(slices()[0]!), { ready: true, serving: false, terminating: false });
  workload.terminatePod(name);
  assert.deepEqual(conditions(slices()[0]!), { ready: true, serving: false, terminating: true });
});

test("a targetPort's name is looked up in each pod: other numbers, other slices", () => {
  const { slices, addPod, workload } = setUp();
  workload.addService("echo", { ...SERVICE, ports: [{ name: "g", port: 80, targetPort: "grpc" }] });
  addPod(1);
  addPod(2, { ports: { grpc: 50_052 } });
  addPod(3, { ports: {} });
  const ports = slices().map((slice) => asList(slice.ports).map(({ port }) => port));
  assert.deepEqual(ports.sort(), [[], [50_051], [50_052]]);
});

test("headless, dual stack, node unknown, pod ended, no address", () => {
  const { slices, addPod, workload, objects } = setUp();
  workload.addService("echo", {
    ...SERVICE,
    ...{ clusterIP: "None", ipFamilyPolicy: "PreferDualStack" },
  });
  addPod(1, { ips: ["10.244.0.1", "fd00::1"] });
  addPod(2, { node: "n9" });
  addPod(3);
  const ended = { kind: "Pod", namespace: "prod", name: "echo-3" };
  objects.patch(ended, { status: { phase: "Succeeded" } }, { part: "status" });
  const all = slices();
  const addresses = all.map((slice) => [slice.addressType, endpoints(slice)[0]?.addresses]);
  assert.deepEqual(addresses.sort(), [
    ["IPv4", ["10.244.0.1"]],
    ["IPv6", ["fd00::1"]],
  ]);
  assert.equal(all[0]!.metadata.labels!["service.kubernetes.io/headless"], "");
  assert.deepEqual(
    all.map(endpoints).map(({ length }) => length),
    [1, 1],
  );
});

test("a hundred endpoints a slice; new ones fill what there is, and nothing is made even", () => {
  const { slices, addPod, workload } = setUp();
  workload.addService("echo", SERVICE);
  for (let n = 1; n <= 230; n += 1) addPod(n);
  const sizes = (): number[] =>
    slices()
      .map((slice) => endpoints(slice).length)
      .sort((a, b) => b - a);
  assert.deepEqual(sizes(), [100, 100, 30]);
  for (let n = 1; n <= 95; n += 1) workload.removePod(`echo-${n}`);
  assert.deepEqual(sizes(), [100, 30, 5]);
  for (let n = 231; n <= 260; n += 1) addPod(n);
  assert.deepEqual(sizes(), [100, 60, 5], "all into the one that they fill best");
  addPod(261);
  workload.removePod("echo-100");
  assert.deepEqual(sizes(), [100, 60, 5], "into the slice that changes anyway");
  const inSlice = (size: number): string => {
    const slice = slices().find((one) => endpoints(one).length === size)!;
    return String((endpoints(slice)[0]!.targetRef as Json).name);
  };
  const gone = [inSlice(60), inSlice(5)];
  for (const name of gone) workload.removePod(name);
  addPod(262);
  assert.deepEqual(sizes(), [100, 60, 4], "of two that change, into the fuller one");
  for (let n = 301; n <= 390; n += 1) addPod(n);
  assert.deepEqual(sizes(), [100, 94, 60], "where all fit, though another one is fuller");
});

test("hints follow trafficDistribution, for ready endpoints only", () => {
  const { slices, addPod, workload, service } = setUp();
  workload.addService("echo", { ...SERVICE, trafficDistribution: "PreferSameZone" });
  workload.setReady(addPod(1), true);
  addPod(2);
  const hints = () => endpoints(slices()[0]!).map((endpoint) => endpoint.hints);
  assert.deepEqual(hints(), [{ forZones: [{ name: "a" }] }, undefined]);
  service({ trafficDistribution: "PreferSameNode" });
  assert.deepEqual(hints()[0], { forZones: [{ name: "a" }], forNodes: [{ name: "n1" }] });
  service({ trafficDistribution: null });
  assert.deepEqual(hints(), [undefined, undefined]);
});

test("only what changed is written, and other people's slices are left alone", () => {
  const { slices, addPod, workload, objects, settle } = setUp();
  workload.addService("echo", SERVICE);
  for (let n = 1; n <= 150; n += 1) addPod(n);
  const before = slices();
  const own = objects.create("EndpointSlice", "prod", {
    metadata: { name: "mine", labels: { "kubernetes.io/service-name": "echo" } },
    ...{ addressType: "IPv4", endpoints: [], ports: [] },
  });
  workload.setReady("echo-120", true);
  const after = slices();
  const changed = after.filter((slice) => !before.includes(slice) && slice !== own);
  assert.equal(changed.length, 1);
  const { revision } = objects.store;
  settle();
  assert.equal(objects.store.revision, revision);
  objects.delete({ kind: "Service", namespace: "prod", name: "echo" });
  assert.deepEqual(slices(), [own]);
});

test("no selector, no slices; a slice that somebody deleted comes back; pausing holds writes", () => {
  const { slices, addPod, workload, objects, controller, clock } = setUp();
  workload.addService("manual", { ports: SERVICE.ports });
  assert.deepEqual(slices(), []);
  workload.addService("echo", SERVICE);
  addPod(1);
  const [slice] = slices();
  objects.delete({ kind: "EndpointSlice", namespace: "prod", name: slice!.metadata.name });
  assert.equal(slices().length, 1);
  controller.setPaused(true);
  addPod(2);
  assert.equal(endpoints(slices()[0]!).length, 1);
  controller.setPaused(false);
  assert.equal(endpoints(slices()[0]!).length, 2);
  controller.close();
  assert.equal(clock.pendingCount, 0);
});
