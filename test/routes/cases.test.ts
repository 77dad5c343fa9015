/**
 * The manifests of the Gateway API's conformance cases that apply to GRPCRoute (v1.7.0), each
 * checked and evaluated: statuses, and where calls go. Those written for HTTPRoute whose rule is
 * one of all routes stand here with GRPCRoute. No conformance is claimed.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { KubernetesObject } from "../../src/discovery/index.ts";
import { createAuthority } from "../support/certificates.ts";
import { fixture, objectsOf, type Pairs, World } from "./world.ts";

const INFRA = "gateway-conformance-infra";
const MESH = "gateway-conformance-mesh";
const ECHO = "/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho";
const V = [0, 1, 2, 3].map((i) => `${INFRA}/grpc-infra-backend-v${i}:8080`);
const H = [0, 1, 2, 3].map((i) => `${INFRA}/infra-backend-v${i}:8080`);
const WEB = "gateway-conformance-web-backend";
const GOOD = "Accepted ResolvedRefs";

let secrets: KubernetesObject[] = [];

before(async () => {
  const { cert, key } = await (await createAuthority("cases")).issue({ names: ["example.org"] });
  const secret = (namespace: string, name: string) =>
    JSON.stringify({
      ...{ kind: "Secret", apiVersion: "v1", type: "kubernetes.io/tls" },
      metadata: { namespace, name },
      stringData: { "tls.crt": cert, "tls.key": key },
    });
  secrets = objectsOf(secret(INFRA, "tls-validity-checks-certificate"), secret(WEB, "certificate"));
});

function worldOf(...names: string[]): World {
  return new World([...objectsOf(fixture("base"), ...names.map(fixture)), ...secrets]);
}

/** A call to the Gateway `same-namespace` unless another is named. */
function call(world: World, path: string, pairs: Pairs = [], name = "same-namespace"): string {
  return world.call(`${INFRA}/${name}`, 80, "example.com", path, pairs);
}

test("GRPCExactMethodMatching", () => {
  const world = worldOf("grpcroute-exact-method-matching");
  assert.deepEqual(world.route(`${INFRA}/exact-matching`), [`same-namespace: ${GOOD}`]);
  assert.deepEqual(
    ["Echo", "EchoTwo", "EchoThree"].map((method) => call(world, `${ECHO}/${method}`)),
    [V[1], V[2], "UNIMPLEMENTED"],
  );
});

test("GRPCRouteHeaderMatching", () => {
  const world = worldOf("grpcroute-header-matching");
  const cases: readonly (readonly [Pairs, string])[] = [
    [[["version", "one"]], V[1]],
    [[["version", "two"]], V[2]],
    [
      [
        ["version", "two"],
        ["color", "orange"],
      ],
      V[1],
    ],
    [
      [
        ["version", "two"],
        ["color", "blue"],
      ],
      V[2],
    ],
    [[["color", "orange"]], "UNIMPLEMENTED"],
    [[["some-other-header", "one"]], "UNIMPLEMENTED"],
    [[["color", "blue"]], V[1]],
    [[["color", "green"]], V[1]],
    [[["color", "red"]], V[2]],
    [[["color", "yellow"]], V[2]],
    [[["color", "purple"]], "UNIMPLEMENTED"],
  ];
  for (const [pairs, found] of cases) assert.equal(call(world, `${ECHO}/Echo`, pairs), found);
});

test("GRPCRouteListenerHostnameMatching", () => {
  const world = worldOf("grpcroute-listener-hostname-matching");
  const gateway = "grpcroute-listener-hostname-matching";
  assert.deepEqual(world.route(`${INFRA}/backend-v3`), [
    `${gateway}[listener-3]: ${GOOD}`,
    `${gateway}[listener-4]: ${GOOD}`,
  ]);
  for (const [authority, found] of [
    ["bar.com", V[1]],
    ["foo.bar.com", V[2]],
    ["foo.bar.com:8080", V[2]],
    ["baz.bar.com", V[3]],
    ["boo.bar.com", V[3]],
    ["multiple.prefixes.bar.com", V[3]],
    ["multiple.prefixes.foo.com", V[3]],
    ["foo.com", "UNIMPLEMENTED"],
    ["no.matching.host", "UNIMPLEMENTED"],
  ]) {
    assert.equal(
      world.call(`${INFRA}/${gateway}`, 80, authority, `${ECHO}/Echo`),
      found,
      authority,
    );
  }
});

test("GRPCRouteMultipleGateways", () => {
  const world = worldOf("grpcroute-multiple-gateways");
  assert.deepEqual(world.route(`${INFRA}/multiple-gateways-shared-route`), [
    `same-namespace: ${GOOD}`,
    `all-namespaces: ${GOOD}`,
  ]);
  const [echo, two] = [`${ECHO}/Echo`, `${ECHO}/EchoTwo`];
  assert.deepEqual([call(world, echo), call(world, two)], [V[1], V[2]]);
  const all = (path: string) => call(world, path, [], "all-namespaces");
  assert.deepEqual([all(echo), all(two)], [V[1], V[3]]);
});

test("GRPCRouteMultipleRoutesAttachmentSameHostnameIntersection", () => {
  const newer = (name: string, gateway: string, hostname: string) =>
    JSON.stringify({
      kind: "GRPCRoute",
      metadata: { name, namespace: INFRA, creationTimestamp: "2026-01-02T00:00:00Z" },
      spec: {
        parentRefs: [{ name: gateway }],
        hostnames: [hostname],
        rules: [{ backendRefs: [{ name: "grpc-infra-backend-v2", port: 8080 }] }],
      },
    });
  const name = "grpcroute-multiple-routes-attachment-same-hostname-intersection";
  const older = objectsOf(fixture(name)).map((object) => {
    const metadata = { ...object.metadata, creationTimestamp: "2026-01-01T00:00:00Z" };
    return { ...object, metadata };
  });
  const world = new World([
    ...objectsOf(fixture("base")),
    ...older,
    ...objectsOf(
      newer("exact-newer", "gw-grpcroute-exact-hostname-x", "abc.example.com"),
      newer("more-specific-newer", "gw-grpcroute-wc-hostname-x", "*.example.com"),
    ),
  ]);
  for (const gateway of ["gw-grpcroute-exact-hostname-x", "gw-grpcroute-wc-hostname-x"]) {
    const found = world.call(`${INFRA}/${gateway}`, 80, "abc.example.com", `${ECHO}/Echo`);
    assert.equal(found, V[2], gateway);
    assert.match(world.gateway(`${INFRA}/${gateway}`)[1], /routes=2$/);
  }
});

test("GRPCRouteNamedRule", () => {
  const world = worldOf("grpcroute-named-rule");
  const found = ["Echo", "EchoTwo"].map((method) => call(world, `${ECHO}/${method}`));
  assert.deepEqual(found, [V[1], V[2]]);
});

test("GRPCRouteRequestHeaderModifier: the first of three equal matches counts", () => {
  const world = worldOf("grpcroute-request-header-modifier");
  assert.deepEqual(world.route(`${INFRA}/grpc-request-header-modifier`), [
    `same-namespace: ${GOOD}`,
  ]);
  assert.equal(call(world, `${ECHO}/EchoTwo`), V[2]);
  const { ports } = world.evaluation.gateways.get(`${INFRA}/same-namespace`) ?? { ports: [] };
  const changes = ports[0].chains[0].table.hosts[0].routes.map(({ action }) =>
    action.kind === "forward" ? action.request : null,
  );
  assert.deepEqual(changes, [
    {
      set: [
        ["x-header-set-1", "header-set-1"],
        ["x-header-set-2", "header-set-2"],
      ],
      add: [
        ["x-header-add-1", "header-add-1"],
        ["x-header-add-2", "header-add-2"],
      ],
      remove: ["x-header-remove-1", "x-header-remove-2"],
    },
    { set: [["x-header-set", "set-overwrites-values"]], add: [], remove: [] },
    { set: [], add: [["x-header-add", "add-appends-values"]], remove: [] },
    { set: [], add: [], remove: ["x-header-remove"] },
  ]);
});

test("GRPCRouteWeight, and in a mesh", () => {
  const world = worldOf("grpcroute-weight", "mesh-grpcroute-weight");
  assert.equal(call(world, `${ECHO}/Echo`), `${V[1]} 70, ${V[2]} 30`);
  const weighted = `${MESH}/echo-v1:7070 70, ${MESH}/echo-v2:7070 30`;
  assert.equal(world.meshCall(`${MESH}/echo`, 7070, MESH, `${ECHO}/Echo`), weighted);
  assert.equal(world.meshCall(`${MESH}/echo`, 80, MESH, `${ECHO}/Echo`), `${MESH}/echo:80`);
  assert.deepEqual(world.route(`${MESH}/mesh-grpc-weighted-backends`), [`echo: ${GOOD}`]);
});

test("MeshGRPCRouteRequestHeaderModifier", () => {
  const world = worldOf("mesh-grpcroute-request-header-modifier");
  const found = ["set", "add", "remove", "multi", "other"].map((value) =>
    world.meshCall(`${MESH}/echo`, 7070, "elsewhere", `${ECHO}/Echo`, [["x-test-case", value]]),
  );
  const [v1, v2] = [`${MESH}/echo-v1:7070`, `${MESH}/echo-v2:7070`];
  assert.deepEqual(found, [v1, v1, v1, v2, "UNIMPLEMENTED"]);
});

test("MeshConsumerRoute: callers of the route's namespace only, without a ReferenceGrant", () => {
  const world = worldOf("mesh-mesh-consumer-route");
  const consumer = `${MESH}-consumer`;
  assert.deepEqual(world.route(`${consumer}/mesh-echo-add-header`), [`echo-v1: ${GOOD}`]);
  const ports = world.evaluation.services.get(`${MESH}/echo-v1`)?.ports ?? [];
  const responseOf = (from: string) => {
    const table = ports[0].consumers.get(from) ?? ports[0].table;
    const { action } = table.hosts[0].routes[0];
    return action.kind === "forward" ? action.response : null;
  };
  assert.deepEqual(responseOf(consumer)?.set, [["x-header-set", "set"]]);
  assert.equal(responseOf(MESH), null);
});

test("MeshPorts and MeshFrontend: a parent without a port is all of its ports", () => {
  const world = worldOf("mesh-mesh-ports");
  const routed = (service: string) =>
    world.evaluation.services.get(`${MESH}/${service}`)?.ports.map(({ hasRoutes }) => hasRoutes);
  assert.deepEqual(
    [routed("echo-v1"), routed("echo-v2")],
    [
      [true, false, false],
      [true, true, true],
    ],
  );
  assert.equal(
    worldOf("mesh-mesh-frontend").meshCall(`${MESH}/echo-v2`, 80, "x", "/a/B"),
    `${MESH}/echo-v2:80`,
  );
});

test("GatewayHTTPListenerIsolation", () => {
  const world = worldOf("gateway-http-listener-isolation");
  const to = (authority: string, service: string) =>
    world.call(`${INFRA}/http-listener-isolation`, 80, authority, `/${service}/Get`);
  const own = new Map([
    ["bar.com", "empty_hostname"],
    ["bar.example.com", "wildcard_example_com"],
    ["bar.foo.example.com", "wildcard_foo_example_com"],
    ["abc.foo.example.com", "abc_foo_example_com"],
  ]);
  for (const [authority, service] of own) {
    for (const other of own.values()) {
      assert.equal(to(authority, other), other === service ? H[1] : "UNIMPLEMENTED", authority);
    }
  }
});

test("GatewayHTTPListenerIsolation, with hostnames of routes", () => {
  const world = worldOf("gateway-http-listener-isolation-with-hostname-intersection");
  const gateway = `${INFRA}/http-listener-isolation-with-hostname-intersection`;
  const own = new Map([
    ["bar.com", "empty_hostname"],
    ["bar.example.com", "wildcard_example_com"],
    ["bar.foo.example.com", "wildcard_foo_example_com"],
    ["abc.foo.example.com", "abc_foo_example_com"],
  ]);
  for (const [authority, service] of own) {
    for (const other of own.values()) {
      const found = world.call(gateway, 80, authority, `/${other}/Get`);
      assert.equal(found, other === service ? H[1] : "UNIMPLEMENTED", `${authority} ${other}`);
    }
  }
});

const LISTENER = "Accepted Conflicted ResolvedRefs Programmed kinds=GRPCRoute";

test("GatewayInvalidListenersUnsupportedProtocol", () => {
  const world = worldOf("gateway-invalid-listeners-unsupported-protocol");
  const invalid =
    "invalid: Accepted=False/UnsupportedProtocol Conflicted ResolvedRefs " +
    "Programmed=False/Invalid kinds= routes=0";
  assert.deepEqual(world.gateway(`${INFRA}/gateway-only-unsupported-protocols`), [
    "Accepted=False/ListenersNotValid Programmed=False/Invalid",
    invalid,
  ]);
  assert.deepEqual(world.gateway(`${INFRA}/gateway-supported-and-unsupported-protocols`), [
    "Accepted=True/ListenersNotValid Programmed",
    `http: ${LISTENER} routes=0`,
    invalid,
  ]);
});

test("GatewayInvalidParametersRef", () => {
  const world = worldOf("gateway-invalid-parameters-ref");
  const [gateway] = world.gateway(`${INFRA}/gateway-invalid-parameters-ref`);
  assert.equal(gateway, "Accepted=False/InvalidParameters Programmed=False/Invalid");
});

test("GatewayInvalidRouteKind", () => {
  const world = worldOf("gateway-invalid-route-kind");
  const refs = "Accepted Conflicted ResolvedRefs=False/InvalidRouteKinds";
  assert.deepEqual(
    ["only-invalid", "supported-and-invalid"].map(
      (name) => world.gateway(`${INFRA}/gateway-${name}-route-kind`)[1],
    ),
    [
      `http: ${refs} Programmed=False/Invalid kinds= routes=0`,
      `http: ${refs} Programmed kinds=GRPCRoute routes=0`,
    ],
  );
});

test("GatewayInvalidTLSConfiguration", () => {
  const world = worldOf("gateway-invalid-tls-configuration");
  const names = ["nonexistent-secret", "unsupported-group", "unsupported-kind", "malformed-secret"];
  for (const name of names) {
    const [, listener] = world.gateway(`${INFRA}/gateway-certificate-${name}`);
    const refs = "ResolvedRefs=False/InvalidCertificateRef Programmed=False/Invalid";
    assert.equal(listener, `https: Accepted Conflicted ${refs} kinds=GRPCRoute routes=0`);
    assert.equal(world.ports(`${INFRA}/gateway-certificate-${name}`), "");
  }
});

test("GatewayModifyListeners: attached routes by listener", () => {
  const world = worldOf("gateway-modify-listeners");
  assert.deepEqual(world.gateway(`${INFRA}/gateway-remove-listener`).slice(1), [
    `https: ${LISTENER} routes=1`,
    `http: ${LISTENER} routes=1`,
  ]);
  assert.equal(world.ports(`${INFRA}/gateway-remove-listener`), "80/HTTP http; 443/HTTPS https");
});

test("GatewayOptionalAddressValue, GatewayStaticAddresses", () => {
  const world = worldOf("gateway-optional-address-value", "gateway-static-addresses");
  const [optional] = world.gateway(`${INFRA}/gateway-without-address-value`);
  assert.equal(optional, "Accepted Programmed");
  const [fixed] = world.gateway(`${INFRA}/gateway-static-addresses`);
  assert.equal(fixed, "Accepted=False/UnsupportedAddress Programmed=False/Invalid");
  const usable = fixture("gateway-static-addresses").replace(/ +- type: test.*\n +value: .*\n/, "");
  const [later] = new World(objectsOf(fixture("base"), usable)).gateway(
    `${INFRA}/gateway-static-addresses`,
  );
  assert.equal(later, "Accepted Programmed=False/AddressNotUsable");
});

for (const [name, refs, programmed] of [
  ["invalid-reference-grant", "ResolvedRefs=False/RefNotPermitted", "Programmed=False/Invalid"],
  ["missing-reference-grant", "ResolvedRefs=False/RefNotPermitted", "Programmed=False/Invalid"],
  ["reference-grant-all-in-namespace", "ResolvedRefs", "Programmed"],
  ["reference-grant-specific", "ResolvedRefs", "Programmed"],
]) {
  test(`GatewaySecret ${name}`, () => {
    const world = worldOf(`gateway-secret-${name}`);
    const [, ...listeners] = world.gateway(`${INFRA}/gateway-secret-${name}`);
    for (const listener of listeners) {
      const conditions = `Accepted Conflicted ${refs} ${programmed}`;
      assert.match(listener, new RegExp(`: ${conditions} kinds=GRPCRoute routes=0$`));
    }
  });
}

test("GatewayWithAttachedRoutes", () => {
  const world = worldOf(
    "gateway-with-attached-routes",
    "gateway-with-attached-routes-with-port-8080",
  );
  const listener = (name: string, i = 1) => world.gateway(`${INFRA}/${name}`)[i];
  assert.equal(listener("gateway-with-one-attached-route"), `http: ${LISTENER} routes=1`);
  assert.equal(listener("gateway-with-two-attached-routes"), `http: ${LISTENER} routes=2`);
  const two = "gateway-with-two-listeners-and-one-attached-route";
  assert.equal(listener(two), `http-unattached: ${LISTENER} routes=0`);
  assert.equal(listener(two, 2), `http: ${LISTENER} routes=1`);
  assert.deepEqual(world.route(`${INFRA}/http-route-not-accepted`), [
    "gateway-with-two-attached-routes: Accepted=False/NoMatchingListenerHostname ResolvedRefs",
  ]);
  const unresolved = "unresolved-gateway-with-one-attached-unresolved-route";
  assert.deepEqual(world.route(`${INFRA}/http-route-4`), [
    `${unresolved}[tls]: Accepted ResolvedRefs=False/BackendNotFound`,
  ]);
  const refs = "ResolvedRefs=False/InvalidCertificateRef Programmed=False/Invalid";
  assert.equal(listener(unresolved), `tls: Accepted Conflicted ${refs} kinds=GRPCRoute routes=1`);
});

test("client certificates of callers are not supported: their listeners are not accepted", () => {
  const world = worldOf(
    "gateway-with-clientcertificate-validation",
    "gateway-invalid-default-frontend-client-certificate-validation",
  );
  const [gateway, https] = world.gateway(`${INFRA}/client-validation-default`);
  assert.equal(gateway, "Accepted=False/ListenersNotValid Programmed=False/Invalid");
  assert.match(https, /Accepted=False\/UnsupportedValue/);
  const other = `${INFRA}/invalid-default-client-validation-config`;
  assert.equal(world.ports(other), "80/HTTP http");
});

const STATUSES: readonly (readonly [
  title: string,
  file: string,
  route: string,
  status: string,
  found: string,
])[] = [
  [
    "CrossNamespace",
    "route-cross-namespace",
    `${WEB}/cross-namespace`,
    `backend-namespaces: ${GOOD}`,
    `${WEB}/web-backend:8080`,
  ],
  [
    "DisallowedKind",
    "route-disallowed-kind",
    `${INFRA}/disallowed-kind`,
    "tlsroutes-only: Accepted=False/NotAllowedByListeners ResolvedRefs",
    "closed",
  ],
  [
    "InvalidBackendRefUnknownKind",
    "route-invalid-backendref-unknown-kind",
    `${INFRA}/invalid-backend-ref-unknown-kind`,
    "same-namespace: Accepted ResolvedRefs=False/InvalidKind",
    "UNAVAILABLE",
  ],
  [
    "InvalidCrossNamespaceBackendRef",
    "route-invalid-cross-namespace-backend-ref",
    `${INFRA}/invalid-cross-namespace-backend-ref`,
    "same-namespace: Accepted ResolvedRefs=False/RefNotPermitted",
    "UNAVAILABLE",
  ],
  [
    "InvalidCrossNamespaceParentRef",
    "route-invalid-cross-namespace-parent-ref",
    `${WEB}/invalid-cross-namespace-parent-ref`,
    "same-namespace: Accepted=False/NotAllowedByListeners ResolvedRefs",
    "UNIMPLEMENTED",
  ],
  [
    "InvalidNonExistentBackendRef",
    "route-invalid-nonexistent-backendref",
    `${INFRA}/invalid-nonexistent-backend-ref`,
    "same-namespace: Accepted ResolvedRefs=False/BackendNotFound",
    "UNAVAILABLE",
  ],
  [
    "InvalidParentRefNotMatchingSectionName",
    "route-invalid-parentref-not-matching-section-name",
    `${INFRA}/httproute-listener-not-matching-section-name`,
    "same-namespace[http1]: Accepted=False/NoMatchingParent ResolvedRefs",
    "UNIMPLEMENTED",
  ],
  [
    "InvalidParentRefSectionNameNotMatchingPort",
    "route-invalid-parentref-section-name-not-matching-port",
    `${INFRA}/httproute-listener-section-name-not-matching-port`,
    "gateway-with-one-not-matching-port-and-section-name-route[http]: " +
      "Accepted=False/NoMatchingParent ResolvedRefs",
    "UNIMPLEMENTED",
  ],
  [
    "InvalidReferenceGrant",
    "route-invalid-reference-grant",
    `${INFRA}/reference-grant`,
    "same-namespace: Accepted ResolvedRefs=False/RefNotPermitted",
    "UNAVAILABLE",
  ],
  [
    "PartiallyInvalidViaInvalidReferenceGrant",
    "route-partially-invalid-via-invalid-reference-grant",
    `${INFRA}/invalid-reference-grant`,
    "same-namespace: Accepted ResolvedRefs=False/RefNotPermitted",
    "gateway-conformance-app-backend/app-backend-v1:8080",
  ],
  [
    "ReferenceGrant",
    "route-reference-grant",
    `${INFRA}/reference-grant`,
    `same-namespace: ${GOOD}`,
    `${WEB}/web-backend:8080`,
  ],
];

for (const [title, file, route, status, found] of STATUSES) {
  test(`routes: ${title}`, () => {
    const world = worldOf(file);
    assert.deepEqual(world.route(route), [status]);
    const [gateway] = status.split(/[[:]/);
    assert.equal(call(world, "/a.B/C", [], gateway), found);
  });
}

test("routes: PartiallyInvalidViaInvalidReferenceGrant, the rule without a grant", () => {
  const world = worldOf("route-partially-invalid-via-invalid-reference-grant");
  assert.equal(call(world, "/v2/Get"), "UNAVAILABLE");
});

test("routes: HostnameIntersection", () => {
  const world = worldOf("route-hostname-intersection");
  const gateway = "httproute-hostname-intersection";
  const cases: readonly (readonly [string, string, string])[] = [
    ["very.specific.com", "s1", H[1]],
    ["non.matching.com", "s1", "UNIMPLEMENTED"],
    ["foo.nonmatchingwildcard.io", "s1", "UNIMPLEMENTED"],
    ["foo.wildcard.io", "s2", H[2]],
    ["bar.wildcard.io", "s2", H[2]],
    ["foo.bar.wildcard.io", "s2", H[2]],
    ["non.matching.com", "s2", "UNIMPLEMENTED"],
    ["wildcard.io", "s2", "UNIMPLEMENTED"],
    ["very.specific.com", "s3", H[3]],
    ["foo.specific.com", "s3", "UNIMPLEMENTED"],
    ["one.anotherwildcard.io", "s4", H[1]],
    ["one.two.anotherwildcard.io", "s4", H[1]],
    ["anotherwildcard.io", "s4", "UNIMPLEMENTED"],
    ["specific.but.wrong.com", "s5", "UNIMPLEMENTED"],
    ["wildcard.io", "s5", "UNIMPLEMENTED"],
  ];
  for (const [authority, service, found] of cases) {
    const to = world.call(`${INFRA}/${gateway}`, 80, authority, `/${service}/Get`);
    assert.equal(to, found, `${authority} ${service}`);
  }
  assert.deepEqual(world.route(`${INFRA}/no-intersecting-hosts`), [
    `${gateway}: Accepted=False/NoMatchingListenerHostname ResolvedRefs`,
  ]);
  const all = (authority: string) =>
    world.call(`${INFRA}/httproute-hostname-intersection-all`, 80, authority, "/a/B");
  assert.deepEqual(
    ["first.com", "sub.first.com", "second.com", "sub.second.com", "third.com"].map(all),
    [H[2], H[2], H[2], H[2], "UNIMPLEMENTED"],
  );
});

test("routes: MultipleGateways", () => {
  const world = worldOf("route-multiple-gateways");
  for (const key of world.evaluation.statuses.routes.keys()) {
    for (const status of world.route(key)) assert.ok(status.endsWith(GOOD), `${key} ${status}`);
  }
});
