/**
 * Tests of what is told of statuses that nobody writes. A route whose backend was misspelt was
 * refused by its proxy, and neither the proxy's log nor that of a control plane without an API
 * server had a word of it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingLogger } from "../base/index.ts";
import {
  checkObject,
  type GRPCRoute,
  type KindName,
  type ObjectOfKind,
} from "../discovery/index.ts";
import { CONTROLLER_NAME } from "./conditions.ts";
import { RouteEvaluator } from "./evaluate.ts";
import { STATUS_FAULT_LINES_MAX, StatusFaults } from "./status-faults.ts";

function made<K extends KindName>(kind: K, name: string, spec: object): ObjectOfKind[K] {
  const namespace = kind === "GatewayClass" ? "" : "prod";
  const { object, problem } = checkObject(kind, { metadata: { name, namespace }, spec });
  assert.ok(object !== null, problem ?? "");
  return object;
}

const listeners = [{ name: "http", port: 80, protocol: "HTTP" }];
const CLASS = made("GatewayClass", "fairlead", { controllerName: CONTROLLER_NAME });
const EDGE = made("Gateway", "edge", { gatewayClassName: "fairlead", listeners });

function route(name: string, sectionName = "http"): GRPCRoute {
  const rules = [{ backendRefs: [{ name: "nope", port: 80 }] }];
  return made("GRPCRoute", name, { parentRefs: [{ name: "edge", sectionName }], rules });
}

function setup() {
  const log = new RecordingLogger();
  const faults = new StatusFaults(log);
  const evaluator = new RouteEvaluator();
  const tell = (...routes: readonly GRPCRoute[]): unknown[] => {
    const from = log.entries.length;
    const objects = {
      gatewayClasses: new Map([["fairlead", CLASS]]),
      gateways: new Map([["prod/edge", EDGE]]),
      routes: new Map(routes.map((each) => [`prod/${each.metadata.name}`, each])),
      ...{ grants: new Map(), namespaces: new Map(), services: new Map(), secrets: new Map() },
    };
    faults.tell(evaluator.evaluate(objects).statuses);
    return log.entries.slice(from).map(({ level, msg, fields }) => ({ level, msg, ...fields }));
  };
  return { tell };
}

const ABSENT = {
  level: "warn",
  msg: "not served as written",
  object: "GRPCRoute prod/api",
  parent: "Gateway prod/edge",
  reason: "ResolvedRefs: BackendNotFound: ",
};

test("a backend that is not there is told once, and another fault of the same route again", () => {
  const { tell } = setup();
  const [line, ...more] = tell(route("api")) as (typeof ABSENT)[];
  assert.deepEqual({ ...line, reason: line?.reason.slice(0, ABSENT.reason.length) }, ABSENT);
  assert.match(line!.reason, /nope/);
  assert.deepEqual(more, []);
  assert.deepEqual(tell(route("api")), [], "written again, and as wrong as before");
  const [other] = tell(route("api", "htpp")) as (typeof ABSENT)[];
  assert.match(other!.reason, /^Accepted: NoMatchingParent: .* listener named htpp$/);
  assert.deepEqual(tell(), []);
  assert.equal(tell(route("api")).length, 1, "it was gone");
});

test("of many that break at once a few are told, and the number of the others", () => {
  const { tell } = setup();
  const names = Array.from({ length: STATUS_FAULT_LINES_MAX + 5 }, (_, i) => `r${i}`);
  const lines = tell(...names.map((name) => route(name)));
  assert.equal(lines.length, STATUS_FAULT_LINES_MAX + 1);
  assert.deepEqual(lines.at(-1), { level: "warn", msg: "more is not served as written", count: 5 });
});
