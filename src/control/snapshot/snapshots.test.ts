/** Tests of snapshots: what each kind of node is told of Services, and what a change changes. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { RESOURCE_TYPES } from "../../xds/index.ts";
import { PLACES_KEPT_MAX, VIEWS_KEPT_MAX } from "./limits.ts";
import { endpoint, type Json, nodeOf, World } from "./world-suite.ts";

const worlds: World[] = [];
function world(): World {
  const made = new World();
  worlds.push(made);
  return made;
}
afterEach(() => {
  for (const each of worlds.splice(0)) {
    each.close();
    assert.equal(each.clock.pendingCount, 0);
  }
});

const SIDECAR = nodeOf({ kind: "sidecar", agent: "envoy" });
const CLUSTER = "prod/echo:50051";

function addressesOf(assignment: Json): string[] {
  return assignment.endpoints.flatMap(({ lbEndpoints }: Json) =>
    lbEndpoints.map(({ endpoint: { address } }: Json) => address.socketAddress.address),
  );
}

test("nothing is known before all objects are", () => {
  const w = world().service("echo");
  assert.equal(w.snapshots.isSynced, false);
  assert.equal(w.resource("LDS", "echo.prod:50051"), null);
  w.settle();
  assert.equal(w.snapshots.isSynced, true);
  assert.notEqual(w.resource("LDS", "echo.prod:50051"), null);
});

test("a target's listener leads to routes of its own name, and these to one cluster", () => {
  const w = world()
    .service("echo")
    .slice("echo", [endpoint("10.0.0.1")])
    .settle();
  const names = [
    "echo.prod:50051",
    "echo.prod:grpc",
    "echo.prod",
    "echo.prod.svc:50051",
    "echo.prod.svc.cluster.local:50051",
    "echo:50051",
  ];
  for (const name of names) {
    const manager = w.json("LDS", name).apiListener.apiListener;
    assert.equal(manager.rds.routeConfigName, name);
    assert.deepEqual(manager.rds.configSource, { ads: {}, resourceApiVersion: "V3" });
    assert.equal(manager.httpFilters.at(-1).name, "envoy.filters.http.router");
    const [host] = w.json("RDS", name).virtualHosts;
    assert.deepEqual(host.domains, ["*"]);
    assert.equal(host.routes[0].route.cluster, CLUSTER);
    assert.equal(host.routes[0].route.timeout, "0s");
  }
  for (const name of ["echo.other:50051", "echo.prod:1", "echo.prod.pod:50051", "x", "", "a/b:1"]) {
    assert.equal(w.resource("LDS", name), null, name);
    assert.equal(w.resource("RDS", name), null, name);
  }
  assert.equal(w.resource("LDS", "echo:50051", nodeOf({ namespace: "other" })), null);
});

test("a port is gRPC by its name or its appProtocol", () => {
  const ports = [
    { name: "web", port: 80 },
    { name: "grpc-b", port: 2 },
    { name: "c", port: 3, appProtocol: "kubernetes.io/h2c" },
    { name: "d", port: 4, appProtocol: "grpc" },
    { name: "grpcx", port: 5 },
    { name: "grpc-u", port: 6, protocol: "UDP" },
  ];
  const w = world().service("echo", { ports }).settle();
  const found = [80, 2, 3, 4, 5, 6].filter((port) => w.resource("LDS", `echo.prod:${port}`));
  assert.deepEqual(found, [2, 3, 4]);
});

test("a cluster is by EDS, round_robin to all, and least_request to those that know it", () => {
  const w = world().service("echo").settle();
  const cluster = w.json("CDS", CLUSTER);
  assert.equal(cluster.type, "EDS");
  assert.equal(cluster.lbPolicy, undefined); // ROUND_ROBIN is 0
  assert.deepEqual(cluster.edsClusterConfig.edsConfig, { ads: {}, resourceApiVersion: "V3" });
  const [outer] = cluster.loadBalancingPolicy.policies;
  const inner = outer.typedExtensionConfig.typedConfig.endpointPickingPolicy.policies;
  assert.deepEqual(
    inner.map(({ typedExtensionConfig: { name } }: Json) => name.split(".").at(-1)),
    ["least_request", "round_robin"],
  );
  assert.equal(cluster.transportSocket, undefined);
  assert.deepEqual(w.resource("CDS", CLUSTER)!.problems, []);
});

test("endpoints have locality and weight, one locality a zone, in the same share each", () => {
  const w = world().service("echo");
  w.slice("echo", [
    endpoint("10.0.0.3", { zone: "b" }),
    endpoint("10.0.0.1", { zone: "a" }),
    endpoint("10.0.0.2", { zone: "a" }),
    endpoint("10.0.0.4"),
  ]).settle();
  const { clusterName, endpoints } = w.json("EDS", CLUSTER);
  assert.equal(clusterName, CLUSTER);
  assert.deepEqual(
    endpoints.map((each: Json) => [each.locality.zone, each.loadBalancingWeight, each.priority]),
    [
      [undefined, 1, undefined],
      ["a", 2, undefined],
      ["b", 1, undefined],
    ],
  );
  const [first] = endpoints[1].lbEndpoints;
  assert.equal(first.healthStatus, "HEALTHY");
  assert.equal(first.loadBalancingWeight, 1);
  assert.deepEqual(first.endpoint.address.socketAddress, { address: "10.0.0.1", portValue: 7000 });
});

test("those that leave are DRAINING to proxies and nothing to gRPC clients", () => {
  const leaving = { ready: false, serving: true, terminating: true };
  const w = world().service("echo");
  w.slice("echo", [
    endpoint("10.0.0.1"),
    endpoint("10.0.0.2", { conditions: leaving }),
    endpoint("10.0.0.3", { conditions: { ready: false, serving: false, terminating: true } }),
    endpoint("10.0.0.4", { conditions: { ready: false } }),
  ]).settle();
  assert.deepEqual(addressesOf(w.json("EDS", CLUSTER)), ["10.0.0.1"]);
  const [{ lbEndpoints }] = w.json("EDS", CLUSTER, SIDECAR).endpoints;
  assert.deepEqual(
    lbEndpoints.map((each: Json) => [
      each.endpoint.address.socketAddress.address,
      each.healthStatus,
    ]),
    [
      ["10.0.0.1", "HEALTHY"],
      ["10.0.0.2", "DRAINING"],
    ],
  );
  w.slice("echo", [endpoint("10.0.0.2", { conditions: leaving })]).settle();
  for (const node of [nodeOf(), SIDECAR]) {
    const [{ lbEndpoints: last }] = w.json("EDS", CLUSTER, node).endpoints;
    assert.equal(last[0].healthStatus, "HEALTHY");
  }
});

test("our own data planes hear of pods, others do not", () => {
  const targetRef = { kind: "Pod", name: "echo-1", uid: "u1" };
  const w = world().service("echo");
  w.slice("echo", [endpoint("10.0.0.1", { targetRef, nodeName: "n1" })]).settle();
  for (const kind of ["grpc", "sidecar"] as const) {
    const [first] = w.json("EDS", CLUSTER, nodeOf({ kind, agent: "fairlead" })).endpoints;
    const { metadata } = first.lbEndpoints[0];
    assert.deepEqual(metadata.filterMetadata.fairlead, { pod: "echo-1", uid: "u1", node: "n1" });
  }
  const [first] = w.json("EDS", CLUSTER, SIDECAR).endpoints;
  assert.equal(first.lbEndpoints[0].metadata, undefined);
});

test("hints: each zone sees its own endpoints, and those without a zone see all", () => {
  const hinted = (zone: string) => ({ zone, hints: { forZones: [{ name: zone }] } });
  const w = world().service("echo", { trafficDistribution: "PreferSameZone" });
  w.slice("echo", [endpoint("10.0.0.1", hinted("a")), endpoint("10.0.0.2", hinted("b"))]).settle();
  const seen = (zone: string | null) => addressesOf(w.json("EDS", CLUSTER, nodeOf({ zone })));
  assert.deepEqual(seen("a"), ["10.0.0.1"]);
  assert.deepEqual(seen("b"), ["10.0.0.2"]);
  assert.deepEqual(seen("c"), ["10.0.0.1", "10.0.0.2"]);
  assert.deepEqual(seen(null), ["10.0.0.1", "10.0.0.2"]);
});

test("the zone of a node that does not say it is that of its Kubernetes node", () => {
  const hinted = (zone: string) => ({ zone, hints: { forZones: [{ name: zone }] } });
  const w = world().service("echo");
  w.source.put("Node", {
    metadata: { name: "n1", namespace: "", labels: { "topology.kubernetes.io/zone": "b" } },
  } as never);
  w.slice("echo", [endpoint("10.0.0.1", hinted("a")), endpoint("10.0.0.2", hinted("b"))]).settle();
  assert.deepEqual(addressesOf(w.json("EDS", CLUSTER, nodeOf({ nodeName: "n1" }))), ["10.0.0.2"]);
  assert.equal(w.snapshots.zoneOf(nodeOf({ nodeName: "n1" })), "b");
  assert.equal(w.snapshots.zoneOf(nodeOf({ nodeName: "n1", zone: "a" })), "a", "its own word");
  assert.equal(w.snapshots.zoneOf(nodeOf({ nodeName: "n2" })), null);
});

test("locality.prefer is priorities from near to far, without gaps", () => {
  const config = { fairlead: { locality: { prefer: "zone" } } };
  const w = world().service("echo", {}, config);
  w.slice("echo", [
    endpoint("10.0.0.1", { zone: "a" }),
    endpoint("10.0.0.2", { zone: "b" }),
  ]).settle();
  const seen = (zone: string | null) =>
    w
      .json("EDS", CLUSTER, nodeOf({ zone }))
      .endpoints.map((each: Json) => [each.locality.zone, each.priority ?? 0]);
  assert.deepEqual(seen("b"), [
    ["b", 0],
    ["a", 1],
  ]);
  assert.deepEqual(seen("c"), [
    ["a", 0],
    ["b", 0],
  ]);
  assert.deepEqual(seen(null), [
    ["a", 0],
    ["b", 0],
  ]);
});

test("a slice event changes the endpoints of its Service and nothing else", () => {
  const w = world().service("echo").service("other");
  w.slice("echo", [endpoint("10.0.0.1")])
    .slice("other", [endpoint("10.0.0.9")])
    .settle();
  const before = (["CDS", "EDS"] as const).map((type) => w.resource(type, "prod/other:50051"));
  const old = w.resource("EDS", CLUSTER)!;
  w.changes.length = 0;
  w.slice("echo", [endpoint("10.0.0.1"), endpoint("10.0.0.2")]).settle();
  assert.equal(w.changes.length, 1);
  assert.deepEqual(
    [...w.changes[0]!.names].map(([type, names]) => [type, [...names]]),
    [[RESOURCE_TYPES.EDS, [CLUSTER]]],
  );
  assert.notEqual(w.resource("EDS", CLUSTER)!.version, old.version);
  for (const [i, type] of (["CDS", "EDS"] as const).entries()) {
    assert.equal(w.resource(type, "prod/other:50051"), before[i]);
  }
});

test("a generation stays as it is when the next one is there", () => {
  const w = world()
    .service("echo")
    .slice("echo", [endpoint("10.0.0.1")])
    .settle();
  const view = w.snapshots.viewOf(w.snapshots.viewKeyOf(nodeOf()));
  w.slice("echo", [endpoint("10.0.0.2")]).settle();
  const late = view.get(RESOURCE_TYPES.EDS, CLUSTER)!; // Encoded only now.
  assert.notEqual(late.version, w.resource("EDS", CLUSTER)!.version);
  w.slice("echo", [endpoint("10.0.0.1")]).settle();
  assert.equal(late.version, w.resource("EDS", CLUSTER)!.version);
  assert.equal(view.generation < w.changes.at(-1)!.generation, true);
});

test("equal objects are equal versions, in whatever order they came", () => {
  const a = world()
    .service("echo")
    .slice("echo", [endpoint("10.0.0.1")], "s1");
  a.slice("echo", [endpoint("10.0.0.2")], "s2").settle();
  const b = world()
    .slice("echo", [endpoint("10.0.0.2")], "s2")
    .settle();
  b.service("echo")
    .slice("echo", [endpoint("10.0.0.1")], "s1")
    .settle();
  for (const type of ["CDS", "EDS"] as const) {
    assert.equal(a.resource(type, CLUSTER)!.version, b.resource(type, CLUSTER)!.version);
  }
  const name = "echo.prod:50051";
  for (const type of ["LDS", "RDS"] as const) {
    assert.equal(a.resource(type, name)!.version, b.resource(type, name)!.version);
  }
});

test("a Service that comes and goes is told by every name that clients may have asked for", () => {
  const w = world().settle();
  assert.equal(w.resource("LDS", "echo.prod:50051"), null);
  w.changes.length = 0;
  w.service("echo").settle();
  const names = w.changes.at(-1)!.names;
  for (const name of ["echo.prod:50051", "echo.prod.svc.cluster.local:grpc", "echo", CLUSTER]) {
    assert.equal(names.get(RESOURCE_TYPES.LDS)!.has(name), true, name);
    assert.equal(names.get(RESOURCE_TYPES.RDS)!.has(name), true, name);
  }
  assert.equal(names.get(RESOURCE_TYPES.CDS)!.has(CLUSTER), true);
  w.changes.length = 0;
  w.source.delete("Service", "echo");
  w.settle();
  assert.equal(w.resource("LDS", "echo.prod:50051"), null);
  assert.equal(w.resource("CDS", CLUSTER), null);
  assert.equal(w.changes.at(-1)!.names.get(RESOURCE_TYPES.LDS)!.has("echo.prod:50051"), true);
});

test("a sidecar captures by cluster IP, serves plaintext HTTP/2 and passes the rest on", () => {
  const w = world().service("echo").service("headless", { clusterIP: "None" }).settle();
  const { LDS, RDS, CDS, EDS, SDS } = RESOURCE_TYPES;
  assert.deepEqual(w.names(LDS, SIDECAR), ["inbound", "outbound", CLUSTER]);
  assert.deepEqual(w.names(RDS, SIDECAR), [CLUSTER, "prod/headless:50051"]);
  const clusters = [CLUSTER, "prod/headless:50051"];
  assert.deepEqual(w.names(CDS, SIDECAR), ["blackhole", "passthrough", ...clusters]);
  assert.deepEqual(w.names(EDS, SIDECAR), clusters);
  assert.deepEqual(w.names(SDS, SIDECAR), []);
  const listener = w.json("LDS", CLUSTER, SIDECAR);
  assert.equal(listener.bindToPort, false);
  assert.deepEqual(listener.address.socketAddress, { address: "127.1.0.1", portValue: 50051 });
  assert.deepEqual(listener.filterChains[0].filterChainMatch, {
    transportProtocol: "raw_buffer",
    applicationProtocols: ["h2c"],
  });
  const [passing] = listener.defaultFilterChain.filters;
  assert.equal(passing.typedConfig.cluster, "passthrough");
  const outbound = w.json("LDS", "outbound", SIDECAR);
  assert.equal(outbound.useOriginalDst, true);
  assert.equal(outbound.address.socketAddress.portValue, 15001);
  assert.equal(w.json("LDS", "inbound", SIDECAR).address.socketAddress.portValue, 15006);
  const cluster = w.json("CDS", CLUSTER, SIDECAR);
  const [options] = Object.values(cluster.typedExtensionProtocolOptions) as Json[];
  assert.notEqual(options.explicitHttpConfig.http2ProtocolOptions, undefined);
});

test("a sidecar captures both cluster IPs of a Service of two families", () => {
  const w = world()
    .service("echo", { clusterIPs: ["127.1.0.1", "fd00::1"] })
    .settle();
  const { LDS, RDS } = RESOURCE_TYPES;
  const second = `${CLUSTER} at fd00::1`;
  const capture = ["inbound", "inbound ipv6", "outbound", "outbound ipv6"];
  assert.deepEqual(w.names(LDS, SIDECAR), [...capture, CLUSTER, second]);
  assert.deepEqual(w.names(RDS, SIDECAR), [CLUSTER]);
  const hosts = [CLUSTER, second].map((name) => {
    const { address, filterChains } = w.json("LDS", name, SIDECAR);
    const { routeConfigName } = filterChains[0].filters[0].typedConfig.rds;
    return [address.socketAddress.address, routeConfigName];
  });
  assert.deepEqual(hosts, [
    ["127.1.0.1", CLUSTER],
    ["fd00::1", CLUSTER],
  ]);
  const view = w.snapshots.viewOf(w.snapshots.viewKeyOf(SIDECAR));
  assert.equal(view.namespaceOf(LDS, second), "prod");
  w.changes.length = 0;
  w.service("echo", { clusterIPs: ["127.1.0.1"] }).settle();
  assert.equal(w.changes.at(-1)!.names.get(LDS)!.has(second), true);
  assert.equal(w.resource("LDS", second, SIDECAR), null);
});

/**
 * What was redirected by IPv6 found nobody: only IPv4 was listened on. Where nothing has an address
 * of IPv6 nothing is bound for it: there may be kernels that cannot.
 */
test("connections of IPv6 are captured as soon as anything has an address of IPv6", () => {
  const { LDS } = RESOURCE_TYPES;
  const w = world().service("echo").settle();
  assert.deepEqual(w.names(LDS, SIDECAR), ["inbound", "outbound", CLUSTER]);
  w.changes.length = 0;
  w.service("six", { clusterIPs: ["127.1.0.2", "fd00::2"] }).settle();
  const added = ["inbound ipv6", "outbound ipv6"];
  for (const name of added) {
    assert.equal(w.changes.at(-1)!.names.get(LDS)!.has(name), true, `${name} is told`);
    const listener = w.json("LDS", name, SIDECAR);
    const of4 = w.json("LDS", name.replace(" ipv6", ""), SIDECAR);
    assert.equal(listener.address.socketAddress.address, "::");
    assert.equal(listener.address.socketAddress.ipv4Compat, undefined, "of IPv6 alone");
    const address = of4.address;
    assert.deepEqual({ ...listener, name: of4.name, address }, of4, "the same in all else");
  }
  w.service("six", { clusterIPs: ["127.1.0.2"] }).settle();
  for (const name of added) {
    assert.equal(w.changes.at(-1)!.names.get(LDS)!.has(name), true, `${name} is taken away`);
    assert.equal(w.resource("LDS", name, SIDECAR), null);
  }
});

test("invented places are not kept for ever", () => {
  const hints = { forZones: [{ name: "z0" }] };
  const w = world()
    .service("echo")
    .slice("echo", [endpoint("10.0.0.1", { hints })])
    .settle();
  const at = (zone: number) => w.resource("EDS", CLUSTER, nodeOf({ zone: `z${zone}` }));
  const first = at(0);
  for (let i = 1; i < PLACES_KEPT_MAX; i += 1) at(i);
  assert.ok(at(0) === first, "it is kept up to the bound");
  at(PLACES_KEPT_MAX);
  assert.ok(at(0) !== first, "beyond, all are forgotten");
  assert.equal(at(0)!.version, first!.version);
});

test("views of invented nodes are not kept for ever", () => {
  const w = world().service("echo").settle();
  const view = (i: number) =>
    w.snapshots.viewOf(w.snapshots.viewKeyOf(nodeOf({ namespace: `n${i}` })));
  const first = view(0);
  for (let i = 1; i < VIEWS_KEPT_MAX / 2; i += 1) view(i);
  assert.ok(view(0) === first, "it is kept up to the bound");
  for (let i = VIEWS_KEPT_MAX / 2; i <= VIEWS_KEPT_MAX; i += 1) view(i);
  assert.ok(view(0) !== first, "beyond, all are forgotten");
});
