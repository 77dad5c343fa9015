/**
 * Tests of the model, named by the rule that each one is about. The rules are those of kube-proxy
 * (pkg/proxy/topology.go) and of the EndpointSlice API.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSet } from "../../endpoint.ts";
import { checkObject } from "../check.ts";
import type { EndpointSlice, Service } from "../objects.ts";
import type { Place } from "../place.ts";
import type { TargetPort } from "../target.ts";
import { ServiceModel } from "./model.ts";
import type { ServiceState } from "./ports.ts";

const GRPC: TargetPort = { kind: "name", name: "grpc" };
const OURS: Place = { node: "node-a", zone: "z1" };
const READY = { ready: true, serving: true, terminating: false };
const NOT_READY = { ready: false, serving: false, terminating: false };
const DRAINING = { ready: false, serving: true, terminating: true };
const DYING = { ready: false, serving: false, terminating: true };

/** An endpoint as JSON. */
function at(ip: string, conditions: object = READY, extra: object = {}): object {
  return { addresses: [ip], conditions, ...extra };
}

function pod(name: string): object {
  return { targetRef: { kind: "Pod", namespace: "prod", name, uid: `uid-${name}` } };
}

const forZone = (...zones: string[]): object => ({
  hints: { forZones: zones.map((name) => ({ name })) },
});
const forNode = (...nodes: string[]): object => ({
  hints: { forNodes: nodes.map((name) => ({ name })) },
});

function slice(name: string, endpoints: object[], extra: object = {}): EndpointSlice {
  const { object } = checkObject("EndpointSlice", {
    metadata: { name, namespace: "prod", labels: { "kubernetes.io/service-name": "echo" } },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "grpc", port: 50051 }],
    ...extra,
  });
  assert.ok(object !== null);
  return object;
}

function newer(version: number, old: EndpointSlice): EndpointSlice {
  return { ...old, metadata: { ...old.metadata, resourceVersion: `${version}` } };
}

function service(spec: object): ServiceState {
  const metadata = { name: "echo", namespace: "prod" };
  const { object } = checkObject("Service", { metadata, spec });
  assert.ok(object !== null);
  return { kind: "known", service: object satisfies Service };
}

const ABSENT: ServiceState = { kind: "absent" };
const UNREADABLE: ServiceState = { kind: "unreadable", reason: "may not get services" };

function compute(
  slices: EndpointSlice[],
  { state = ABSENT, port = GRPC, place = OURS } = {} as {
    state?: ServiceState;
    port?: TargetPort;
    place?: Place;
  },
): EndpointSet {
  const model = new ServiceModel("prod/echo", port, place);
  model.setService(state);
  for (const each of slices) model.setSlice(each);
  return model.compute();
}

/** "address: rule" of what is used, "address! rule" of what is not. */
function lines({ endpoints, skipped = [] }: EndpointSet): string[] {
  return [
    ...endpoints.map(({ addresses, rule }) => `${addresses.join("+")}: ${rule}`),
    ...skipped.map(({ endpoint, reason }) => `${endpoint.addresses.join("+")}! ${reason}`),
  ];
}

test("all slices of a Service are one set, sorted by address", () => {
  const set = compute([slice("b", [at("10.0.0.3"), at("10.0.0.1")]), slice("a", [at("10.0.0.2")])]);
  assert.deepEqual(lines(set), [
    "10.0.0.1:50051: ready",
    "10.0.0.2:50051: ready",
    "10.0.0.3:50051: ready",
  ]);
  assert.equal(set.reason, undefined);
  assert.equal(set.skipped, undefined);
});

test("an endpoint carries what its slice says of it", () => {
  const extra = {
    ...pod("echo-1"),
    nodeName: "node-b",
    zone: "z2",
    hints: { forZones: [{ name: "z2" }], forNodes: [{ name: "node-b" }] },
  };
  assert.deepEqual(compute([slice("echo-x", [at("10.0.0.1", {}, extra)])]).endpoints, [
    {
      address: "10.0.0.1:50051",
      addresses: ["10.0.0.1:50051"],
      pod: "echo-1",
      uid: "uid-echo-1",
      node: "node-b",
      zone: "z2",
      source: "EndpointSlice prod/echo-x",
      weight: 1,
      group: null,
      conditions: {
        ready: true,
        serving: true,
        terminating: false,
        hints: { nodes: ["node-b"], zones: ["z2"] },
      },
      assignment: null,
      rule: "ready",
    },
  ]);
});

test("what is not a pod has no pod's name, but an identity", () => {
  const extra = { targetRef: { kind: "VirtualMachine", name: "vm", uid: "u" } };
  const [endpoint] = compute([slice("a", [at("10.0.0.1", READY, extra)])]).endpoints;
  assert.deepEqual([endpoint.pod, endpoint.uid], [null, "u"]);
});

test("a set cannot be changed", () => {
  const set = compute([slice("a", [at("10.0.0.1"), at("10.0.0.2", NOT_READY)])]);
  assert.throws(() => (set.endpoints as unknown[]).pop(), TypeError);
  assert.throws(() => (set.skipped as unknown[]).pop(), TypeError);
  assert.throws(() => Object.assign(set.endpoints[0], { zone: "x" }), TypeError);
});

const USABLE: readonly (readonly [rule: string, endpoints: object[], lines: string[]])[] = [
  [
    "nil ready and serving mean true, nil terminating means false",
    [at("10.0.0.1", {})],
    ["10.0.0.1:50051: ready"],
  ],
  [
    "ready is used, everything else is not, while one is ready",
    [at("10.0.0.1"), at("10.0.0.2", NOT_READY), at("10.0.0.3", DRAINING), at("10.0.0.4", DYING)],
    [
      "10.0.0.1:50051: ready",
      "10.0.0.2:50051! not ready",
      "10.0.0.3:50051! terminating",
      "10.0.0.4:50051! terminating",
    ],
  ],
  [
    "serving and terminating is used when none is ready",
    [at("10.0.0.2", NOT_READY), at("10.0.0.3", DRAINING), at("10.0.0.4", DYING)],
    [
      "10.0.0.3:50051: serving and terminating, and no endpoint is ready",
      "10.0.0.2:50051! not ready",
      "10.0.0.4:50051! terminating",
    ],
  ],
  [
    "serving alone is not enough when none is ready",
    [at("10.0.0.1", { ready: false, serving: true })],
    ["10.0.0.1:50051! not ready"],
  ],
];

for (const [rule, endpoints, expected] of USABLE) {
  test(`usable: ${rule}`, () =>
    assert.deepEqual(lines(compute([slice("a", endpoints)])), expected));
}

test("usable: an endpoint that is ready in another slice keeps terminating ones out", () => {
  const set = compute([slice("a", [at("10.0.0.1", DRAINING)]), slice("b", [at("10.0.0.2")])]);
  assert.deepEqual(lines(set), ["10.0.0.2:50051: ready", "10.0.0.1:50051! terminating"]);
});

test("usable: publishNotReadyAddresses makes every endpoint ready", () => {
  const endpoints = [at("10.0.0.1"), at("10.0.0.2", NOT_READY)];
  const state = service({ publishNotReadyAddresses: true });
  assert.deepEqual(lines(compute([slice("a", endpoints)], { state })), [
    "10.0.0.1:50051: ready",
    "10.0.0.2:50051: not ready, but the Service publishes such addresses",
  ]);
});

test("duplicates: of two slices with one address the copy that can be used is believed", () => {
  for (const [first, second] of [
    [READY, NOT_READY],
    [READY, DRAINING],
    [DRAINING, NOT_READY],
  ]) {
    const a = slice("a", [at("10.0.0.1", first, { zone: "first" })]);
    const b = newer(9, slice("b", [at("10.0.0.1", second, { zone: "second" })]));
    for (const slices of [
      [a, b],
      [b, a],
    ]) {
      const set = compute(slices);
      assert.deepEqual(
        set.endpoints.map(({ zone }) => zone),
        ["first"],
      );
      assert.equal(set.skipped, undefined);
    }
  }
});

test("duplicates: of equal copies that of the newer slice, then of the first by name", () => {
  const a = slice("a", [at("10.0.0.1", READY, { zone: "a" })]);
  const b = slice("b", [at("10.0.0.1", READY, { zone: "b" })]);
  const zone = (...slices: EndpointSlice[]): string | null => compute(slices).endpoints[0].zone;
  assert.equal(zone(b, a), "a");
  assert.equal(zone(newer(9, a), newer(10, b)), "b");
  assert.equal(zone(newer(10, b), newer(9, a)), "b");
});

test("duplicates: a newer version of a slice wins a copy although nothing in it changed", () => {
  const model = new ServiceModel("prod/echo", GRPC, OURS);
  const a = slice("a", [at("10.0.0.1", READY, { zone: "a" })]);
  model.setSlice(newer(1, a));
  model.setSlice(newer(2, slice("b", [at("10.0.0.1", READY, { zone: "b" })])));
  assert.equal(model.compute().endpoints[0].zone, "b");
  model.setSlice(newer(3, a));
  assert.equal(model.compute().endpoints[0].zone, "a");
});

test("duplicates: an address twice in one slice is one endpoint", () => {
  const set = compute([slice("a", [at("10.0.0.1", NOT_READY), at("10.0.0.1")])]);
  assert.deepEqual(lines(set), ["10.0.0.1:50051: ready"]);
});

test("moving: an endpoint that is in two slices stays when the old one drops it", () => {
  const model = new ServiceModel("prod/echo", GRPC, OURS);
  model.setSlice(slice("a", [at("10.0.0.1")]));
  model.setSlice(slice("b", [at("10.0.0.1")]));
  model.setSlice(slice("a", []));
  assert.deepEqual(lines(model.compute()), ["10.0.0.1:50051: ready"]);
  assert.equal(model.compute().endpoints[0].source, "EndpointSlice prod/b");
  model.deleteSlice("b");
  assert.deepEqual(lines(model.compute()), []);
});

const V6 = { addressType: "IPv6" };

test("dual stack: a pod with an address of each family is one endpoint, IPv4 first", () => {
  const set = compute([
    slice("six", [at("fd00::1", READY, pod("echo-1")), at("fd00::2", READY, pod("echo-2"))], V6),
    slice("four", [at("10.0.0.1", READY, pod("echo-1"))]),
  ]);
  assert.deepEqual(lines(set), ["10.0.0.1:50051+[fd00::1]:50051: ready", "[fd00::2]:50051: ready"]);
});

test("dual stack: where there is a route to IPv6 only, that address comes first", () => {
  const model = new ServiceModel("prod/echo", GRPC, OURS);
  const six = [at("fd00::1", READY, pod("echo-1")), at("fd00::2", NOT_READY, pod("echo-2"))];
  model.setSlice(slice("six", six, V6));
  assert.equal(model.compute().endpoints.length, 1);
  assert.equal(model.pair, null);
  const four = [at("10.0.0.1", READY, pod("echo-1")), at("10.0.0.2", NOT_READY, pod("echo-2"))];
  model.setSlice(slice("four", four));
  const before = lines(model.compute());
  assert.deepEqual(model.pair, ["10.0.0.1", "fd00::1"]);
  model.setFamily(true);
  assert.deepEqual(lines(model.compute()), [
    "[fd00::1]:50051+10.0.0.1:50051: ready",
    "[fd00::2]:50051+10.0.0.2:50051! not ready",
  ]);
  model.setFamily(false);
  assert.deepEqual(lines(model.compute()), before);
});

test("dual stack: what is not the same pod, or names none, is not joined", () => {
  const set = compute([slice("six", [at("fd00::1")], V6), slice("four", [at("10.0.0.1")])]);
  assert.deepEqual(lines(set), ["10.0.0.1:50051: ready", "[fd00::1]:50051: ready"]);
});

test("dual stack: families that are judged differently are two endpoints meanwhile", () => {
  const model = new ServiceModel("prod/echo", GRPC, OURS);
  model.setSlice(slice("four", [at("10.0.0.1", READY, pod("echo-1"))]));
  model.setSlice(slice("six", [at("fd00::1", NOT_READY, pod("echo-1"))], V6));
  assert.deepEqual(lines(model.compute()), ["10.0.0.1:50051: ready", "[fd00::1]:50051! not ready"]);
  model.setSlice(slice("six", [at("fd00::1", READY, pod("echo-1"))], V6));
  assert.deepEqual(lines(model.compute()), ["10.0.0.1:50051+[fd00::1]:50051: ready"]);
  model.deleteSlice("four");
  assert.deepEqual(lines(model.compute()), ["[fd00::1]:50051: ready"]);
});

test("dual stack: a pair that is skipped is skipped as one", () => {
  const set = compute([
    slice("four", [at("10.0.0.1", NOT_READY, pod("echo-1"))]),
    slice("six", [at("fd00::1", NOT_READY, pod("echo-1"))], V6),
  ]);
  assert.deepEqual(lines(set), ["10.0.0.1:50051+[fd00::1]:50051! not ready"]);
});

test("FQDN slices are skipped, endpoint by endpoint", () => {
  const fqdn = slice("f", [at("a.example")], { addressType: "FQDN" });
  assert.deepEqual(lines(compute([fqdn, slice("a", [at("10.0.0.1")])])), [
    "10.0.0.1:50051: ready",
    "a.example! address type FQDN is not supported",
  ]);
});

const port = (number: number): TargetPort => ({ kind: "number", number });
const FIRST: TargetPort = { kind: "first" };
const HTTP_GRPC = [
  { name: "http", port: 8080 },
  { name: "grpc", port: 50051 },
];
const SPEC = service({
  ports: [
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "grpc", port: 80, targetPort: "grpc-port" },
    { name: "http", port: 81, targetPort: 8080 },
  ],
});

/** The port of the only endpoint, or why it has none; and the note on how it was found. */
const PORTS: readonly (readonly [
  rule: string,
  port: TargetPort,
  state: ServiceState,
  ports: object[] | null,
  result: number | string,
  note: RegExp,
])[] = [
  ["by name", GRPC, UNREADABLE, HTTP_GRPC, 50051, /^port "grpc" of the slice, by its name$/],
  [
    "by name, not there",
    GRPC,
    SPEC,
    [HTTP_GRPC[0]],
    'its slice has no TCP port "grpc"',
    /by its name/,
  ],
  [
    "by name, UDP only",
    GRPC,
    SPEC,
    [{ ...HTTP_GRPC[1], protocol: "UDP" }],
    'its slice has no TCP port "grpc"',
    /by its name/,
  ],
  [
    "by name, nil: targetPort",
    { kind: "name", name: "http" },
    SPEC,
    [{ name: "http" }],
    8080,
    /name/,
  ],
  [
    "by name, nil: no Service",
    GRPC,
    UNREADABLE,
    [{ name: "grpc" }],
    "its slice leaves the port open, and the Service names no number",
    /by its name/,
  ],
  [
    "by name, nil: targetPort is a name",
    GRPC,
    SPEC,
    [{ name: "grpc" }],
    "its slice leaves the port open, and the Service names no number",
    /by its name/,
  ],
  [
    "number of the Service",
    port(80),
    SPEC,
    HTTP_GRPC,
    50051,
    /^port 80 \("grpc"\) of the Service$/,
  ],
  [
    "number of the Service before that of the slice",
    port(81),
    SPEC,
    [
      { name: "http", port: 9 },
      { name: "x", port: 81 },
    ],
    9,
    /^port 81 \("http"\) of the Service$/,
  ],
  [
    "number of the Service, not in the slice",
    port(80),
    SPEC,
    [HTTP_GRPC[0]],
    'its slice has no TCP port "grpc"',
    /of the Service/,
  ],
  [
    "number of a Service's only port, without a name",
    port(80),
    service({ ports: [{ port: 80, targetPort: 1 }] }),
    [{ port: 7 }],
    7,
    /^port 80 of the Service$/,
  ],
  [
    "number, nil: the Service's targetPort",
    port(80),
    service({ ports: [{ port: 80, targetPort: 1 }] }),
    [{}],
    1,
    /Service/,
  ],
  [
    "number, nil: the same as the port",
    port(80),
    service({ ports: [{ port: 80 }] }),
    [{}],
    80,
    /Service/,
  ],
  [
    "number of a UDP port is none",
    port(53),
    SPEC,
    HTTP_GRPC,
    "its slice has no port 53, and the Service neither",
    /slice/,
  ],
  [
    "number of the slice",
    port(8080),
    SPEC,
    HTTP_GRPC,
    8080,
    /^port 8080 of the slice: the Service has none of that number$/,
  ],
  ["number, nil: any", port(1234), SPEC, [{ name: "grpc" }], 1234, /slice/],
  [
    "number of neither",
    port(82),
    SPEC,
    HTTP_GRPC,
    "its slice has no port 82, and the Service neither",
    /slice/,
  ],
  [
    "number of the pod, Service unreadable",
    port(82),
    UNREADABLE,
    HTTP_GRPC,
    82,
    /^port 82 of the pod: the Service cannot be read$/,
  ],
  [
    "number of the pod, no Service",
    port(82),
    ABSENT,
    HTTP_GRPC,
    82,
    /^port 82 of the pod: there is no Service$/,
  ],
  [
    "number of the pod, no ports anywhere",
    port(82),
    service({ clusterIP: "None" }),
    null,
    82,
    /^port 82 of the pod: the Service has no ports$/,
  ],
  ["number of the pod, the slice has none", port(82), SPEC, null, 82, /slice/],
  [
    "first of the Service",
    FIRST,
    SPEC,
    HTTP_GRPC,
    50051,
    /^the first port of the Service, 80 \("grpc"\)$/,
  ],
  ["first of the slice", FIRST, UNREADABLE, HTTP_GRPC, 8080, /^the first port of the slice$/],
  [
    "first, TCP only",
    FIRST,
    ABSENT,
    [{ name: "d", port: 53, protocol: "UDP" }, HTTP_GRPC[1]],
    50051,
    /slice/,
  ],
  ["first of none", FIRST, ABSENT, null, "its slice has no TCP port", /slice/],
  [
    "first, nil",
    FIRST,
    ABSENT,
    [{}],
    "its slice leaves the port open, and the Service names no number",
    /slice/,
  ],
];

for (const [rule, wanted, state, ports, result, note] of PORTS) {
  test(`port: ${rule}`, () => {
    const set = compute([slice("a", [at("10.0.0.1")], { ports })], { state, port: wanted });
    assert.match(set.notes?.[0] ?? "", note);
    if (typeof result === "number") {
      assert.deepEqual(lines(set), [`10.0.0.1:${result}: ready`]);
    } else {
      assert.deepEqual(lines(set), [`10.0.0.1! ${result}`]);
    }
  });
}

test("port: slices of one Service may have different numbers for one name", () => {
  const other = slice("b", [at("10.0.0.2")], { ports: [{ name: "grpc", port: 9 }] });
  assert.deepEqual(lines(compute([slice("a", [at("10.0.0.1")]), other])), [
    "10.0.0.1:50051: ready",
    "10.0.0.2:9: ready",
  ]);
});

const HINTS: readonly (readonly [
  rule: string,
  place: Place,
  endpoints: object[],
  lines: string[],
  note: RegExp | null,
])[] = [
  [
    "zones: all ready ones have one and one is ours",
    OURS,
    [
      at("10.0.0.1", READY, forZone("z1")),
      at("10.0.0.2", READY, forZone("z2", "z1")),
      at("10.0.0.3", READY, forZone("z3")),
    ],
    [
      "10.0.0.1:50051: ready, hinted for zone z1",
      "10.0.0.2:50051: ready, hinted for zone z1",
      "10.0.0.3:50051! zone hints: for another zone",
    ],
    /^zone hints: only endpoints for zone z1$/,
  ],
  [
    "zones: ignored when a ready one has none",
    OURS,
    [at("10.0.0.1", READY, forZone("z1")), at("10.0.0.2")],
    ["10.0.0.1:50051: ready", "10.0.0.2:50051: ready"],
    /^zone hints ignored: 1 of 2 ready have none$/,
  ],
  [
    "zones: one that is not ready need not have any",
    OURS,
    [at("10.0.0.1", READY, forZone("z1")), at("10.0.0.2", NOT_READY)],
    ["10.0.0.1:50051: ready, hinted for zone z1", "10.0.0.2:50051! not ready"],
    /^zone hints: only/,
  ],
  [
    "zones: ignored when none is ours",
    OURS,
    [at("10.0.0.1", READY, forZone("z2")), at("10.0.0.2", NOT_READY, forZone("z1"))],
    ["10.0.0.1:50051: ready", "10.0.0.2:50051! not ready"],
    /^zone hints ignored: none is for our zone, z1$/,
  ],
  [
    "zones: ignored when ours is not known",
    { node: "node-a", zone: null },
    [at("10.0.0.1", READY, forZone("z1"))],
    ["10.0.0.1:50051: ready"],
    /^zone hints ignored: our zone is not known$/,
  ],
  [
    "nodes come before zones",
    OURS,
    [
      at("10.0.0.1", READY, {
        hints: { forNodes: [{ name: "node-a" }], forZones: [{ name: "z1" }] },
      }),
      at("10.0.0.2", READY, {
        hints: { forNodes: [{ name: "node-b" }], forZones: [{ name: "z1" }] },
      }),
    ],
    [
      "10.0.0.1:50051: ready, hinted for node node-a",
      "10.0.0.2:50051! node hints: for another node",
    ],
    /^node hints: only endpoints for node node-a$/,
  ],
  [
    "zones are looked at when no node hint is ours",
    OURS,
    [
      at("10.0.0.1", READY, {
        hints: { forNodes: [{ name: "node-c" }], forZones: [{ name: "z1" }] },
      }),
      at("10.0.0.2", READY, {
        hints: { forNodes: [{ name: "node-b" }], forZones: [{ name: "z2" }] },
      }),
    ],
    ["10.0.0.1:50051: ready, hinted for zone z1", "10.0.0.2:50051! zone hints: for another zone"],
    /^zone hints: only/,
  ],
  [
    "nodes: ignored when a ready one has none",
    OURS,
    [at("10.0.0.1", READY, forNode("node-a")), at("10.0.0.2")],
    ["10.0.0.1:50051: ready", "10.0.0.2:50051: ready"],
    /^node hints ignored: 1 of 2 ready have none$/,
  ],
  [
    "hints of terminating endpoints do not count when none is ready",
    OURS,
    [at("10.0.0.1", DRAINING, forZone("z2"))],
    ["10.0.0.1:50051: serving and terminating, and no endpoint is ready"],
    null,
  ],
];

for (const [rule, place, endpoints, expected, note] of HINTS) {
  test(`hints: ${rule}`, () => {
    const set = compute([slice("a", endpoints)], { place });
    assert.deepEqual(lines(set), expected);
    if (note === null) assert.equal(set.notes?.length, 1);
    else assert.match(set.notes?.[1] ?? "", note);
  });
}

test("a set says where we are, and which hints hold", () => {
  const placeOf = (place: Place, ...endpoints: object[]) =>
    compute([slice("a", endpoints)], { place }).place;
  const zoned = at("10.0.0.1", READY, forZone("z1"));
  const plain = at("10.0.0.1");
  assert.deepEqual(placeOf(OURS, zoned), { ...OURS, hints: "zone" });
  assert.deepEqual(placeOf(OURS, at("10.0.0.1", READY, forNode("node-a"))), {
    ...OURS,
    hints: "node",
  });
  assert.deepEqual(placeOf(OURS, plain), { ...OURS, hints: null });
  const nowhere = { node: null, zone: null };
  assert.deepEqual(placeOf(nowhere, zoned), { ...nowhere, hints: null });
  const local = compute([slice("a", [zoned])], { state: LOCAL, place: OURS });
  assert.deepEqual(local.place, { ...OURS, hints: null });
});

test("hints: an endpoint without the target's port does not make them invalid", () => {
  const other = slice("b", [at("10.0.0.2")], { ports: [{ name: "http", port: 1 }] });
  const set = compute([slice("a", [at("10.0.0.1", READY, forZone("z1"))]), other]);
  assert.deepEqual(lines(set), [
    "10.0.0.1:50051: ready, hinted for zone z1",
    '10.0.0.2! its slice has no TCP port "grpc"',
  ]);
});

test("trafficDistribution decides nothing, and is told", () => {
  const state = service({ trafficDistribution: "PreferClose" });
  const endpoints = [at("10.0.0.1", READY, { zone: "z1" }), at("10.0.0.2", READY, { zone: "z2" })];
  const set = compute([slice("a", endpoints)], { state });
  assert.equal(set.endpoints.length, 2);
  assert.match(set.notes?.[1] ?? "", /^trafficDistribution PreferClose: kept as far as/);
});

const LOCAL = service({ internalTrafficPolicy: "Local" });
const here = { nodeName: "node-a" };
const there = { nodeName: "node-b" };

test("internalTrafficPolicy Local: only endpoints on our node, whatever the hints say", () => {
  const endpoints = [
    at("10.0.0.1", READY, { ...here, ...forZone("z2") }),
    at("10.0.0.2", READY, { ...there, ...forZone("z1") }),
    at("10.0.0.3", READY),
    at("10.0.0.4", DRAINING, here),
  ];
  assert.deepEqual(lines(compute([slice("a", endpoints)], { state: LOCAL })), [
    "10.0.0.1:50051: ready",
    "10.0.0.2:50051! internalTrafficPolicy Local: on another node",
    "10.0.0.3:50051! internalTrafficPolicy Local: on another node",
    "10.0.0.4:50051! terminating",
  ]);
});

test("internalTrafficPolicy Local: those serving and terminating when none here is ready", () => {
  const endpoints = [at("10.0.0.1", DRAINING, here), at("10.0.0.2", READY, there)];
  assert.deepEqual(lines(compute([slice("a", endpoints)], { state: LOCAL })), [
    "10.0.0.1:50051: serving and terminating, and none on our node is ready",
    "10.0.0.2:50051! internalTrafficPolicy Local: on another node",
  ]);
});

test("internalTrafficPolicy Local: none here is empty, and so is not to know our node", () => {
  const slices = [slice("a", [at("10.0.0.2", READY, there)])];
  const text =
    "none of 1 endpoints of service prod/echo is usable: " +
    "1 internalTrafficPolicy Local: on another node";
  assert.equal(compute(slices, { state: LOCAL }).reason, text);
  const place = { node: null, zone: null };
  assert.equal(compute(slices, { state: LOCAL, place }).reason, `${text} (our node is not known)`);
});

test("an empty set says why", () => {
  assert.equal(compute([]).reason, "service prod/echo does not exist");
  assert.equal(compute([], { state: SPEC }).reason, "service prod/echo has no endpoints");
  assert.equal(compute([], { state: UNREADABLE }).reason, "service prod/echo has no endpoints");
  assert.equal(compute([slice("a", [])]).reason, "service prod/echo has no endpoints");
  const endpoints = [at("10.0.0.1", NOT_READY), at("10.0.0.2", NOT_READY), at("10.0.0.3", DYING)];
  assert.equal(
    compute([slice("a", endpoints)]).reason,
    "none of 3 endpoints of service prod/echo is usable: 2 not ready, 1 terminating",
  );
});

test("slices without a Service are used: it is needed for a ClusterIP only", () => {
  assert.equal(compute([slice("a", [at("10.0.0.1")])], { state: ABSENT }).endpoints.length, 1);
});

test("what changes later counts as if it had been so from the start", () => {
  const model = new ServiceModel("prod/echo", port(80), { node: null, zone: null });
  const endpoints = [at("10.0.0.1", READY, { ...here, ...forZone("z1") })];
  model.setSlice(slice("a", [...endpoints, at("10.0.0.2", NOT_READY, forZone("z2"))]));
  assert.deepEqual(lines(model.compute()), ["10.0.0.1:80: ready", "10.0.0.2:80! not ready"]);
  model.setService(SPEC);
  assert.deepEqual(lines(model.compute()), ["10.0.0.1:50051: ready", "10.0.0.2:50051! not ready"]);
  model.setPlace(OURS);
  assert.equal(lines(model.compute())[0], "10.0.0.1:50051: ready, hinted for zone z1");
  model.setService(
    service({ ports: [{ name: "grpc", port: 80 }], publishNotReadyAddresses: true }),
  );
  assert.equal(lines(model.compute())[1], "10.0.0.2:50051! zone hints: for another zone");
  model.setService(
    service({ ports: [{ name: "grpc", port: 80 }], internalTrafficPolicy: "Local" }),
  );
  assert.equal(lines(model.compute())[0], "10.0.0.1:50051: ready");
  model.setService(ABSENT);
  model.setPlace({ node: null, zone: "z3" });
  assert.deepEqual(lines(model.compute()), ["10.0.0.1:80: ready", "10.0.0.2:80! not ready"]);
});

test("endpoints that did not change keep their objects, so that only the rest is looked at", () => {
  const model = new ServiceModel("prod/echo", GRPC, OURS);
  const many = Array.from({ length: 100 }, (_, i) => at(`10.0.0.${i + 1}`));
  model.setSlice(slice("a", many));
  model.setSlice(slice("b", [at("10.0.1.1")]));
  const before = model.compute();
  model.setSlice(slice("a", [...many.slice(1), at("10.0.2.1")]));
  const after = model.compute();
  const kept = new Set(before.endpoints);
  assert.equal(after.endpoints.filter((endpoint) => kept.has(endpoint)).length, 100);
  assert.equal(before.endpoints[0].address, "10.0.0.100:50051");
});
