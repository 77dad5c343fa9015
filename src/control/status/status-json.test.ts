/** Tests of statuses as JSON: what stays, what goes, and what is said in two ways. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../base/index.ts";
import type { ParentRef } from "../../discovery/index.ts";
import { classStatus, gatewayStatus, ROUTE_PARENTS_MAX, routeStatus } from "./status-json.ts";
import type { WantedCondition } from "./wanted.ts";

const NOW = "2026-01-02T03:04:05Z";
const OURS = "fairlead.dev/gateway-controller";

const condition = (type: string, status: "True" | "False" = "True"): WantedCondition => ({
  ...{ type, status, reason: type, message: "", observedGeneration: 3 },
});

const parent = (name: string, more: Partial<ParentRef> = {}): ParentRef => ({
  ...{ group: "gateway.networking.k8s.io", kind: "Gateway", namespace: null, name },
  ...{ sectionName: null, port: null, ...more },
});

test("a condition's time is that of its last change of status", () => {
  const before = { ...condition("Accepted"), lastTransitionTime: "2020-01-01T00:00:00Z" };
  const other = { type: "example.com/X", status: "True", odd: 1 };
  const status = { conditions: [other, { ...before, reason: "Old", observedGeneration: 1 }] };
  const same = classStatus(status, [condition("Accepted")], NOW);
  assert.deepEqual(same, { conditions: [other, before] });
  const changed = classStatus(status, [condition("Accepted", "False")], NOW);
  const [, { lastTransitionTime }] = changed.conditions as [Json, Json];
  assert.equal(lastTransitionTime, NOW);
});

test("nonsense in a status is written over, and does no harm", () => {
  for (const nonsense of [null, 7, "x", [null, 7], { a: 1 }]) {
    const wanted = [condition("Accepted")];
    const written = { ...condition("Accepted"), lastTransitionTime: NOW };
    const made = classStatus({ conditions: nonsense }, wanted, NOW).conditions as Json[];
    assert.deepEqual(made.at(-1), written);
    const listeners = [
      { name: "a", supportedKinds: [], attachedRoutes: 0, conditions: [condition("Accepted")] },
    ];
    const gateway = { addresses: [], conditions: [], listeners };
    const { listeners: rows } = gatewayStatus({ listeners: nonsense }, gateway, NOW);
    assert.deepEqual((rows as Json[])[0].conditions, [written]);
    const route = [{ parentRef: parent("a"), conditions: [condition("Accepted")] }];
    const { parents } = routeStatus({ parents: nonsense }, route, NOW, "prod");
    assert.deepEqual((parents as Json[]).at(-1)?.conditions, [written]);
  }
});

test("one parent that is said in two ways is one entry; another section is another", () => {
  const said = { name: "edge", namespace: "prod" };
  const status = { parents: [{ parentRef: said, controllerName: OURS, conditions: [] }] };
  const conditions = [condition("Accepted")];
  const wanted = [
    { parentRef: parent("edge"), conditions },
    { parentRef: parent("edge", { sectionName: "grpc" }), conditions },
  ];
  const { parents } = routeStatus(status, wanted, NOW, "prod");
  assert.deepEqual(
    (parents as Json[]).map(({ parentRef }) => parentRef),
    [
      said,
      {
        ...{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" },
        sectionName: "grpc",
      },
    ],
  );
});

test("a status has no more parents than the API allows; those of others come first", () => {
  const theirs = { parentRef: { name: "x" }, controllerName: "example.com/other" };
  const wanted = Array.from({ length: ROUTE_PARENTS_MAX }, (_, i) => ({
    ...{ parentRef: parent(`p${i}`), conditions: [condition("Accepted")] },
  }));
  const { parents } = routeStatus({ parents: [theirs] }, wanted, NOW, "prod");
  assert.equal((parents as Json[]).length, ROUTE_PARENTS_MAX);
  assert.deepEqual((parents as Json[])[0], theirs);
});

test("of a Gateway the addresses and listeners that are no more go", () => {
  const addresses = [{ type: "IPAddress", value: "127.0.0.1" }];
  const gone = [{ type: "IPAddress", value: "127.0.0.9" }];
  const listener = (name: string) => ({
    ...{ name, supportedKinds: [], attachedRoutes: 2, conditions: [condition("Accepted")] },
  });
  const status = { addresses: gone, listeners: [listener("gone"), listener("stays")] };
  const wanted = { addresses, conditions: [], listeners: [listener("stays")] };
  const made = gatewayStatus(status, wanted, NOW);
  assert.deepEqual(made.addresses, addresses);
  assert.deepEqual(
    (made.listeners as Json[]).map(({ name }) => name),
    ["stays"],
  );
  const none = { ...wanted, addresses: [] };
  assert.deepEqual(gatewayStatus(status, none, NOW).addresses, []);
  assert.equal("addresses" in gatewayStatus({}, none, NOW), false, "nothing to say of none");
});
