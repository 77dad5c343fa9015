/**
 * `fairlead endpoints` and `fairlead why` of an `xds:///` target: routes, resources with their
 * versions, endpoints with where they come from; and each fault in one sentence. Against
 * `fairlead control`, and go-control-plane for what that never says.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ControlPlane } from "../control/control-plane.ts";
import { ObjectsDirectory } from "../control/objects-directory.ts";
import { type Pod, startPod } from "../mesh/pods.ts";
import {
  apiListener,
  cluster,
  endpoints,
  type Json,
  lbEndpoint,
  locality,
  routes,
} from "../mesh/resources.ts";
import { XdsServer } from "../mesh/xds-server.ts";
import { requirePeer } from "../peers/find.ts";
import { freePort, runProcess, startProcess, stopAll } from "../peers/processes.ts";
import { FAIRLEAD } from "./harness.ts";

const NAME = "echo.prod:50051";
const TARGET = `xds:///${NAME}`;
const closers: (() => unknown)[] = [];

after(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await stopAll();
});

/** The environment with a bootstrap of this server. */
function bootstrap(server: string, more: Json = {}): NodeJS.ProcessEnv {
  const xds_servers = [
    { server_uri: server, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] },
  ];
  const text = JSON.stringify({ xds_servers, node: { id: "cli" }, ...more });
  return { ...process.env, GRPC_XDS_BOOTSTRAP: "", GRPC_XDS_BOOTSTRAP_CONFIG: text };
}

const fairlead = (server: string, ...args: string[]) =>
  runProcess(FAIRLEAD, args, { env: bootstrap(server) });

async function pod(): Promise<Pod> {
  const started = await startPod();
  closers.push(() => started.stop());
  return started;
}

async function goServer(program: string): Promise<XdsServer> {
  const server = await XdsServer.start(program);
  closers.push(() => server.kill());
  return server;
}

// biome-ignore lint/suspicious/noExplicitAny: a document.
type Document = any;

test("a Service of our own control plane: its route, four resources, its pods", async () => {
  const objects = new ObjectsDirectory();
  closers.push(() => objects.close());
  const port = await freePort();
  objects.service("echo");
  objects.slice("echo", port, [{ ip: "127.0.0.2" }, { ip: "127.0.0.3" }]);
  const control = await ControlPlane.start(objects.path);
  closers.push(() => control.kill());
  const { code, stdout, stderr } = await fairlead(control.address, "endpoints", TARGET);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^target xds:\/\/\/echo\.prod:50051 {3}2 of 2 endpoints usable\n/);
  assert.match(stdout, /^echo\.prod:50051 .* prod\/echo:50051$/m);
  for (const type of ["LDS", "RDS", "CDS", "EDS"]) {
    assert.match(stdout, new RegExp(`^${type} +\\S+ +ACKED +[0-9a-f]{16} +-$`, "m"));
  }
  const row = new RegExp(
    `^127\\.0\\.0\\.3:${port} +prod/echo:50051 +- +0 +HEALTHY +1 .* yes `,
    "m",
  );
  assert.match(stdout, row);
  const json = await fairlead(control.address, "endpoints", TARGET, "-o", "json");
  const document: Document = JSON.parse(json.stdout);
  assert.deepEqual([document.target, document.endpoints.length], [TARGET, 2]);
  assert.deepEqual(
    document.resources.map(({ type, state }: Document) => `${type} ${state}`),
    ["LDS ACKED", "RDS ACKED", "CDS ACKED", "EDS ACKED"],
  );
  assert.match(document.resources[3].updated, /^\d{4}-\d\d-\d\dT.*Z$/);
});

const WEIGHTED = {
  match: { prefix: "/echo.Echo/" },
  route: {
    weightedClusters: {
      clusters: [
        { name: "one", weight: 3 },
        { name: "two", weight: 1 },
      ],
    },
  },
};

/** Two clusters; the first has two localities, and an endpoint that drains. */
function twoClusters(a: string, b: string, dead: string): Json[] {
  return [
    ...[apiListener(NAME, "table"), routes("table", [WEIGHTED]), cluster("one"), cluster("two")],
    endpoints("one", [
      locality("near", [a]),
      {
        ...locality("far", [], { priority: 1 }),
        lbEndpoints: [lbEndpoint(dead, { healthStatus: "DRAINING" })],
      },
    ]),
    endpoints("two", [b]),
  ];
}

test("each endpoint has its cluster, locality, priority and health", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const [a, b] = [await pod(), await pod()];
  const dead = `127.0.0.1:${await freePort()}`;
  const server = await goServer(program);
  await server.serve(twoClusters(a.address, b.address, dead), "v-7");
  const { code, stdout, stderr } = await fairlead(server.address, "why", TARGET, "-o", "json");
  assert.equal(code, 0, stderr);
  const document: Document = JSON.parse(stdout);
  assert.deepEqual([document.target, document.policy], [TARGET, "round_robin"]);
  const at = (address: string) =>
    document.endpoints.find((each: Document) => each.address === address);
  assert.deepEqual(at(a.address).assignment, {
    ...{ cluster: "one", locality: "r/near", priority: 0, health: "UNKNOWN" },
  });
  assert.deepEqual([at(a.address).state, at(a.address).usable], ["READY", true]);
  assert.equal(at(b.address).assignment.cluster, "two");
  const gone = at(dead);
  assert.deepEqual([gone.assignment.priority, gone.assignment.health], [1, "DRAINING"]);
  assert.deepEqual([gone.usable, gone.reason], [false, "the control plane says DRAINING"]);
  assert.deepEqual(
    document.routes[0].clusters,
    WEIGHTED.route.weightedClusters.clusters.map(({ name, weight }) => ({ cluster: name, weight })),
  );
  assert.ok(document.resources.every(({ version }: Document) => version === "v-7"));
  const table = await fairlead(server.address, "why", TARGET);
  assert.match(table.stdout, / 2 clusters {3}2 of 3 endpoints usable\n/);
  assert.match(table.stdout, /one 75%, two 25%$/m);
  assert.match(table.stdout, new RegExp(`^${a.address} .* r/near +0 +UNKNOWN `, "m"));
  assert.match(table.stdout, new RegExp(`^${dead} is not used:$`, "m"));
});

test("-w tells what changed of endpoints and of resources", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const server = await goServer(program);
  const [a, b] = ["127.0.0.2:1", "127.0.0.3:1"];
  const whole = (list: string[]) => [
    ...[apiListener(NAME), routes(NAME, [{ match: { prefix: "" }, route: { cluster: "one" } }])],
    ...[cluster("one"), endpoints("one", list)],
  ];
  await server.serve(whole([a]), "first");
  const args = ["endpoints", TARGET, "-w"];
  const child = startProcess(FAIRLEAD, args, { env: bootstrap(server.address) });
  closers.push(() => child.stop());
  await child.waitFor(/^127\.0\.0\.2:1 /m);
  await server.serve(whole([a, b]), "second");
  await child.waitFor(/^\+ +127\.0\.0\.3:1 +one /m);
  await child.waitFor(/^EDS +one +ACKED +second /m);
  assert.match(child.stdout, /2 of 2 endpoints usable/);
  await server.kill();
  await child.waitFor(/xDS server 127\.0\.0\.1:\d+: .*endpoints may be out of date/);
});

test("each fault is one sentence: no bootstrap, no server, no such name, a refused resource", async (t) => {
  const none = { ...process.env, GRPC_XDS_BOOTSTRAP: "", GRPC_XDS_BOOTSTRAP_CONFIG: "" };
  const file = { ...none, GRPC_XDS_BOOTSTRAP: "/nowhere/bootstrap.json" };
  for (const verb of ["endpoints", "why"]) {
    const [nothing, missing] = await Promise.all(
      [none, file].map((env) => runProcess(FAIRLEAD, [verb, TARGET], { env })),
    );
    assert.deepEqual([nothing!.code, missing!.code], [1, 1]);
    assert.match(nothing!.stderr, /^fairlead: an xDS server is needed: set GRPC_XDS_BOOTSTRAP to /);
    assert.match(missing!.stderr, /bootstrap \/nowhere\/bootstrap\.json cannot be read: ENOENT/);
  }
  const nobody = `127.0.0.1:${await freePort()}`;
  const [away, why] = await Promise.all([
    fairlead(nobody, "endpoints", TARGET),
    fairlead(nobody, "why", TARGET, "-o", "json"),
  ]);
  assert.equal(away.code, 1);
  const refused = `LDS ${NAME}: xDS server ${nobody}: connection refused`;
  assert.equal(away.stderr, `fairlead: ${TARGET} cannot be resolved: ${refused}\n`);
  assert.deepEqual([why.code, JSON.parse(why.stdout).reason], [1, refused]);
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const server = await goServer(program);
  const table = routes("table", [WEIGHTED]);
  await server.serve([apiListener(NAME, "table"), table, cluster("one")]);
  const [absent, half] = await Promise.all([
    fairlead(server.address, "endpoints", "xds:///other:1"),
    fairlead(server.address, "why", TARGET),
  ]);
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /LDS other:1: the xDS server has answered, and says nothing of it/);
  assert.equal(half.code, 1);
  assert.match(half.stdout, /^CDS +one +ACKED/m);
  assert.match(half.stdout, /^CDS two: the xDS server has answered, and says nothing of it/m);
  const bad = cluster("one", { lbPolicy: "RING_HASH", ringHashLbConfig: { hashFunction: 1 } });
  const rest = [cluster("two"), endpoints("two", ["127.0.0.2:1"])];
  await server.serve([apiListener(NAME, "table"), table, bad, ...rest], "bad");
  const nack = await fairlead(server.address, "endpoints", TARGET, "-o", "json");
  assert.equal(nack.code, 0, nack.stderr);
  const document: Document = JSON.parse(nack.stdout);
  const words = "ring_hash_lb_config.hash_function must be XX_HASH";
  const row = document.resources.find(
    ({ name, type }: Document) => `${type} ${name}` === "CDS one",
  );
  assert.deepEqual([row.state, row.refusedVersion, row.reason], ["NACKED", "bad", words]);
  assert.match(document.stale, new RegExp(`^CDS one: .*${words}`));
  assert.match(server.problems.join(), new RegExp(words));
});
