/** Tests of the plan of routes, from objects to resources and statuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RESOURCE_TYPES } from "../../xds/index.ts";
import type { ObjectsState } from "../objects/state.ts";
import { type Json, nodeOf, World } from "../snapshot/world-suite.ts";
import { RoutePlanning } from "./routes.ts";

const { LDS } = RESOURCE_TYPES;
const SIDECAR = nodeOf({ kind: "sidecar", agent: "envoy" });
const GATEWAY = nodeOf({ kind: "gateway", agent: "envoy", gateway: "prod/edge" });

function worldWith(...parentRefs: readonly object[]): { world: World; planning: RoutePlanning } {
  const planning = new RoutePlanning();
  const world = new World(planning);
  world.service("echo").service("v2");
  world.source.put("GatewayClass", {
    metadata: { name: "fairlead", namespace: "" },
    spec: { controllerName: "fairlead.dev/gateway-controller" },
  } as never);
  world.source.put("Gateway", {
    metadata: { name: "edge" },
    spec: {
      gatewayClassName: "fairlead",
      listeners: [{ name: "http", port: 8080, protocol: "HTTP" }],
    },
  } as never);
  world.source.put("GRPCRoute", {
    metadata: { name: "echo" },
    spec: {
      parentRefs,
      rules: [
        {
          matches: [{ method: { service: "echo.Echo", method: "Say" } }],
          filters: [
            { type: "RequestHeaderModifier", requestHeaderModifier: { remove: ["x-secret"] } },
          ],
          backendRefs: [{ name: "v2", port: 50051 }],
        },
      ],
    },
  } as never);
  world.settle();
  return { world, planning };
}

test("a route of a Gateway is served by its listener, and by nobody else", () => {
  const { world } = worldWith({ name: "edge" });
  const [route] = world.json("RDS", "prod/edge:8080", GATEWAY).virtualHosts[0].routes;
  assert.equal(route.match.path, "/echo.Echo/Say");
  assert.equal(route.route.cluster, "prod/v2:50051");
  assert.deepEqual(route.requestHeadersToRemove, ["x-secret"]);
  const [plain] = world.json("RDS", "prod/echo:50051", SIDECAR).virtualHosts[0].routes;
  assert.equal(plain.route.cluster, "prod/echo:50051");
  world.close();
});

test("GAMMA: a route of a Service is for its callers, and says what not all of them do", () => {
  const parentRef = { group: "", kind: "Service", name: "echo" };
  const { world, planning } = worldWith(parentRef);
  for (const [name, node] of [
    ["echo.prod:50051", nodeOf()],
    ["prod/echo:50051", SIDECAR],
  ] as const) {
    const [route] = world.json("RDS", name, node).virtualHosts[0].routes;
    assert.equal(route.route.cluster, "prod/v2:50051");
  }
  const { routes } = planning.judge(world.state);
  const [{ conditions }] = routes.get("prod/echo")! as Json;
  assert.deepEqual(
    conditions.map(({ type, status, message }: Json) => [type, status, message]),
    [
      ["Accepted", "True", "not carried out by gRPC clients: RequestHeaderModifier"],
      ["ResolvedRefs", "True", ""],
    ],
  );
  world.close();
});

test("what a change comes to is evaluated once, for the plan and for the statuses", () => {
  const { world, planning } = worldWith({ name: "edge" });
  let evaluations = 0;
  const objects = Object.defineProperty({ ...world.state.objects }, "Gateway", {
    get: () => {
      evaluations += 1;
      return world.state.objects.Gateway;
    },
  });
  const { isSynced, problems, staleSinceMs } = world.state;
  const stateOf = (): ObjectsState => ({
    ...{ objects, isSynced, problems, staleSinceMs, revision: world.state.revision },
    ...{ slicesOf: () => [], subscribe: () => () => {} },
  });
  planning.plan(stateOf());
  assert.equal(planning.judge(stateOf()).gateways.size, 1);
  assert.equal(evaluations, 1);
  world.source.delete("Gateway", "edge");
  world.settle();
  assert.equal(planning.judge(stateOf()).gateways.size, 0);
  assert.equal(evaluations, 2);
  world.close();
});

test("a slice event leaves the plan alone", () => {
  const { world } = worldWith({ name: "edge" });
  const view = () => world.resource("RDS", "prod/edge:8080", GATEWAY);
  const before = view();
  world.slice("v2", []).settle();
  assert.equal(view(), before);
  world.close();
});

test("statuses are the same object until they say something else, or of another object", () => {
  const { world, planning } = worldWith({ name: "edge" });
  const judge = () => planning.judge(world.state);
  const first = judge();
  world.service("other").settle();
  assert.equal(judge(), first, "a Service that no route knows");
  const [{ conditions }] = first.routes.get("prod/echo")! as Json;
  assert.equal(conditions[1].status, "True");
  world.source.delete("Service", "v2");
  world.settle();
  const second = judge();
  assert.notEqual(second, first);
  const [{ conditions: without }] = second.routes.get("prod/echo")! as Json;
  assert.equal(without[1].status, "False");
  assert.deepEqual(
    [second.gateways, second.gatewayClasses],
    [first.gateways, first.gatewayClasses],
  );
  world.close();
});

test("many routes are made ready in steps, few at once", () => {
  const { world, planning } = worldWith({ name: "edge" });
  const touched = (count: number) =>
    new Map([
      ["GRPCRoute", new Set(Array.from({ length: count }, (_, i) => `prod/r${i}`))],
    ] as const);
  assert.equal(planning.prepare(world.state, touched(5)), null);
  assert.equal(
    planning.prepare(world.state, new Map([["Service", new Set(["a"])]] as const)),
    null,
  );
  assert.notEqual(planning.prepare(world.state, touched(1000)), null);
  world.close();
});

// "no Gateway prod/edge, or none of a class that is ours": two mistakes, and a word for both.
test("a proxy of a Gateway that is not ours is told whose its class is", () => {
  const { world } = worldWith({ name: "edge" });
  const gateway = (gatewayClassName: string): void => {
    const listeners = [{ name: "http", port: 8080, protocol: "HTTP" }];
    const spec = { gatewayClassName, listeners };
    world.source.put("Gateway", { metadata: { name: "edge" }, spec } as never);
    world.settle();
  };
  const { snapshots } = world;
  const why = () => snapshots.viewOf(snapshots.viewKeyOf(GATEWAY)).absenceOf!(LDS, "*");
  assert.equal(why(), null);
  gateway("misspelt");
  assert.equal(why(), "Gateway prod/edge is of GatewayClass misspelt, which does not exist");
  const spec = { controllerName: "example.com/other" };
  const other = { metadata: { name: "misspelt", namespace: "" }, spec };
  world.source.put("GatewayClass", other as never);
  world.settle();
  const whose = "whose controller is example.com/other";
  assert.equal(why(), `Gateway prod/edge is of GatewayClass misspelt, ${whose}`);
  world.source.delete("Gateway", "edge");
  world.settle();
  assert.equal(why(), "no Gateway prod/edge");
  world.close();
});
