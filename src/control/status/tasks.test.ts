/** Tests of which statuses differ: what is made anew when little changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkObject, type GRPCRoute } from "../../discovery/index.ts";
import type { ObjectsState } from "../objects/state.ts";
import { StatusTasks } from "./tasks.ts";
import type { WantedParent, WantedStatuses } from "./wanted.ts";

function route(name: string): GRPCRoute {
  const value = { metadata: { name, namespace: "prod" }, spec: { parentRefs: [{ name: "gw" }] } };
  return checkObject("GRPCRoute", value).object!;
}

function parentsOf({ parentRefs }: GRPCRoute, message: string): WantedParent[] {
  const condition = { type: "Accepted", status: "True", reason: "Accepted", message } as const;
  return [{ parentRef: parentRefs[0]!, conditions: [{ ...condition, observedGeneration: 1 }] }];
}

test("of many routes only those are compared anew of which something else is wanted", () => {
  const routes = Array.from({ length: 50 }, (_, i) => route(`r${i}`));
  const byKey = new Map(routes.map((each) => [`prod/${each.metadata.name}`, each]));
  const objects = { GatewayClass: new Map(), Gateway: new Map(), GRPCRoute: byKey };
  const state = { objects } as unknown as ObjectsState;
  const wanted = new Map([...byKey].map(([key, each]) => [key, parentsOf(each, "")]));
  const statuses: WantedStatuses = {
    gatewayClasses: new Map(),
    gateways: new Map(),
    routes: wanted,
  };
  const tasks = new StatusTasks();
  const first = tasks.differing(state, statuses);
  assert.equal(first.length, 50);
  const others = (): string[] => {
    const now = tasks.differing(state, statuses);
    return now.filter((task) => !first.includes(task)).map(({ id }) => id);
  };
  assert.deepEqual(others(), []);
  wanted.set("prod/r7", parentsOf(byKey.get("prod/r7")!, "another"));
  assert.deepEqual(others(), ["GRPCRoute prod/r7"]);
  const [again] = tasks.differing(state, statuses).filter(({ id }) => id === "GRPCRoute prod/r7");
  const { parents } = again!.merge({}, "2026-01-01T00:00:00Z") as {
    parents: { conditions: object[] }[];
  };
  assert.equal(Object(parents[0]!.conditions[0]).message, "another");
  // Another version of an object is another task, whatever is wanted of it.
  byKey.set("prod/r3", route("r3"));
  assert.deepEqual(others().sort(), ["GRPCRoute prod/r3", "GRPCRoute prod/r7"]);
});
