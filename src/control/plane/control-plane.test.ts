/** Tests of the composition: its admin pages, and an end that may come twice. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { labWorld } from "../../../test/support/lab-world.ts";
import { seededRng, silentLogger, VirtualClock } from "../../base/index.ts";
import { Registry } from "../../telemetry/index.ts";
import type { StatusesView } from "../status/status-control.ts";
import { CONTROL_DEFAULTS, ControlPlane } from "./control-plane.ts";
import { RoutePlanning } from "./routes.ts";

const GATEWAY = {
  metadata: { name: "edge" },
  spec: {
    gatewayClassName: "fairlead",
    listeners: [{ name: "grpc", port: 80, protocol: "HTTP" }],
  },
};

/** One that leads, with a Gateway; its time is the test's. */
async function start(t: TestContext) {
  const clock = new VirtualClock();
  const lab = labWorld(clock, ["default", "prod"]);
  const spec = { controllerName: "fairlead.dev/gateway-controller" };
  lab.objects.create("GatewayClass", "", { metadata: { name: "fairlead" }, spec });
  lab.objects.create("Gateway", "prod", GATEWAY);
  const [source, planning] = [lab.newSource(), new RoutePlanning()];
  const local = { host: "127.0.0.1", port: 0 };
  const plane = new ControlPlane(
    {
      ...CONTROL_DEFAULTS,
      ...{ listeners: [local], admin: local, tls: null, isAuthorized: false, namespaces: null },
      ...{ leaseNamespace: "default", replica: "one" },
    },
    {
      ...{ clock, rng: seededRng(1), log: silentLogger, registry: new Registry() },
      ...{ source, writer: lab.newWriter(), planner: planning },
      judge: (state) => planning.judge(state),
    },
  );
  t.after(() => {
    plane.close();
    source.close();
  });
  const { admin } = await plane.start();
  for (let i = 0; i < 100; i += 1) clock.advance(10);
  return { plane, admin: admin! };
}

test("statuses are shown as they should be, with who writes them", async (t) => {
  const { admin } = await start(t);
  const answer = await fetch(`http://${admin}/statuses?format=json`);
  const { role, leader, problem, pending, statuses } = (await answer.json()) as StatusesView;
  assert.deepEqual([role, problem, pending], ["leader", null, 0]);
  assert.match(leader, /^one_/);
  assert.deepEqual(
    statuses.map(({ kind, name }) => `${kind} ${name}`),
    ["Gateway edge", "GatewayClass fairlead"],
  );
  assert.match(await (await fetch(`http://${admin}/`)).text(), /^\/statuses$/m);
});

test("it is closed twice, and drained after that, without harm", async (t) => {
  const { plane } = await start(t);
  plane.close();
  plane.close();
  await plane.drain("a test");
});
