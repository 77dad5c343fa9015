/** Tests of what routes and Gateways come to in resources. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createAuthority } from "../../../test/support/certificates.ts";
import { Status } from "../../grpc/index.ts";
import {
  type ForwardAction,
  parseRegex,
  type Route,
  type RouteAction,
  type RouteTable,
} from "../../routes/index.ts";
import { RESOURCE_TYPES } from "../../xds/index.ts";
import { endpoint, type Json, nodeOf, World } from "./world-suite.ts";

const worlds: World[] = [];
afterEach(() => {
  for (const each of worlds.splice(0)) each.close();
});

const GATEWAY = nodeOf({
  kind: "gateway",
  agent: "envoy",
  gateway: "prod/edge",
  listenHost: "127.0.0.1",
});
const SIDECAR = nodeOf({ kind: "sidecar", agent: "envoy" });
const TARGET = "echo.prod:50051";
const CLUSTER = "prod/echo:50051";
const NO_CHANGE = { request: null, response: null };

function forward(
  clusters: readonly [string, number][],
  fields: Partial<ForwardAction> = {},
): ForwardAction {
  return {
    kind: "forward",
    clusters: clusters.map(([cluster, weight]) => ({ cluster, weight, ...NO_CHANGE })),
    ...NO_CHANGE,
    mirrors: [],
    timeoutMs: null,
    retryPolicy: null,
    hashHeader: null,
    ...fields,
  };
}

const ANY = {
  path: { kind: "prefix", value: "", ignoresCase: false },
  headers: [],
  perMillion: null,
} as const;

function tableOf(actions: readonly (RouteAction | Route)[], domains = ["*"]): RouteTable {
  const routes = actions.map((each, i) =>
    "action" in each ? each : { name: `route ${i}`, match: ANY, action: each },
  );
  return { hosts: [{ name: "host", domains, routes }] };
}

const tables = (table: RouteTable) => ({ table, consumers: new Map<string, RouteTable>() });

function worldOf(services: Record<string, RouteTable>, gateway: RouteTable | null = null): World {
  const w = new World().service("echo").service("v2");
  worlds.push(w);
  const listeners =
    gateway === null
      ? []
      : [{ port: 8080, chains: [{ serverNames: [], secrets: [], table: gateway }] }];
  w.plan = {
    services: new Map(Object.entries(services).map(([name, table]) => [name, tables(table)])),
    gateways: new Map([["prod/edge", { listeners }]]),
    otherGateways: new Map(),
  };
  w.slice("echo", [endpoint("10.0.0.1")]).settle();
  return w;
}

test("weights, filters and mirrors: all of it to proxies, weights to gRPC clients", () => {
  const change = { set: [["x-a", "50%"]], add: [["x-b", "1"]], remove: ["x-c"] } as const;
  const action = forward(
    [
      [CLUSTER, 9],
      ["prod/v2:50051", 1],
    ],
    {
      request: change,
      mirrors: [{ cluster: "prod/v2:50051", perMillion: 1000 }],
    },
  );
  const w = worldOf({ [CLUSTER]: tableOf([action]) });
  const [grpc] = w.json("RDS", TARGET).virtualHosts[0].routes;
  assert.deepEqual(
    grpc.route.weightedClusters.clusters.map(({ name, weight }: Json) => [name, weight]),
    [
      [CLUSTER, 9],
      ["prod/v2:50051", 1],
    ],
  );
  assert.equal(grpc.requestHeadersToAdd, undefined);
  assert.equal(grpc.route.requestMirrorPolicies, undefined);
  assert.deepEqual(w.resource("RDS", TARGET)!.problems, [
    "header filters: not for gRPC clients",
    "mirrors: not for gRPC clients",
  ]);
  const [proxy] = w.json("RDS", CLUSTER, SIDECAR).virtualHosts[0].routes;
  assert.deepEqual(
    proxy.requestHeadersToAdd.map(({ header, appendAction }: Json) => [header, appendAction]),
    [
      [{ key: "x-a", value: "50%%" }, "OVERWRITE_IF_EXISTS_OR_ADD"],
      [{ key: "x-b", value: "1" }, undefined],
    ],
  );
  assert.deepEqual(proxy.requestHeadersToRemove, ["x-c"]);
  const [mirror] = proxy.route.requestMirrorPolicies;
  assert.deepEqual(mirror.runtimeFraction.defaultValue, {
    numerator: 1000,
    denominator: "MILLION",
  });
});

test("matches by path and header, in the words that each kind knows", () => {
  const headers = [
    { name: "a", inverts: false, value: { kind: "exact", text: "1", ignoresCase: false } },
    { name: "b", inverts: true, value: { kind: "regex", regex: parseRegex("x.*") } },
  ] as const;
  const path = { kind: "regex", regex: parseRegex("/a/.*") } as const;
  const match = { path, headers, perMillion: 500_000 };
  const w = worldOf({
    [CLUSTER]: tableOf([{ name: "r", match, action: forward([[CLUSTER, 1]]) }]),
  });
  const [grpc] = w.json("RDS", TARGET).virtualHosts[0].routes;
  assert.deepEqual(grpc.match, {
    safeRegex: { regex: "/a/.*" },
    runtimeFraction: { defaultValue: { numerator: 500_000, denominator: "MILLION" } },
    headers: [
      { name: "a", exactMatch: "1" },
      { name: "b", invertMatch: true, safeRegexMatch: { regex: "x.*" } },
    ],
  });
  const [proxy] = w.json("RDS", CLUSTER, SIDECAR).virtualHosts[0].routes;
  assert.deepEqual(proxy.match.headers, [
    { name: "a", stringMatch: { exact: "1" } },
    { name: "b", invertMatch: true, stringMatch: { safeRegex: { regex: "x.*" } } },
  ]);
});

for (const [written, said] of [
  ["(?<a>x)(?P<b>y)", "(x)(y)"],
  ["\\Q(?<a>\\E(?<b>z)", "\\Q(?<a>\\E(z)"],
  ["[(?<a>](?<b>z)", "[(?<a>](z)"],
  ["\\[(?<b>z)[]a(?<c>]", "\\[(z)[]a(?<c>]"],
] as const) {
  test(`a group's name is not said, which C-core's RE2 would refuse: ${written}`, () => {
    const path = { kind: "regex", regex: parseRegex(written) } as const;
    const match = { path, headers: [], perMillion: null };
    const w = worldOf({
      [CLUSTER]: tableOf([{ name: "r", match, action: forward([[CLUSTER, 1]]) }]),
    });
    const [route] = w.json("RDS", TARGET).virtualHosts[0].routes;
    assert.equal(route.match.safeRegex.regex, said);
  });
}

test("a route that refuses: a status by proxies, a cluster without endpoints for gRPC", () => {
  const refuse = {
    kind: "refuse",
    status: Status.UNAVAILABLE,
    httpStatus: 500,
    reason: "no backend",
  } as const;
  const w = worldOf({ [CLUSTER]: tableOf([refuse]) });
  const [grpc] = w.json("RDS", TARGET).virtualHosts[0].routes;
  const { cluster } = grpc.route;
  assert.notEqual(w.resource("CDS", cluster), null);
  assert.equal(w.json("EDS", cluster).endpoints, undefined);
  const [proxy] = w.json("RDS", CLUSTER, SIDECAR).virtualHosts[0].routes;
  assert.deepEqual(proxy.directResponse, { status: 503, body: { inlineString: "no backend" } });
});

test("calls that a route refuses are no Service's, whatever it is named", () => {
  const [status, httpStatus] = [Status.UNAVAILABLE, 500];
  const w = worldOf({
    [CLUSTER]: tableOf([{ kind: "refuse", status, httpStatus, reason: "no backend" }]),
  });
  const { cluster } = w.json("RDS", TARGET).virtualHosts[0].routes[0].route;
  const [, namespace = "prod", name, port = "1"] = /^(?:(.+)\/)?([^:]+)(?::(\d+))?$/.exec(cluster)!;
  const labels = { "kubernetes.io/service-name": name! };
  w.source.put("Service", {
    metadata: { namespace, name },
    spec: { clusterIP: "127.1.0.9", ports: [{ name: "grpc", port: Number(port) }] },
  } as never);
  w.source.put("EndpointSlice", {
    metadata: { namespace, name: "one", labels },
    ...{ addressType: "IPv4", ports: [{ name: "grpc", port: 7000, protocol: "TCP" }] },
    endpoints: [endpoint("10.0.0.66")],
  } as never);
  w.settle();
  assert.equal(w.json("EDS", cluster).endpoints, undefined);
  for (const node of [SIDECAR, GATEWAY]) assert.equal(w.resource("EDS", cluster, node), null);
});

test("a cluster that a route names is there before, with and without its Service", () => {
  const w = worldOf({ [CLUSTER]: tableOf([forward([["prod/late:1", 1]])]) });
  for (const node of [nodeOf(), SIDECAR]) {
    assert.notEqual(w.resource("CDS", "prod/late:1", node), null);
    assert.equal(w.json("EDS", "prod/late:1", node).endpoints, undefined);
  }
  w.changes.length = 0;
  w.service("late", { ports: [{ name: "grpc", port: 1 }] });
  w.slice("late", [endpoint("10.0.0.7")]).settle();
  assert.equal(w.json("EDS", "prod/late:1").endpoints.length, 1);
  const { names } = w.changes.at(-1)!;
  assert.equal(names.get(RESOURCE_TYPES.EDS)!.has("prod/late:1"), true);
});

test("a gateway sees its listeners, routes and the clusters that these name, nothing else", () => {
  const w = worldOf({}, tableOf([forward([["prod/v2:50051", 1]])], ["a.example"]));
  const { LDS, RDS, CDS, EDS, SDS } = RESOURCE_TYPES;
  const names = [LDS, RDS, CDS, EDS, SDS].map((type) => w.names(type, GATEWAY));
  const one = ["prod/edge:8080"];
  assert.deepEqual(names, [one, one, ["prod/v2:50051"], ["prod/v2:50051"], []]);
  const listener = w.json("LDS", "prod/edge:8080", GATEWAY);
  assert.deepEqual(listener.address.socketAddress, { address: "127.0.0.1", portValue: 8080 });
  const routes = w.json("RDS", "prod/edge:8080", GATEWAY);
  assert.equal(routes.ignorePortInHostMatching, true);
  assert.deepEqual(routes.virtualHosts[0].domains, ["a.example"]);
  assert.equal(w.resource("CDS", CLUSTER, GATEWAY), null);
  const other = nodeOf({ kind: "gateway", agent: "envoy", gateway: "prod/other" });
  assert.deepEqual(w.names(LDS, other), []);
});

test("TLS chains by server name, with certificates by SDS", async () => {
  const w = worldOf({});
  const table = tableOf([forward([[CLUSTER, 1]])]);
  const chains = [
    { serverNames: ["a.example"], secrets: ["prod/cert"], table },
    { serverNames: [], secrets: ["prod/cert"], table },
  ];
  w.plan = {
    services: new Map(),
    gateways: new Map([["prod/edge", { listeners: [{ port: 8443, chains }] }]]),
    otherGateways: new Map(),
  };
  const authority = await createAuthority("test");
  const { cert, key } = await authority.issue({ names: ["a.example"] });
  w.source.put("Secret", {
    metadata: { name: "cert" },
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": cert, "tls.key": key },
  } as never);
  w.settle();
  w.service("again").settle();
  const { filterChains } = w.json("LDS", "prod/edge:8443", GATEWAY);
  assert.deepEqual(
    filterChains.map(({ filterChainMatch: match }: Json) => match.serverNames),
    [["a.example"], undefined],
  );
  const { commonTlsContext } = filterChains[0].transportSocket.typedConfig;
  assert.equal(commonTlsContext.tlsCertificateSdsSecretConfigs[0].name, "prod/cert");
  const before = w.resource("SDS", "prod/cert", GATEWAY)!;
  assert.match(
    w.json("SDS", "prod/cert", GATEWAY).tlsCertificate.certificateChain.inlineString,
    /^---/,
  );
  assert.equal(w.resource("SDS", "prod/cert", SIDECAR), null);
  assert.equal(w.resource("SDS", "prod/cert"), null);
  assert.notEqual(before, null);
});

test("what is asked for again is not encoded again", async () => {
  const w = worldOf({ [CLUSTER]: tableOf([forward([["prod/late:1", 1]])]) });
  const authority = await createAuthority("test");
  const { cert, key } = await authority.issue({ names: ["a.example"] });
  w.source.put("Secret", {
    metadata: { name: "cert" },
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": cert, "tls.key": key },
  } as never);
  const chains = [{ serverNames: [], secrets: ["prod/cert"], table: tableOf([]) }];
  const edge = { listeners: [{ port: 8443, chains }] };
  w.plan = { ...w.plan, gateways: new Map([["prod/edge", edge]]) };
  w.settle();
  w.service("again").settle();
  const near = nodeOf({ zone: "a", nodeName: "one" });
  for (const [type, name, node, other] of [
    ["LDS", TARGET, nodeOf(), near],
    ["CDS", "prod/late:1", nodeOf(), near],
    ["EDS", "prod/late:1", nodeOf(), SIDECAR],
    ["LDS", "prod/edge:8443", GATEWAY, GATEWAY],
    ["SDS", "prod/cert", GATEWAY, { ...GATEWAY, listenHost: "127.0.0.2" }],
  ] as const) {
    const first = w.resource(type, name, node);
    assert.notEqual(first, null, name);
    assert.equal(w.resource(type, name, other), first, `${type} ${name}`);
  }
  const there = { ...GATEWAY, listenHost: "127.0.0.2" };
  const { address } = w.json("LDS", "prod/edge:8443", there).address.socketAddress;
  assert.equal(address, "127.0.0.2");
});

test("routes that change are told by all names of their Service, and the clusters that they name", () => {
  const w = worldOf({});
  w.changes.length = 0;
  w.plan = {
    services: new Map([[CLUSTER, tables(tableOf([forward([["prod/x:1", 1]])]))]]),
    gateways: new Map(),
    otherGateways: new Map(),
  };
  w.service("unrelated").settle();
  const { names } = w.changes.at(-1)!;
  for (const name of [TARGET, CLUSTER, "echo.prod.svc:grpc"]) {
    assert.equal(names.get(RESOURCE_TYPES.RDS)!.has(name), true, name);
  }
  assert.equal(names.get(RESOURCE_TYPES.CDS)!.has("prod/x:1"), true);
});
