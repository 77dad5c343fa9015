/**
 * Further manifests of the Gateway API's conformance cases (v1.7.0), of those written for HTTPRoute
 * whose rule is one of all routes, with GRPCRoute; and of Gateways. No conformance is claimed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ForwardAction } from "../../src/routes/index.ts";
import { fixture, objectsOf, World } from "./world.ts";

const INFRA = "gateway-conformance-infra";
const [, V1, V2, V3] = [0, 1, 2, 3].map((i) => `${INFRA}/infra-backend-v${i}:8080`);
const GOOD = "Accepted ResolvedRefs";

function worldOf(...names: string[]): World {
  return new World(objectsOf(fixture("base"), ...names.map(fixture)));
}

function call(world: World, path: string): string {
  return world.call(`${INFRA}/same-namespace`, 80, "example.com", path);
}

/** What the routes of the Gateway do, in the order of their rules. */
function actionsOf(world: World): ForwardAction[] {
  const { ports } = world.evaluation.gateways.get(`${INFRA}/same-namespace`)!;
  const { routes } = ports[0]!.chains[0]!.table.hosts[0]!;
  const inOrder = routes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return inOrder.flatMap(({ action }) => (action.kind === "forward" ? [action] : []));
}

test("ListenerPortMatching", () => {
  const world = worldOf("route-listener-port-matching");
  const gateway = `${INFRA}/httproute-listener-port-matching`;
  for (const [host, port, found] of [
    ["foo.com", 80, V1],
    ["foo.com:8080", 8080, V2],
    ["bar.com:8080", 8080, V2],
    ["foo.com:8090", 8090, V3],
    ["bar.com:8090", 8090, "UNIMPLEMENTED"],
  ] as const) {
    assert.equal(world.call(gateway, port, host, "/a.B/C"), found, `${host} at ${port}`);
  }
  const counts = world
    .gateway(gateway)
    .slice(1)
    .map((line) => line.slice(-1));
  assert.deepEqual(counts, ["1", "1", "1", "1", "0"]);
});

test("InvalidParentRefNotMatchingListenerPort", () => {
  const world = worldOf("route-invalid-parentref-not-matching-listener-port");
  const status = world.route(`${INFRA}/httproute-listener-not-matching-route-port`);
  assert.deepEqual(status, ["same-namespace: Accepted=False/NoMatchingParent ResolvedRefs"]);
  assert.equal(call(world, "/a.B/C"), "UNIMPLEMENTED");
});

test("OmittedBackendRefs: calls of rules without backends are refused, others go on", () => {
  const world = worldOf("route-omitted-backendrefs");
  assert.deepEqual(world.route(`${INFRA}/omitted-backendrefs`), [`same-namespace: ${GOOD}`]);
  assert.equal(call(world, "/forward/Get"), V1);
  for (const service of ["omitted_no_forward", "empty_no_forward"]) {
    assert.equal(call(world, `/${service}/Get`), "UNAVAILABLE", service);
  }
});

test("RequestPercentageMirror", () => {
  const actions = actionsOf(worldOf("route-request-percentage-mirror"));
  const shares = actions.map(({ mirrors }) => mirrors);
  assert.deepEqual(
    shares,
    [200_000, 500_000, 350_000].map((perMillion) => [{ cluster: V2, perMillion }]),
  );
  const changed = {
    set: [["x-header-set", "set-overwrites-values"]],
    add: [
      ["x-header-add", "header-val-1"],
      ["x-header-add-append", "header-val-2"],
    ],
    remove: ["x-header-remove"],
  };
  assert.deepEqual(
    actions.map(({ request }) => request),
    [null, null, changed],
  );
});

test("RequestMultipleMirrors", () => {
  const actions = actionsOf(worldOf("route-request-multiple-mirrors"));
  assert.equal(actions.length, 2);
  for (const { mirrors } of actions) {
    assert.deepEqual(
      mirrors,
      [V2, V3].map((cluster) => ({ cluster, perMillion: 1_000_000 })),
    );
  }
});

test("ResponseHeaderModifier", () => {
  const actions = actionsOf(worldOf("route-response-header-modifier"));
  const { set, add, remove } = actions[3]!.response!;
  assert.deepEqual([set.length, add.length, remove.length], [2, 3, 2]);
  assert.deepEqual(
    actions.slice(0, 3).map(({ request, response }) => [request, response]),
    [
      [null, { set: [["x-header-set", "set-overwrites-values"]], add: [], remove: [] }],
      [null, { set: [], add: [["x-header-add", "add-appends-values"]], remove: [] }],
      [null, { set: [], add: [], remove: ["x-header-remove"] }],
    ],
  );
});

test("RequestHeaderModifierBackendWeights: each backend has its own change", () => {
  const [action] = actionsOf(worldOf("route-request-header-modifier-backend-weights"));
  assert.deepEqual(
    action!.clusters.map(({ cluster, weight, request }) => [cluster, weight, request?.set]),
    [
      [V1, 10, [["backend", "infra-backend-v1"]]],
      [V2, 10, [["backend", "infra-backend-v2"]]],
    ],
  );
});

test("GatewayNameMaximumLength", () => {
  const text = fixture("gateway-name-maximum-length");
  const name = /gateway-name-maximum-length-a+/.exec(text)![0];
  assert.equal(name.length, 253);
  const [gateway, listener] = worldOf("gateway-name-maximum-length").gateway(`${INFRA}/${name}`);
  assert.equal(gateway, "Accepted Programmed");
  assert.match(listener!, /^http: Accepted Conflicted ResolvedRefs Programmed /);
});

test("a Gateway's certificates for its backends are not supported, and its status says so", () => {
  const { evaluation } = worldOf("gateway-invalid-tls-backend-configuration");
  for (const name of ["nonexistent-secret", "unsupported-group"]) {
    const key = `${INFRA}/gateway-client-certificate-${name}`;
    const [accepted] = evaluation.statuses.gateways.get(key)!.conditions;
    const { type, status, message } = accepted!;
    assert.deepEqual(
      [type, status, message],
      ["Accepted", "True", "without effect here: spec.tls.backend"],
    );
  }
});
