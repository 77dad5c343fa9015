/** Tests of the evaluation that all share: when it is another, and when it is the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ScriptedSource } from "../../../test/support/object-source.ts";
import { silentLogger, VirtualClock } from "../../base/index.ts";
import { SERVICE_NAME_LABEL } from "../../discovery/index.ts";
import { ControlObjects } from "./control-objects.ts";
import { ObjectsEvaluation } from "./evaluation.ts";

function put(
  source: ScriptedSource,
  kind: "Service" | "EndpointSlice" | "GRPCRoute",
  rest: object,
) {
  const labels = { [SERVICE_NAME_LABEL]: "echo" };
  source.put(kind, { metadata: { name: "echo", labels }, ...rest });
}

test("routes are evaluated again when something that they depend on changed, and else not", () => {
  const clock = new VirtualClock();
  const source = new ScriptedSource(clock);
  const deps = { clock, log: silentLogger, namespaces: null };
  const state = new ControlObjects(source, deps);
  const evaluation = new ObjectsEvaluation(state);
  const seen: unknown[] = [];
  state.subscribe({ onObjects: () => seen.push(evaluation.current) });
  const tell = () => {
    source.tellAll();
    clock.advance(1);
    return seen.at(-1);
  };
  put(source, "Service", { spec: { ports: [{ name: "grpc", port: 80 }] } });
  state.start();
  clock.advance(1);
  const first = tell();
  assert.deepEqual([...evaluation.current.services.keys()], ["prod/echo"]);
  put(source, "EndpointSlice", { addressType: "IPv4" });
  assert.equal(tell(), first, "endpoints are nothing to routes");
  assert.equal(seen.length, 2);
  const parentRefs = [{ group: "", kind: "Service", name: "echo", port: 80 }];
  put(source, "GRPCRoute", { spec: { parentRefs, rules: [] } });
  assert.notEqual(tell(), first);
  const { statuses } = evaluation.current;
  assert.deepEqual([...statuses.routes.keys()], ["prod/echo"]);
  assert.equal(evaluation.current, seen.at(-1), "asked again, it is the same");
  evaluation.close();
  source.delete("GRPCRoute", "echo");
  assert.equal(tell(), seen[2], "it follows no more");
  state.close();
  assert.equal(clock.pendingCount, 0);
});
