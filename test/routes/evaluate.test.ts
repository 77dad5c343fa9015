/**
 * Tests of the evaluation, named by the rule of gateway.networking.k8s.io/v1 that each is of, and
 * its properties: the order of objects means nothing, what did not change stays the same object.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { KubernetesObject } from "../../src/discovery/index.ts";
import { RouteEvaluator as Evaluator, type RouteEvaluator } from "../../src/routes/index.ts";
import { createAuthority } from "../support/certificates.ts";
import { objectsOf, type Pairs, routeObjects, World } from "./world.ts";

/** Objects, from what differs from the usual. */
const CLASS = {
  kind: "GatewayClass",
  metadata: { name: "fairlead" },
  spec: { controllerName: "fairlead.dev/gateway-controller" },
};
const HTTP = { name: "http", port: 80, protocol: "HTTP" };

function gateway(spec: object = {}, name = "gw"): object {
  const whole = { gatewayClassName: "fairlead", listeners: [HTTP], ...spec };
  return { kind: "Gateway", metadata: { name, namespace: "prod", generation: 2 }, spec: whole };
}

function service(
  name: string,
  namespace = "prod",
  ports: object[] = [{ port: 80 }],
  type = "ClusterIP",
): object {
  return { kind: "Service", metadata: { name, namespace }, spec: { type, ports } };
}

function route(name: string, spec: object, meta: object = {}): object {
  const parentRefs = [{ name: "gw" }];
  return {
    kind: "GRPCRoute",
    metadata: { name, namespace: "prod", generation: 5, ...meta },
    spec: { parentRefs, ...spec },
  };
}

const to = (name: string, extra: object = {}) => ({ name, port: 80, ...extra });
const rule = (name: string, extra: object = {}) => ({ backendRefs: [to(name)], ...extra });
const method = (of: object, headers: object[] = []) => ({ method: of, headers });
const SERVICES = ["a", "b", "c", "m"].map((name) => service(name));
const WORLD = [CLASS, gateway(), ...SERVICES];

function world(...objects: object[]): World {
  return new World(objectsOf(...objects.map((object) => JSON.stringify(object))));
}

function call(of: World, path: string, authority = "x.example.com", pairs: Pairs = []): string {
  return of.call("prod/gw", 80, authority, path, pairs);
}

/** Which of two routes (to `a` and to `b`) a call takes. */
const PRECEDENCE: readonly (readonly [rule: string, a: object[], b: object[], path?: string])[] = [
  [
    "characters in a matching non-wildcard hostname",
    [{ hostnames: ["*.very.long.x.example.com", "x.example.com"] }],
    [
      {
        hostnames: ["*.example.com"],
        rules: [rule("b", { matches: [method({ service: "s.S", method: "M" })] })],
      },
    ],
  ],
  [
    "characters in a matching hostname",
    [{ hostnames: ["*.example.com"] }],
    [{ hostnames: ["*.com"], rules: [rule("b", { matches: [method({ service: "s.S" })] })] }],
  ],
  ["a hostname before none", [{ hostnames: ["*.com"] }], [{}]],
  [
    "characters in a matching service",
    [{ rules: [rule("a", { matches: [method({ service: "s.S" })] })] }],
    [{ rules: [rule("b", { matches: [method({ method: "M" }, [{ name: "x", value: "1" }])] })] }],
  ],
  [
    "characters in a matching method",
    [{ rules: [rule("a", { matches: [method({ service: "s.S", method: "M" })] })] }],
    [
      {
        rules: [rule("b", { matches: [method({ service: "s.S" }, [{ name: "x", value: "1" }])] })],
      },
    ],
  ],
  [
    "header matches",
    [
      {
        rules: [rule("a", { matches: [method({ service: "s.S" }, [{ name: "x", value: "1" }])] })],
      },
    ],
    [{ rules: [rule("b", { matches: [method({ service: "s.S" })] })] }],
  ],
  [
    "exact before a regular expression",
    [{ rules: [rule("a", { matches: [method({ service: "s.S" })] })] }],
    [
      {
        rules: [
          rule("b", {
            matches: [method({ type: "RegularExpression", service: "s[.][A-Z]", method: "M|N" })],
          }),
        ],
      },
    ],
  ],
  [
    "a regular expression before none",
    [{ rules: [rule("a", { matches: [method({ type: "RegularExpression", service: "s.*" })] })] }],
    [{}],
  ],
  [
    "the oldest route",
    [{}, { name: "z", creationTimestamp: "2026-01-01T00:00:00Z" }],
    [{}, { creationTimestamp: "2026-01-01T00:00:01Z" }],
  ],
  [
    "a route whose age is known",
    [{}, { name: "z", creationTimestamp: "2026-01-01T00:00:00Z" }],
    [{}],
  ],
  ["the first by namespace/name", [{}, { name: "a" }], [{}]],
];

for (const [name, a, b] of PRECEDENCE) {
  test(`precedence: ${name}`, () => {
    const made = ([spec, meta]: object[], target: string, metaName: string) =>
      route(metaName, { rules: [rule(target)], ...spec }, meta);
    const pairs: Pairs = [["x", "1"]];
    for (const order of [
      [made(a, "a", "first"), made(b, "b", "second")],
      [made(b, "b", "second"), made(a, "a", "first")],
    ]) {
      assert.equal(call(world(...WORLD, ...order), "/s.S/M", "x.example.com", pairs), "prod/a:80");
    }
  });
}

test("precedence: the first rule, and a call that matches no rule of one route goes on", () => {
  const of = world(
    ...WORLD,
    route("r", {
      hostnames: ["x.example.com"],
      rules: [
        rule("a", { matches: [method({ service: "s.S" })] }),
        rule("b", { matches: [method({ service: "s.S" })] }),
      ],
    }),
    route("wide", { hostnames: ["*.com"], rules: [rule("c")] }),
  );
  assert.equal(call(of, "/s.S/M"), "prod/a:80");
  assert.equal(call(of, "/t.T/M"), "prod/c:80");
  assert.equal(call(of, "/t.T/M", "x.example.net"), "UNIMPLEMENTED");
});

test("matches: method alone, regular expressions of service, method and header", () => {
  const of = world(
    ...WORLD,
    route("r", {
      rules: [
        rule("a", { matches: [method({ method: "Ping" })] }),
        rule("b", {
          matches: [method({ type: "RegularExpression", service: "shop[.](Cart|Order)" })],
        }),
        rule("c", {
          matches: [{ headers: [{ name: "v", type: "RegularExpression", value: "2[.]\\d+" }] }],
        }),
      ],
    }),
  );
  const cases: readonly (readonly [string, Pairs, string])[] = [
    ["/any.Thing/Ping", [], "prod/a:80"],
    ["/any.Thing/Pings", [], "UNIMPLEMENTED"],
    ["/shop.Cart/Add", [], "prod/b:80"],
    ["/shop.Carts/Add", [], "UNIMPLEMENTED"],
    ["/x.X/Y", [["v", "2.17"]], "prod/c:80"],
    ["/x.X/Y", [["v", "12.17"]], "UNIMPLEMENTED"],
  ];
  for (const [path, pairs, found] of cases) assert.equal(call(of, path, "h", pairs), found, path);
});

test("weights: a backend that is not there keeps its share, to be refused; 0 gets none", () => {
  const backendRefs = [to("a", { weight: 3 }), to("gone", { weight: 1 }), to("b", { weight: 0 })];
  const of = world(...WORLD, route("r", { rules: [{ backendRefs }] }));
  assert.equal(call(of, "/s.S/M"), "prod/a:80 3, prod/gone:80#BackendNotFound 1");
  const none = world(
    ...WORLD,
    route("r", { rules: [{ backendRefs: [to("a", { weight: 0 })] }, {}] }),
  );
  assert.equal(call(none, "/s.S/M"), "UNAVAILABLE");
  assert.deepEqual(none.route("prod/r"), ["gw: Accepted ResolvedRefs"]);
});

const REFS: readonly (readonly [name: string, ref: object, message: string])[] = [
  ["BackendNotFound", to("gone"), "Service prod/gone does not exist"],
  ["BackendNotFound", { name: "a" }, "no port is given for Service prod/a"],
  ["BackendNotFound", { name: "a", port: 81 }, "Service prod/a has no port 81"],
  ["InvalidKind", to("a", { kind: "Pod" }), "Pod prod/a is no backend, only Services are"],
  ["InvalidKind", to("ext"), "Service prod/ext is of type ExternalName, which is no backend"],
  ["UnsupportedProtocol", to("udp"), "port 80 of Service prod/udp is UDP, gRPC needs TCP"],
  [
    "RefNotPermitted",
    to("d", { namespace: "dev" }),
    "Service dev/d is in another namespace, and no ReferenceGrant there allows GRPCRoutes " +
      "of prod to refer to it",
  ],
];

for (const [reason, ref, message] of REFS) {
  test(`ResolvedRefs: ${reason}: ${message.slice(0, 60)}`, () => {
    const of = world(
      ...WORLD,
      service("ext", "prod", [{ port: 80 }], "ExternalName"),
      service("udp", "prod", [{ port: 80, protocol: "UDP" }]),
      service("d", "dev"),
      route("r", { rules: [{ backendRefs: [ref] }] }),
    );
    const [parent] = of.evaluation.statuses.routes.get("prod/r") ?? [];
    const condition = parent.conditions.find(({ type }) => type === "ResolvedRefs");
    const status = "False";
    assert.deepEqual(condition, {
      type: "ResolvedRefs",
      status,
      reason,
      message,
      observedGeneration: 5,
    });
    assert.equal(call(of, "/s.S/M"), "UNAVAILABLE");
  });
}

const MODIFIER = {
  type: "RequestHeaderModifier",
  requestHeaderModifier: { set: [{ name: "te", value: "x" }] },
};
const UNSUPPORTED: readonly (readonly [name: string, rule: object, message: RegExp])[] = [
  [
    "ExtensionRef",
    rule("a", {
      filters: [{ type: "ExtensionRef", extensionRef: { group: "x.y", kind: "Auth", name: "z" } }],
    }),
    /Rule 0: filter ExtensionRef \(Auth of x.y, z\) is not supported/,
  ],
  [
    "sessionPersistence",
    rule("a", { sessionPersistence: {} }),
    /Rule 0: spec.rules\[0\].sessionPersistence is not supported/,
  ],
  [
    "a header that is the protocol's",
    rule("a", { filters: [MODIFIER] }),
    /Rule 0: RequestHeaderModifier may not change te/,
  ],
  [
    "a mirror of one backend",
    {
      backendRefs: [
        to("a", { filters: [{ type: "RequestMirror", requestMirror: { backendRef: to("m") } }] }),
      ],
    },
    /Rule 0: RequestMirror of a backend is not supported/,
  ],
  [
    "look-ahead",
    rule("a", {
      matches: [
        { headers: [{ name: "x", value: "ok" }] },
        { headers: [{ name: "x", type: "RegularExpression", value: "(?=a)" }] },
      ],
    }),
    /Rule 0: match 1 has no regular expression that RE2 knows/,
  ],
];

for (const [name, unsupported, message] of UNSUPPORTED) {
  test(`what nobody here can do is said, and its calls are refused: ${name}`, () => {
    const pairs: Pairs = [["x", "ok"]];
    const alone = world(...WORLD, route("r", { rules: [unsupported] }));
    assert.deepEqual(alone.route("prod/r"), ["gw: Accepted=False/UnsupportedValue ResolvedRefs"]);
    assert.match(
      alone.evaluation.statuses.routes.get("prod/r")?.[0].conditions[0].message ?? "",
      message,
    );
    assert.match(alone.gateway("prod/gw")[1], /routes=0$/);
    assert.equal(call(alone, "/s.S/M", "h", pairs), "UNAVAILABLE");
    const other = rule("b", { matches: [method({ service: "other.O" })] });
    const partly = world(
      ...WORLD,
      route("r", { rules: [unsupported, other] }),
      route("s", { rules: [rule("c")] }),
    );
    assert.deepEqual(partly.route("prod/r"), [
      "gw: Accepted ResolvedRefs PartiallyInvalid=True/UnsupportedValue",
    ]);
    assert.match(
      partly.evaluation.statuses.routes.get("prod/r")?.[0].conditions[2].message ?? "",
      /^Dropped Rule/,
    );
    assert.equal(call(partly, "/s.S/M", "h", pairs), "UNAVAILABLE");
    assert.equal(call(partly, "/other.O/M"), "prod/b:80");
  });
}

test("filters: changes of a rule and of a backend, mirrors with their shares", () => {
  const modify = (type: string, name: string) => ({
    type,
    [`${type[0].toLowerCase()}${type.slice(1)}`]: { add: [{ name, value: "1" }] },
  });
  const mirror = (name: string, share: object) => ({
    type: "RequestMirror",
    requestMirror: { backendRef: to(name), ...share },
  });
  const filters = [
    modify("RequestHeaderModifier", "X-Req"),
    modify("ResponseHeaderModifier", "X-Res"),
    mirror("m", { percent: 20 }),
    mirror("b", { fraction: { numerator: 1, denominator: 3 } }),
    mirror("gone", {}),
  ];
  const own = [modify("RequestHeaderModifier", "X-Own")];
  const of = world(
    ...WORLD,
    route("r", { rules: [{ filters, backendRefs: [to("a", { filters: own })] }] }),
  );
  const { table } = (of.evaluation.gateways.get("prod/gw")?.ports ?? [])[0].chains[0];
  const { action } = table.hosts[0].routes[0];
  assert.ok(action.kind === "forward");
  assert.deepEqual(action.request?.add, [["x-req", "1"]]);
  assert.deepEqual(action.response?.add, [["x-res", "1"]]);
  assert.deepEqual(action.clusters[0].request?.add, [["x-own", "1"]]);
  assert.deepEqual(action.mirrors, [
    { cluster: "prod/m:80", perMillion: 200_000 },
    { cluster: "prod/b:80", perMillion: 333_333 },
  ]);
  assert.deepEqual(of.route("prod/r"), ["gw: Accepted ResolvedRefs=False/BackendNotFound"]);
});

const CONFLICTS: readonly (readonly [listeners: object[], conflicts: string[], ports: string])[] = [
  [
    [HTTP, { ...HTTP, name: "https", protocol: "HTTPS" }],
    ["ProtocolConflict", "ProtocolConflict"],
    "",
  ],
  [
    [HTTP, { ...HTTP, name: "two" }, { ...HTTP, name: "ok", port: 81 }],
    ["HostnameConflict", "HostnameConflict", ""],
    "81/HTTP ok",
  ],
  [[HTTP, { ...HTTP, name: "two", hostname: "a.b" }], ["", ""], "80/HTTP http two"],
  [[HTTP, { ...HTTP, name: "tcp", protocol: "TCP" }], ["", ""], "80/HTTP http"],
];

for (const [listeners, conflicts, ports] of CONFLICTS) {
  const said = conflicts.map((conflict) => conflict || "distinct").join(", ");
  test(`listeners: ${said}: ${ports}`, () => {
    const of = world(CLASS, gateway({ listeners }));
    const status = of.evaluation.statuses.gateways.get("prod/gw");
    const reasons = status?.listeners.map(({ conditions }) => {
      const { status: is, reason } = conditions[1];
      return is === "True" ? reason : "";
    });
    assert.deepEqual(reasons, conflicts);
    assert.equal(of.ports("prod/gw"), ports);
  });
}

test("listeners: of HTTPS, a narrower one's hosts are not a wider one's", async () => {
  const { cert, key } = await (await createAuthority("routes")).issue({ names: ["a.example"] });
  const secret = {
    kind: "Secret",
    metadata: { name: "cert", namespace: "prod" },
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": cert, "tls.key": key },
  };
  const https = (name: string, hostname: string | null, certificate = "cert") => ({
    ...{ name, port: 443, protocol: "HTTPS" },
    ...(hostname === null ? {} : { hostname }),
    tls: { certificateRefs: [{ name: certificate }] },
  });
  const listeners = [
    https("any", null),
    https("wide", "*.example"),
    https("narrow", "a.example"),
    https("broken", "b.example", "gone"),
  ];
  const of = world(secret, ...WORLD, gateway({ listeners }), route("r", { rules: [rule("a")] }));
  const at = (serverName: string, authority: string) =>
    of.call("prod/gw", 443, authority, "/s.S/M", [], serverName);
  assert.equal(at("a.example", "a.example"), "prod/a:80");
  assert.equal(at("c.example", "c.example"), "prod/a:80");
  assert.equal(at("c.example", "a.example"), "UNIMPLEMENTED");
  assert.equal(at("c.example", "b.example"), "UNIMPLEMENTED");
  assert.equal(at("a.example", "c.example"), "UNIMPLEMENTED");
  assert.equal(at("x.net", "c.example"), "UNIMPLEMENTED");
  assert.equal(of.ports("prod/gw"), "443/HTTPS any | wide | narrow");
});

const SELECTORS: readonly (readonly [selector: object | null, allows: boolean])[] = [
  [{ matchLabels: { team: "a" } }, true],
  [{ matchLabels: { team: "b" } }, false],
  [{ matchLabels: { constructor: "a" } }, false],
  [{ matchLabels: { "kubernetes.io/metadata.name": "dev" } }, true],
  [{ matchExpressions: [{ key: "team", operator: "In", values: ["a", "b"] }] }, true],
  [{ matchExpressions: [{ key: "team", operator: "NotIn", values: ["a"] }] }, false],
  [{ matchExpressions: [{ key: "none", operator: "NotIn", values: ["a"] }] }, true],
  [{ matchExpressions: [{ key: "team", operator: "Exists" }] }, true],
  [{ matchExpressions: [{ key: "team", operator: "DoesNotExist" }] }, false],
  [{}, true],
  [null, false],
];

for (const [selector, allows] of SELECTORS) {
  test(`allowedRoutes: Selector ${JSON.stringify(selector)}: ${allows}`, () => {
    const namespaces = selector === null ? { from: "Selector" } : { from: "Selector", selector };
    const of = world(
      CLASS,
      { kind: "Namespace", metadata: { name: "dev", labels: { team: "a" } } },
      gateway({ listeners: [{ ...HTTP, allowedRoutes: { namespaces } }] }),
      route("r", { parentRefs: [{ name: "gw", namespace: "prod" }] }, { namespace: "dev" }),
    );
    const status = allows ? "Accepted" : "Accepted=False/NotAllowedByListeners";
    assert.deepEqual(of.route("dev/r"), [`gw: ${status} ResolvedRefs`]);
  });
}

/** A route's parents, and what its conditions say of each. */
const UNATTACHED: readonly (readonly [parent: object, namespace: string, says: string])[] = [
  [{}, "dev", "no listener of Gateway prod/gw allows GRPCRoutes of namespace dev"],
  [{ port: 80 }, "dev", "no listener on port 80 of Gateway prod/gw allows"],
  [{ sectionName: "http", port: 80 }, "dev", "no listener named http on port 80 of Gateway"],
  [{ sectionName: "none" }, "prod", "Gateway prod/gw has no listener named none"],
  [{ port: 7 }, "prod", "Gateway prod/gw has no listener on port 7"],
  [
    { sectionName: "http", port: 7 },
    "prod",
    "Gateway prod/gw has no listener named http on port 7",
  ],
];

for (const [parent, namespace, says] of UNATTACHED) {
  test(`why a route has no parent: ${says}`, () => {
    const parentRefs = [{ name: "gw", namespace: "prod", ...parent }];
    const of = world(...WORLD, route("r", { parentRefs }, { namespace }));
    const [found] = of.evaluation.statuses.routes.get(`${namespace}/r`)!;
    const { message } = found!.conditions.find(({ type }) => type === "Accepted")!;
    assert.equal(message.slice(0, says.length), says);
  });
}

test("a route that names a listener in two ways is attached to it once", () => {
  const parentRefs = [{ name: "gw" }, { name: "gw", sectionName: "http" }];
  const of = world(...WORLD, route("r", { parentRefs, rules: [rule("a")] }));
  assert.deepEqual(of.route("prod/r"), [
    "gw: Accepted ResolvedRefs",
    "gw[http]: Accepted ResolvedRefs",
  ]);
  assert.match(of.gateway("prod/gw")[1]!, /^http: .* routes=1$/);
  const { ports } = of.evaluation.gateways.get("prod/gw")!;
  assert.equal(ports[0]!.chains[0]!.table.hosts[0]!.routes.length, 1);
});

test("a class of others, its Gateways, and a parent of another kind are left alone", () => {
  const other = { ...CLASS, metadata: { name: "other" }, spec: { controllerName: "a/b" } };
  const parentRefs = [
    { name: "gw" },
    { name: "x", group: "", kind: "ConfigMap" },
    { name: "none" },
  ];
  const of = world(other, gateway({ gatewayClassName: "other" }), route("r", { parentRefs }));
  const { gateways, statuses } = of.evaluation;
  assert.equal(gateways.size + statuses.gatewayClasses.size + statuses.routes.size, 0);
});

test("a class with parameters is not accepted, nor are its Gateways", () => {
  const spec = { ...CLASS.spec, parametersRef: { group: "", kind: "ConfigMap", name: "x" } };
  const of = world({ ...CLASS, spec }, gateway());
  const [condition] = of.evaluation.statuses.gatewayClasses.get("fairlead") ?? [];
  assert.deepEqual([condition.status, condition.reason], ["False", "InvalidParameters"]);
  assert.match(of.gateway("prod/gw")[0], /^Accepted=False\/InvalidParameters/);
  assert.equal(of.ports("prod/gw"), "");
});

test("GAMMA: producers for all, consumers for their own namespace, defaults for the rest", () => {
  const parentRefs = [{ group: "", kind: "Service", name: "a", namespace: "prod" }];
  const of = world(
    ...SERVICES,
    service("d", "dev"),
    route("producer", { parentRefs, hostnames: ["ignored.example"], rules: [rule("b")] }),
    route(
      "consumer",
      { parentRefs, rules: [{ backendRefs: [to("d"), to("a", { namespace: "prod" })] }] },
      { namespace: "dev" },
    ),
    route("stray", { parentRefs: [{ group: "", kind: "Service", name: "none" }] }),
    route("portless", { parentRefs: [{ ...parentRefs[0], port: 81 }] }),
  );
  assert.equal(of.meshCall("prod/a", 80, "prod", "/s.S/M"), "prod/b:80");
  assert.equal(of.meshCall("prod/a", 80, "else", "/s.S/M"), "prod/b:80");
  assert.equal(of.meshCall("prod/a", 80, "dev", "/s.S/M"), "dev/d:80 1, prod/a:80 1");
  assert.equal(of.meshCall("prod/c", 80, "dev", "/s.S/M"), "prod/c:80");
  assert.deepEqual(of.route("dev/consumer"), ["a: Accepted ResolvedRefs"]);
  assert.deepEqual(of.route("prod/stray"), ["none: Accepted=False/NoMatchingParent ResolvedRefs"]);
  assert.deepEqual(of.route("prod/portless"), ["a: Accepted=False/NoMatchingParent ResolvedRefs"]);
});

/** Routes over few names, so that they meet, in every order. */
const HOSTS = ["a.example", "*.example", "b.a.example", "*.a.example"];
const someRoutes = fc.array(
  fc.record({
    hostnames: fc.subarray(HOSTS),
    services: fc.array(fc.constantFrom("s.S", "t.T", "s.*"), { maxLength: 3 }),
    backend: fc.constantFrom("a", "b", "gone"),
    parent: fc.constantFrom({ name: "gw" }, { group: "", kind: "Service", name: "a" }),
    creationTimestamp: fc.constantFrom("", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
  }),
  { maxLength: 6 },
);
const LISTENERS = [
  HTTP,
  ...HOSTS.slice(0, 2).map((hostname, i) => ({ ...HTTP, name: `l${i}`, hostname })),
];

test("the same objects come to the same in any order", () => {
  fc.assert(
    fc.property(someRoutes, fc.infiniteStream(fc.nat()), (specs, order) => {
      const routes = specs.map(({ hostnames, services, backend, parent, creationTimestamp }, i) => {
        const matches = services.map((of) =>
          method({ type: of === "s.*" ? "RegularExpression" : "Exact", service: of }),
        );
        const rules = [rule(backend, { matches })];
        return route(`r${i}`, { hostnames, parentRefs: [parent], rules }, { creationTimestamp });
      });
      const all = [CLASS, gateway({ listeners: LISTENERS }), ...SERVICES, ...routes];
      const shuffled = all
        .map((object) => ({ object, at: order.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ object }) => object);
      assert.deepEqual(world(...shuffled).evaluation, world(...all).evaluation);
    }),
    { numRuns: 60 },
  );
});

/** A first evaluation, then one of changed objects by the same evaluator. */
function twice(before: readonly KubernetesObject[], after: readonly KubernetesObject[]) {
  const evaluator: RouteEvaluator = new Evaluator();
  return [before, after].map((objects) => evaluator.evaluate(routeObjects(objects)));
}

test("what a change does not touch stays the same object, what it touches does not", () => {
  const parentRefs = [{ group: "", kind: "Service", name: "a" }];
  const objects = objectsOf(
    ...[
      ...WORLD,
      gateway({}, "gw2"),
      route("r", { rules: [rule("b")] }),
      route("mesh", { parentRefs, rules: [rule("b")] }),
    ].map((object) => JSON.stringify(object)),
  );
  const [once, same] = twice(objects, [...objects].reverse());
  for (const [key, value] of once.gateways) assert.equal(same.gateways.get(key), value);
  for (const [key, value] of once.services) assert.equal(same.services.get(key), value);
  // Service b goes: the routes to it are others, Services and Gateways without them are not.
  const [first, second] = twice(
    objects,
    objects.filter(({ metadata }) => metadata.name !== "b"),
  );
  assert.notEqual(second.gateways.get("prod/gw"), first.gateways.get("prod/gw"));
  assert.equal(second.gateways.get("prod/gw2"), first.gateways.get("prod/gw2"));
  assert.notEqual(second.services.get("prod/a"), first.services.get("prod/a"));
  assert.equal(second.services.get("prod/c"), first.services.get("prod/c"));
  assert.equal(second.services.has("prod/b"), false);
});

const MANY = Array.from({ length: 50 }, (_, i) =>
  route(`r${i}`, { rules: [rule(i === 7 ? "nobody" : "b")] }),
);

test("a Service that says nothing new to routes leaves them, and all statuses, as they are", () => {
  const texts = [...WORLD, ...MANY].map((object) => JSON.stringify(object));
  const objects = objectsOf(...texts);
  const others = objectsOf(...texts);
  const after = objects.map((object, i) => (object.kind === "Service" ? others[i] : object));
  const [first, second] = twice(objects, after);
  assert.equal(second.gateways.get("prod/gw"), first.gateways.get("prod/gw"));
  assert.equal(second.statuses, first.statuses);
});

test("of many routes the one that changed is judged anew; statuses are others with it", () => {
  const texts = [...WORLD, ...MANY].map((object) => JSON.stringify(object));
  const objects = objectsOf(...texts);
  const others = objectsOf(...texts);
  const isIt = ({ metadata }: KubernetesObject): boolean => metadata.name === "r3";
  const after = objects.map((object, i) => (isIt(object) ? others[i] : object));
  const [first, second] = twice(objects, after);
  // It says the same: but its status may have been written meanwhile.
  assert.notEqual(second.statuses, first.statuses);
  const changed = [...second.statuses.routes].filter(
    ([key, parents]) => parents !== first.statuses.routes.get(key),
  );
  assert.deepEqual(
    changed.map(([key]) => key),
    ["prod/r3"],
  );
  const without = objects.filter((object) => !isIt(object));
  const [, fewer] = twice(objects, without);
  assert.equal(fewer.statuses.routes.size, 49);
  const [, unlet] = twice(
    objects,
    objects.filter(({ kind }) => kind !== "Gateway"),
  );
  assert.equal(unlet.statuses.routes.size, 0);
});

test("what was prepared is not made again, but for objects that changed since", () => {
  const objects = routeObjects(
    objectsOf(...[...WORLD, ...MANY].map((object) => JSON.stringify(object))),
  );
  const read: string[] = [];
  for (const { metadata, ...rest } of objects.routes.values()) {
    const route = Object.defineProperty({ ...rest, metadata }, "rules", {
      get: () => {
        read.push(metadata.name);
        return rest.rules;
      },
    });
    (objects.routes as unknown as Map<string, object>).set(`prod/${metadata.name}`, route);
  }
  const evaluator: RouteEvaluator = new Evaluator();
  const work = evaluator.prepare(objects);
  let stepCount = 0;
  while (work.next().done !== true) stepCount += 1;
  assert.equal(stepCount, 50);
  assert.equal(new Set(read.splice(0)).size, 50);
  const found = evaluator.evaluate(objects);
  assert.deepEqual(read, []);
  assert.deepEqual(found, new Evaluator().evaluate(objects));
  // Service "nobody" comes between: one route depends on it.
  read.length = 0;
  const [nobody] = objectsOf(JSON.stringify(service("nobody")));
  (objects.services as unknown as Map<string, KubernetesObject>).set("prod/nobody", nobody);
  evaluator.evaluate(objects);
  assert.deepEqual([...new Set(read)], ["r7"]);
});
