/** Tests of the check of objects: what is kept, what is filled in, what each mistake is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CheckedObject, checkObject, OBJECT_DEPTH_MAX } from "./check.ts";
import { INGRESS_MAX, SERVICE_PORTS_MAX } from "./check-service.ts";
import { HINTS_MAX, SLICE_ENDPOINTS_MAX, SLICE_PORTS_MAX } from "./check-slice.ts";
import { NAME_CHARS_MAX } from "./fields.ts";
import { KINDS, type KindName, type ObjectOfKind } from "./objects.ts";

function objectOf<K extends KindName>(checked: CheckedObject<K>): ObjectOfKind[K] {
  assert.equal(checked.problem, null);
  return checked.object as ObjectOfKind[K];
}

function slice(extra: object = {}, endpoints: unknown = [{ addresses: ["10.0.0.1"] }]): object {
  return {
    metadata: { name: "echo-x", namespace: "prod" },
    addressType: "IPv4",
    endpoints,
    ...extra,
  };
}

function service(spec: object): object {
  return { metadata: { name: "echo", namespace: "prod" }, spec };
}

function nested(depth: number): unknown {
  return JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
}

test("a slice as an API server sends it is trimmed to what is read", () => {
  const checked = checkObject("EndpointSlice", {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "echo-x",
      namespace: "prod",
      uid: "u1",
      resourceVersion: "77",
      generation: 3,
      managedFields: [{ manager: "x" }],
      labels: { "kubernetes.io/service-name": "echo", other: "y" },
      annotations: { "a/b": "c" },
    },
    addressType: "IPv4",
    endpoints: [
      {
        addresses: ["10.0.0.1", "not read"],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: "node-a",
        zone: "z1",
        hostname: "h",
        hints: { forZones: [{ name: "z1" }], forNodes: [{ name: "node-a" }] },
        targetRef: { kind: "Pod", namespace: "prod", name: "echo-1", uid: "p1", fieldPath: "f" },
      },
    ],
    ports: [{ name: "grpc", port: 50051, protocol: "TCP", appProtocol: "kubernetes.io/h2c" }],
  });
  assert.deepEqual(objectOf(checked), {
    kind: "EndpointSlice",
    metadata: {
      name: "echo-x",
      namespace: "prod",
      uid: "u1",
      resourceVersion: "77",
      labels: { "kubernetes.io/service-name": "echo" },
    },
    addressType: "IPv4",
    endpoints: [
      {
        addresses: ["10.0.0.1"],
        ready: true,
        serving: true,
        terminating: false,
        nodeName: "node-a",
        zone: "z1",
        targetRef: { kind: "Pod", name: "echo-1", uid: "p1" },
        forNodes: ["node-a"],
        forZones: ["z1"],
      },
    ],
    ports: [{ name: "grpc", port: 50051, protocol: "TCP" }],
  });
});

test("null is the same as absent, in every field that may be absent", () => {
  const bare = objectOf(checkObject("EndpointSlice", slice({ ports: [{}] })));
  const nulls = slice({ kind: null, apiVersion: null, ports: [{ name: null, port: null }] }, [
    {
      addresses: ["10.0.0.1"],
      conditions: { ready: null, serving: null, terminating: null },
      nodeName: null,
      zone: null,
      targetRef: null,
      hints: { forNodes: null, forZones: null },
    },
  ]);
  assert.deepEqual(objectOf(checkObject("EndpointSlice", nulls)), bare);
  assert.deepEqual(bare.endpoints[0].ready, null);
  assert.deepEqual(bare.ports, [{ name: "", port: null, protocol: "TCP" }]);
  const none = objectOf(checkObject("EndpointSlice", slice({ endpoints: null, ports: null })));
  assert.deepEqual([none.endpoints, none.ports], [[], []]);
});

const GRPC_PORT = { port: 1, targetPort: "grpc", appProtocol: "grpc" };

test("a Service gets what the API server would have filled in", () => {
  const { metadata: _, ...bare } = objectOf(
    checkObject("Service", service({ ports: [{ port: 80, appProtocol: "x/y" }, GRPC_PORT] })),
  );
  assert.deepEqual(bare, {
    kind: "Service",
    type: "ClusterIP",
    clusterIp: "",
    clusterIps: [],
    ports: [
      { name: "", port: 80, targetPort: null, protocol: "TCP", appProtocol: "" },
      { name: "", port: 1, targetPort: "grpc", protocol: "TCP", appProtocol: "grpc" },
    ],
    externalName: "",
    internalTrafficPolicy: "Cluster",
    trafficDistribution: "",
    publishNotReadyAddresses: false,
    serviceConfig: null,
  });
  const full = objectOf(
    checkObject(
      "Service",
      service({
        type: "ExternalName",
        externalName: "a.example",
        selector: { app: "x" },
        internalTrafficPolicy: "Local",
        trafficDistribution: "PreferClose",
        publishNotReadyAddresses: true,
      }),
    ),
  );
  assert.equal(full.externalName, "a.example");
  assert.equal(full.internalTrafficPolicy, "Local");
});

test("a Node keeps its zone and lives in no namespace", () => {
  const node = objectOf(
    checkObject("Node", {
      metadata: { name: "n1", labels: { "topology.kubernetes.io/zone": "z1", x: "y" } },
      status: { images: [1, 2, 3] },
    }),
  );
  assert.equal(node.metadata.namespace, "");
  assert.deepEqual(node.metadata.labels, { "topology.kubernetes.io/zone": "z1" });
});

test("an object of a file that names no namespace is in the default one", () => {
  const checked = checkObject("Service", { metadata: { name: "a" } }, "prod");
  assert.equal(objectOf(checked).metadata.namespace, "prod");
});

test("addresses have one spelling, and IPv6 is not mistaken for IPv4", () => {
  const checked = checkObject(
    "EndpointSlice",
    slice({ addressType: "IPv6" }, [{ addresses: ["2001:DB8::00a"] }, { addresses: ["::1"] }]),
  );
  assert.deepEqual(
    objectOf(checked).endpoints.map(({ addresses }) => addresses[0]),
    ["2001:db8::a", "::1"],
  );
});

test("endpoints of one slice share the strings and lists that repeat", () => {
  const text = JSON.stringify(
    slice(
      {},
      Array.from({ length: 2 }, (_, i) => ({
        addresses: [`10.0.0.${i}`.replace(".0.0.0", ".0.0.9")],
        hints: { forZones: [{ name: "zone-with-a-long-name" }] },
      })),
    ),
  );
  const { endpoints } = objectOf(checkObject("EndpointSlice", JSON.parse(text)));
  assert.equal(endpoints[0].forZones, endpoints[1].forZones);
  assert.equal(endpoints[0].forNodes, endpoints[1].forNodes);
});

const LONG = "a".repeat(1 << 20);
const AT = "EndpointSlice prod/echo-x: ";
const many = (count: number, value: unknown): unknown[] =>
  Array.from({ length: count }, () => value);

const PROBLEMS: readonly (readonly [kind: KindName, value: unknown, problem: string])[] = [
  ["Service", null, "Service without a name: it is null, must be an object"],
  ["Service", [1], "Service without a name: it is a list, must be an object"],
  ["Service", "x", 'Service without a name: it is "x", must be an object'],
  [
    "Service",
    {},
    "Service without a name: metadata.name is missing, must be a name (RFC 1123 subdomain)",
  ],
  ["Service", { metadata: 1 }, "Service without a name: metadata is 1, must be an object"],
  [
    "Service",
    { metadata: { name: "a" } },
    "Service a: metadata.namespace is missing, must be a name of up to 63 of a-z, 0-9 and -",
  ],
  [
    "Service",
    { metadata: { name: "a\u001b[2J", namespace: "prod" } },
    'Service "prod"/"a\\u001b[2J": metadata.name is "a\\u001b[2J", ' +
      "must be a name (RFC 1123 subdomain)",
  ],
  [
    "EndpointSlice",
    slice({ metadata: { name: LONG, namespace: "prod" } }),
    `EndpointSlice "prod"/"${"a".repeat(64)}"... (1048576 characters): metadata.name is ` +
      `"${"a".repeat(64)}"... (1048576 characters), must be a name (RFC 1123 subdomain)`,
  ],
  ["EndpointSlice", slice({ kind: "Pod" }), `${AT}kind is "Pod", must be EndpointSlice`],
  [
    "EndpointSlice",
    slice({ apiVersion: "discovery.k8s.io/v1beta1" }),
    `${AT}apiVersion is "discovery.k8s.io/v1beta1", must be discovery.k8s.io/v1`,
  ],
  [
    "EndpointSlice",
    slice({ addressType: undefined }),
    `${AT}addressType is missing, must be IPv4 or IPv6 or FQDN`,
  ],
  ["EndpointSlice", slice({}, {}), `${AT}endpoints is an object, must be a list`],
  [
    "EndpointSlice",
    slice({}, many(2 * SLICE_ENDPOINTS_MAX, { addresses: ["10.0.0.1"] })),
    `${AT}endpoints has 2000 entries, at most 1000 are allowed`,
  ],
  [
    "EndpointSlice",
    slice({ ports: many(SLICE_PORTS_MAX + 1, {}) }),
    `${AT}ports has 20001 entries, at most 20000 are allowed`,
  ],
  [
    "EndpointSlice",
    slice({ ports: [{ port: 1 }, { port: 2 }] }),
    `${AT}ports has two entries of one name, each must have its own`,
  ],
  [
    "EndpointSlice",
    slice({ ports: [{ port: 0 }] }),
    `${AT}ports[0].port is 0, must be a port from 1 to 65535`,
  ],
  [
    "EndpointSlice",
    slice({ ports: [{ port: "1" }] }),
    `${AT}ports[0].port is "1", must be a port from 1 to 65535`,
  ],
  [
    "EndpointSlice",
    slice({ ports: [{ name: "A_B" }] }),
    `${AT}ports[0].name is "A_B", must be a name of up to 63 of a-z, 0-9 and -`,
  ],
  [
    "EndpointSlice",
    slice({ ports: [{ protocol: "tcp" }] }),
    `${AT}ports[0].protocol is "tcp", must be TCP or UDP or SCTP`,
  ],
  [
    "EndpointSlice",
    {
      ...slice(),
      metadata: { name: "echo-x", namespace: "prod", uid: "x".repeat(NAME_CHARS_MAX + 1) },
    },
    `${AT}metadata.uid is "${"x".repeat(64)}"... (254 characters), must be printable text of up to 253`,
  ],
  [
    "Service",
    service({ ports: many(SERVICE_PORTS_MAX + 1, { port: 1 }) }),
    "Service prod/echo: spec.ports has 20001 entries, at most 20000 are allowed",
  ],
  [
    "Service",
    service({ type: "External" }),
    'Service prod/echo: spec.type is "External", ' +
      "must be ClusterIP or NodePort or LoadBalancer or ExternalName",
  ],
  [
    "Service",
    service({ publishNotReadyAddresses: "yes" }),
    'Service prod/echo: spec.publishNotReadyAddresses is "yes", must be true or false',
  ],
  [
    "Service",
    service({ unread: nested(OBJECT_DEPTH_MAX - 1) }),
    "Service prod/echo: it is nested deeper than 100 levels",
  ],
  [
    "Service",
    { metadata: { name: nested(100_000) } },
    "Service without a name: it is nested deeper than 100 levels",
  ],
];

for (const [kind, value, problem] of PROBLEMS) {
  test(`refused: ${problem.slice(0, 90)}`, () => {
    const checked = checkObject(kind, value);
    assert.equal(checked.object, null);
    assert.equal(checked.problem, problem);
    const about = problem.slice(problem.indexOf(": ") + 2);
    assert.ok(about.startsWith(checked.path === "" ? "it " : `${checked.path} `));
  });
}

const FAULTS: readonly (readonly [endpoint: unknown, fault: string])[] = [
  [1, "endpoints[0] is 1, must be an object"],
  [{}, "endpoints[0].addresses is missing, must be a list of addresses"],
  [{ addresses: [] }, "endpoints[0].addresses[0] is missing, must be an IPv4 address"],
  [
    { addresses: ["10.0.0.256"] },
    'endpoints[0].addresses[0] is "10.0.0.256", must be an IPv4 address',
  ],
  [
    { addresses: ["10.0.0.01"] },
    'endpoints[0].addresses[0] is "10.0.0.01", must be an IPv4 address',
  ],
  [{ addresses: ["::1"] }, 'endpoints[0].addresses[0] is "::1", must be an IPv4 address'],
  [
    { addresses: ["0.0.0.0"] },
    'endpoints[0].addresses[0] is "0.0.0.0", must be an address that can be connected to',
  ],
  [
    { addresses: ["10.0.0.1"], conditions: { ready: "true" } },
    'endpoints[0].conditions.ready is "true", must be true or false',
  ],
  [
    { addresses: ["10.0.0.1"], hints: { forZones: [{}] } },
    "endpoints[0].hints.forZones[0].name is missing, must be a name",
  ],
  [
    { addresses: ["10.0.0.1"], hints: { forZones: many(HINTS_MAX + 1, { name: "z" }) } },
    "endpoints[0].hints.forZones has 65 entries, at most 64 are allowed",
  ],
  [
    { addresses: ["10.0.0.1"], nodeName: "Node_1" },
    'endpoints[0].nodeName is "Node_1", must be a name (RFC 1123 subdomain)',
  ],
];

for (const [endpoint, fault] of FAULTS) {
  test(`costs the endpoint only: ${fault.slice(0, 80)}`, () => {
    const checked = checkObject(
      "EndpointSlice",
      slice({}, [endpoint, { addresses: ["10.0.0.2"] }]),
    );
    assert.equal(objectOf(checked).endpoints.length, 1);
    assert.equal(objectOf(checked).endpoints[0].addresses[0], "10.0.0.2");
    assert.ok(checked.problem === null);
    assert.equal(checked.dropped, `${AT}one endpoint dropped, ${fault}`);
    assert.ok(fault.startsWith(`${checked.path} `));
  });
}

test("of many endpoints that are malformed the first is told", () => {
  const checked = checkObject("EndpointSlice", slice({}, [1, { addresses: ["10.0.0.2"] }, 3]));
  assert.ok(checked.problem === null);
  assert.equal(
    checked.dropped,
    `${AT}2 endpoints dropped, the first: endpoints[0] is 1, must be an object`,
  );
});

test("an IPv6 address with a scope, which means another link on each machine, is refused", () => {
  const checked = checkObject(
    "EndpointSlice",
    slice({ addressType: "IPv6" }, [
      { addresses: ["fe80::1%eth0"] },
      { addresses: ["::"] },
      { addresses: ["fd00::1"] },
    ]),
  );
  assert.equal(objectOf(checked).endpoints.length, 1);
});

test("a slice of which no endpoint is left is malformed as a whole; an empty one is not", () => {
  const checked = checkObject("EndpointSlice", slice({}, [1, { addresses: ["0.0.0.0"] }]));
  assert.equal(
    checked.problem,
    `${AT}endpoints has no entry that is as it must be, ` +
      "the first: endpoints[0] is 1, must be an object",
  );
  assert.equal(objectOf(checkObject("EndpointSlice", slice({}, []))).endpoints.length, 0);
});

test("no value throws, and a problem is one line of bounded length", () => {
  const key = fc.constantFrom(
    ...["kind", "metadata", "name", "namespace", "labels", "addressType", "endpoints", "ports"],
    ...[
      "addresses",
      "conditions",
      "ready",
      "hints",
      "forZones",
      "targetRef",
      "uid",
      "spec",
      "port",
    ],
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(null, 1, "prod", "echo", "IPv4", "10.0.0.1", "", true, LONG),
      fc.string({ unit: "binary" }),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(key, tie("tree"), { maxKeys: 8 }),
    ),
  }));
  const kinds = fc.constantFrom(...(Object.keys(KINDS) as KindName[]));
  fc.assert(
    fc.property(kinds, tree, (kind, value) => {
      const checked = checkObject(kind, value);
      const text = checked.problem ?? checked.dropped ?? "";
      assert.ok(text.length < 2000, "bounded");
      assert.doesNotMatch(text, /[^\x20-\x7e\u00a0-\uffff]/);
    }),
  );
});

test("what nobody reads refuses nothing, whatever it is", () => {
  const long = "x".repeat(300);
  const ports = [{ name: "grpc", port: 1, appProtocol: long }];
  const endpoints = [{ addresses: ["10.0.0.1"], targetRef: { kind: "Pod", namespace: 7 } }];
  const slice = checkObject("EndpointSlice", {
    metadata: { name: "a", namespace: "prod" },
    addressType: "IPv4",
    ports,
    endpoints,
  });
  assert.deepEqual([slice.problem, slice.object?.endpoints.length], [null, 1]);
  const metadata = { name: "a", namespace: "prod" };
  const service = checkObject("Service", { metadata, spec: { ports, selector: 7 } });
  assert.equal(service.problem, null);
});

test("INGRESS_MAX: a load balancer's addresses are read as far as they make sense", () => {
  const read = (status: unknown) => {
    const value = { metadata: { name: "echo", namespace: "prod" }, spec: { ports: [] }, status };
    return objectOf(checkObject("Service", value, "default")).loadBalancerAddresses;
  };
  const ingress = [{ ip: "127.0.0.1" }, { hostname: "lb.example" }, { ip: "fd00::1" }];
  const odd = [7, null, { ip: "x" }, { hostname: "A b" }, { ip: 1, hostname: {} }];
  const wanted = ["127.0.0.1", "lb.example", "fd00::1"];
  assert.deepEqual(read({ loadBalancer: { ingress: [...odd, ...ingress] } }), wanted);
  for (const status of [undefined, 7, {}, { loadBalancer: [] }, { loadBalancer: { ingress: 7 } }]) {
    assert.equal(read(status), undefined, JSON.stringify(status));
  }
  const many = Array.from({ length: 40 }, (_, i) => ({ ip: `127.0.0.${i}` }));
  assert.equal(read({ loadBalancer: { ingress: many } })?.length, INGRESS_MAX);
});
