/**
 * `fairlead proxy-config`: a proxy of ours, a real Envoy, and files of what either said.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { requirePeer } from "../peers/find.ts";
import { freePort, freePorts, runProcess, startProcess, stopAll } from "../peers/processes.ts";
import { ask, FAIRLEAD, startProxy, startUpstream, type Upstream, until } from "./harness.ts";

const DUMP = "/config_dump?include_eds";
let directory: string;
let upstream: Upstream;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "fairlead-proxy-config-"));
  upstream = await startUpstream("a");
});

after(async () => {
  await stopAll();
  await upstream.close();
  rmSync(directory, { recursive: true });
});

const pc = (...args: string[]) => runProcess(FAIRLEAD, ["proxy-config", ...args]);

async function json(...args: string[]) {
  const { code, stdout, stderr } = await pc(...args, "-o", "json");
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

const FORWARD = {
  weighted_clusters: {
    clusters: [
      { name: "prod/echo:50051", weight: 3 },
      { name: "canary", weight: 1 },
    ],
  },
  timeout: "5s",
  request_mirror_policies: [{ cluster: "canary" }],
};

const ROUTES = {
  name: "table",
  virtual_hosts: [
    {
      name: "echo",
      domains: ["echo.prod", "echo.prod:*"],
      routes: [
        { match: { path: "/a.B/C", grpc: {} }, route: FORWARD },
        {
          match: {
            safe_regex: { regex: "/x.*" },
            headers: [
              { name: "tier", string_match: { exact: "gold" } },
              { name: "debug", present_match: true, invert_match: true },
              { name: "n", range_match: { start: 1, end: 5 } },
            ],
          },
          direct_response: { status: 404 },
        },
        {
          match: { prefix: "/api/" },
          route: {
            cluster: "prod/echo:50051",
            timeout: "0s",
            max_stream_duration: { max_stream_duration: "1s" },
          },
        },
        { match: { prefix: "/" }, route: { cluster_header: "to" } },
      ],
    },
  ],
};

/** An Envoy that serves: its admin address. */
async function startEnvoy(path: string): Promise<string> {
  const [admin, port] = await freePorts(2);
  const socket = (address: string, port_value: number | undefined) => ({
    socket_address: { address, port_value },
  });
  const type = "type.googleapis.com/envoy.extensions.filters";
  const manager = {
    "@type": `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "grpc",
    route_config: ROUTES,
    http_filters: [{ name: "router", typed_config: { "@type": `${type}.http.router.v3.Router` } }],
  };
  const lbEndpoint = (host: string, health_status?: string) => ({
    health_status,
    endpoint: { address: socket(host, 50051) },
  });
  const hosts = [
    lbEndpoint("127.0.0.2"),
    lbEndpoint("127.0.0.3", "DRAINING"),
    lbEndpoint("::1", "UNHEALTHY"),
  ];
  const assignment = (cluster_name: string, lb_endpoints: unknown[]) => ({
    cluster_name,
    endpoints: [{ locality: { zone: "eu-1a" }, lb_endpoints }],
  });
  const config = {
    admin: { address: socket("127.0.0.1", admin) },
    static_resources: {
      listeners: [
        {
          name: "edge",
          address: socket("127.0.0.1", port),
          filter_chains: [{ filters: [{ name: "hcm", typed_config: manager }] }],
        },
      ],
      clusters: [
        {
          name: "prod/echo:50051",
          type: "STATIC",
          lb_policy: "LEAST_REQUEST",
          load_assignment: assignment("prod/echo:50051", hosts),
        },
        { name: "canary", type: "STATIC", load_assignment: assignment("canary", []) },
      ],
    },
  };
  const file = join(directory, "envoy.json");
  writeFileSync(file, JSON.stringify(config));
  startProcess(path, ["-c", file, "--concurrency", "1", "--disable-hot-restart", "-l", "error"]);
  const address = `127.0.0.1:${admin}`;
  await until("Envoy is live", () =>
    ask(address, "/ready").then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  return address;
}

test("an Envoy is known by its answer, and asked for all four", async (t) => {
  const path = requirePeer(t, "envoy");
  if (path === null) return;
  const admin = await startEnvoy(path);
  const endpoints = await json("endpoints", "--admin", admin);
  assert.equal(endpoints.proxy, "envoy");
  type Row = { address: string; status: string; zone: string; calls: number; cluster: string };
  assert.deepEqual(
    endpoints.endpoints.map((e: Row) => [e.address, e.status, e.zone, e.calls, e.cluster]),
    [
      ["127.0.0.2:50051", "HEALTHY", "eu-1a", 0, "prod/echo:50051"],
      ["127.0.0.3:50051", "DRAINING", "eu-1a", 0, "prod/echo:50051"],
      ["[::1]:50051", "UNHEALTHY", "eu-1a", 0, "prod/echo:50051"],
    ],
  );
  const { clusters } = await json("clusters", "--admin", admin);
  type Cluster = { name: string; type: string; policy: string; endpoints: number };
  assert.deepEqual(
    clusters.map((c: Cluster) => [c.name, c.type, c.policy, c.endpoints]),
    [
      ["canary", "STATIC", "round_robin", 0],
      ["prod/echo:50051", "STATIC", "least_request", 3],
    ],
  );
  const { listeners } = await json("listeners", "--admin", admin);
  assert.deepEqual(
    [listeners[0].name, listeners[0].routes, listeners[0].tls],
    ["edge", "table", false],
  );
  const { code, stdout } = await pc("routes", "--admin", admin);
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split("\n");
  const cells = lines.map((line) => line.split(/ {3,}/));
  assert.deepEqual(cells, [
    ["TABLE", "HOST", "DOMAINS", "MATCH", "ACTION"],
    [
      "table",
      "echo",
      "echo.prod,echo.prod:*",
      "path /a.B/C, gRPC only",
      "prod/echo:50051 75%, canary 25%; mirror to canary; timeout 5s",
    ],
    [
      "table",
      "echo",
      "echo.prod,echo.prod:*",
      "path ~ /x.*, header tier = gold, not header debug present, header n from 1 to below 5",
      "answer HTTP 404",
    ],
    ["table", "echo", "echo.prod,echo.prod:*", "prefix /api/", "prod/echo:50051; timeout 1s"],
    ["table", "echo", "echo.prod,echo.prod:*", "any path", "the cluster that header to names"],
  ]);
  const file = join(directory, "dump.json");
  writeFileSync(file, (await ask(admin, DUMP)).body);
  for (const kind of ["clusters", "routes", "listeners"]) {
    assert.deepEqual(await json(kind, "-f", file), await json(kind, "--admin", admin), kind);
  }
  const dumped = await json("ep", "-f", file);
  assert.equal(dumped.endpoints.length, 3);
  assert.equal(dumped.endpoints[0].calls, null, "a configuration has no figures");
});

test("filters leave rows out, each by its own rule", async () => {
  const file = join(directory, "clusters.json");
  const host = (address: string, port_value: number, eds_health_status: string) => ({
    address: { socket_address: { address, port_value } },
    health_status: { eds_health_status },
    stats: [{ name: "rq_total", value: "7" }],
  });
  const cluster_statuses = [
    {
      name: "prod/a:1",
      host_statuses: [host("127.0.0.2", 1, "HEALTHY"), host("::1", 1, "DRAINING")],
    },
    { name: "prod/b:2", host_statuses: [host("127.0.0.2", 2, "HEALTHY")] },
  ];
  writeFileSync(file, JSON.stringify({ cluster_statuses }));
  const shown = async (...filters: string[]) =>
    (await json("endpoints", "-f", file, ...filters)).endpoints.map(
      (e: { address: string; cluster: string }) => `${e.cluster} ${e.address}`,
    );
  assert.deepEqual(await shown("--address", "127.0.0.2"), [
    "prod/a:1 127.0.0.2:1",
    "prod/b:2 127.0.0.2:2",
  ]);
  assert.deepEqual(await shown("--address", "::1"), ["prod/a:1 [::1]:1"]);
  assert.deepEqual(await shown("--port", "2"), ["prod/b:2 127.0.0.2:2"]);
  assert.deepEqual(await shown("--cluster", "prod/a"), [
    "prod/a:1 127.0.0.2:1",
    "prod/a:1 [::1]:1",
  ]);
  assert.deepEqual(await shown("--status", "draining"), ["prod/a:1 [::1]:1"]);
  const none = await pc("endpoints", "-f", file, "--port", "9");
  assert.deepEqual([none.code, none.stdout], [0, "none of its 3 endpoints passes the filters\n"]);
  const wrong = await pc("routes", "-f", file);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /\/clusters has no routes: dump \/config_dump\?include_eds instead/);
});

test("a fairlead proxy shows its endpoints and clusters, as `pc` too", async () => {
  const dead = `127.0.0.1:${await freePort()}`;
  const to = `${upstream.address},${dead}`;
  const proxy = await startProxy("--listen", "127.0.0.1:0", "--admin", "0", "--to", to);
  await until(
    "an endpoint is ready",
    async () => (await ask(proxy.admin, "/ready")).status === 200,
  );
  const { proxy: whose, endpoints } = await json("endpoints", "--admin", proxy.admin);
  assert.equal(whose, "fairlead");
  const good = endpoints.find((e: { address: string }) => e.address === upstream.address);
  assert.deepEqual([good.status, good.reason, good.cluster], ["READY", null, to]);
  const { clusters } = await json("clusters", "--admin", proxy.admin);
  assert.deepEqual([clusters[0].name, clusters[0].endpoints], [to, 2]);
  const short = await runProcess(FAIRLEAD, ["pc", "ep", "--admin", proxy.admin]);
  assert.equal(short.code, 0, short.stderr);
  assert.match(short.stdout, /^ADDRESS {3,}STATUS/m);
  proxy.process.signal("SIGTERM");
  await proxy.process.exited;
});

const EDGE = `
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: prod }
spec: { clusterIP: 10.96.0.10, ports: [{ name: grpc, port: 50051 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: fairlead }
spec: { controllerName: fairlead.dev/gateway-controller }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: prod }
spec: { gatewayClassName: fairlead, listeners: [{ name: grpc, port: 8080, protocol: HTTP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: echo, namespace: prod }
spec:
  parentRefs: [{ name: edge }]
  hostnames: [echo.example]
  rules:
    - matches: [{ method: { service: echo.Echo } }]
      backendRefs: [{ name: echo, port: 50051, weight: 3 }, { name: gone, port: 1 }]
`;

test("a fairlead proxy at a Gateway shows its listeners and routes", async () => {
  const objects = mkdtempSync(join(directory, "objects-"));
  writeFileSync(join(objects, "edge.yaml"), EDGE);
  const proxy = await startProxy(
    ...["--gateway", "prod/edge", "--objects", objects],
    ...["--listen", "8080=127.0.0.1:0", "--admin", "0"],
  );
  const { listeners } = await json("listeners", "--admin", proxy.admin);
  assert.equal(listeners.length, 1);
  const [{ name, address, tls, status, routes }] = listeners;
  assert.deepEqual([name, tls, status, routes], ["prod/edge:8080", false, "ACTIVE", "1 route"]);
  assert.equal(address, proxy.addresses[0]);
  // By the port that the Gateway names, as by the one that is bound.
  for (const [port, count] of [
    ["8080", 1],
    [proxy.addresses[0].split(":").at(-1)!, 1],
    ["0", 0],
  ] as const) {
    const found = await json("listeners", "--admin", proxy.admin, "--port", port);
    assert.equal(found.listeners.length, count, port);
  }
  const { routes: rows } = await json("routes", "--admin", proxy.admin);
  assert.deepEqual(rows[0].domains, ["echo.example"]);
  assert.match(rows[0].action, /^prod\/echo:50051 75%, .* 25%$/);
  const none = await json("routes", "--admin", proxy.admin, "--cluster", "other");
  assert.deepEqual(none.routes, []);
  // By the names that its clusters have here, which are no targets.
  const why = (name: string) => runProcess(FAIRLEAD, ["why", name, "--admin", proxy.admin]);
  const { stdout, stderr } = await why("prod/echo:50051");
  assert.match(stdout, /^target prod\/echo:50051 /, stderr);
  const { code, stderr: unknown } = await why("echo");
  assert.equal(code, 1);
  assert.match(unknown, /no target "echo" here; there is: prod\/echo:50051/);
  proxy.process.signal("SIGTERM");
  await proxy.process.exited;
});

test("whoever says {} is not taken for an Envoy without clusters", async () => {
  const server = createServer((_request, response) => response.end("{}")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { code, stderr } = await pc("endpoints", "--admin", `127.0.0.1:${port}`);
  server.close();
  assert.equal(code, 1);
  assert.match(stderr, /has no endpoints, or is no answer of fairlead or Envoy/);
});

test("mistakes get one line that says what is allowed", async () => {
  const file = join(directory, "nonsense.json");
  writeFileSync(file, '{"hello":1}');
  const cases: readonly (readonly [args: string[], code: number, message: RegExp])[] = [
    [["endpoints", "--port", "x"], 2, /--port "x": must be a whole number from 0 to 65535/],
    [["endpoints", "-f", "a", "--admin", "1"], 2, /--admin and --file exclude each other/],
    [["endpoints", "-f", join(directory, "none")], 1, /--file .*none: cannot be read/],
    [["endpoints", "-f", file], 1, /has no endpoints, or is no answer of fairlead or Envoy/],
    [["endpoints", "--admin", `127.0.0.1:${await freePort()}`], 1, /no answer: connection refused/],
    [["secrets"], 2, /unknown command 'secrets'/],
  ];
  for (const [args, expected, message] of cases) {
    const { code, stderr } = await pc(...args);
    assert.equal(code, expected, stderr);
    assert.match(stderr, message);
    assert.equal(stderr.trimEnd().split("\n").length, 1);
  }
});
