/** The admin endpoint over real HTTP on loopback: every path, wrong methods, limits. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { silentLogger } from "../../base/index.ts";
import type { ClusterView, Readiness } from "../../cluster/index.ts";
import { Registry } from "../../telemetry/index.ts";
import type { ListenerView, RouteView } from "../serving/views.ts";
import {
  ADMIN_BODY_BYTES_MAX,
  ADMIN_CONNECTIONS_MAX,
  ADMIN_HEADER_BYTES_MAX,
  AdminServer,
} from "./server.ts";
import type { AdminSource } from "./source.ts";
import { clusterView, connectionsView, endpointView } from "./views.fixture.ts";

const DECISION = [{ rule: "connection", effect: "connect ECONNREFUSED" }];
const GOOD = endpointView({ pod: "echo-1", calls: 7, failures: 1, activeCalls: 2, latencyMs: 0.4 });
const BAD = endpointView({
  address: "127.0.0.3:50051",
  state: "TRANSIENT_FAILURE",
  usable: false,
  reason: "connect ECONNREFUSED",
  decision: DECISION,
});

const registry = new Registry();
registry.counter("fairlead_calls_total", "Calls.").add(3);

const LISTENER: ListenerView = {
  ...{ name: "https", wanted: "0.0.0.0:443", address: "127.0.0.1:8443", reason: "listening" },
  connections: 2,
  chains: [{ serverNames: ["*.a.b"], tls: true, clientCertificates: false, routes: 3 }],
};
const ROUTE: RouteView = {
  ...{ listener: "https", serverNames: ["*.a.b"], host: "h", domains: ["*.a.b"] },
  ...{ name: "GRPCRoute prod/echo rule 0 match 0", match: "prefix /a.B/ x-version" },
  ...{ clusters: [{ cluster: "prod/echo:50051", weight: 1 }], mirrors: ["prod/echo:50052"] },
  ...{ timeoutMs: null, refusal: null },
};

let clusters: ClusterView[];
let readiness: Readiness;
let asked: string[];
const source: AdminSource = {
  clusters: async () => clusters,
  listeners: async () => [LISTENER],
  routes: async () => [ROUTE],
  metrics: async () => registry.snapshot(),
  readiness: async () => readiness,
  connections: async () => connectionsView(),
  drain: () => asked.push("drain"),
  quit: () => asked.push("quit"),
};

let server: AdminServer;
let port: number;

before(async () => {
  server = new AdminServer(source, silentLogger);
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  port = Number(/^127\.0\.0\.1:(\d+)$/.exec(address)?.[1]);
});

after(() => server.close());

beforeEach(() => {
  clusters = [clusterView([GOOD, BAD], { target: "t:1" })];
  readiness = { ready: true, reason: "1 of 2 endpoints is ready" };
  asked = [];
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = "",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers });
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => {
        resolve({ status: response.statusCode!, headers: response.headers, body: text });
      });
    });
    request.end(body);
  });
}

test("/livez is 200", async () => {
  assert.equal((await ask("GET", "/livez")).status, 200);
});

for (const path of ["/ready", "/healthz"]) {
  test(`${path} is 200 or 503, and its body says why`, async () => {
    const good = await ask("GET", path);
    assert.deepEqual([good.status, good.body], [200, "1 of 2 endpoints is ready\n"]);
    readiness = { ready: false, reason: "draining" };
    const answer = await ask("GET", path);
    assert.deepEqual([answer.status, answer.body], [503, "draining\n"]);
  });
}

test("/metrics is Prometheus text", async () => {
  const answer = await ask("GET", "/metrics");
  assert.match(answer.body, /^fairlead_calls_total 3$/m);
  assert.match(answer.headers["content-type"] ?? "", /^text\/plain; version=0\.0\.4/);
});

test("/clusters?format=json has the keys of the contract and no decisions", async () => {
  const answer = await ask("GET", "/clusters?format=json");
  assert.equal(answer.headers["content-type"], "application/json");
  const [cluster] = JSON.parse(answer.body).clusters;
  assert.deepEqual(
    [cluster.target, cluster.policy, cluster.stale, cluster.staleMs],
    ["t:1", "least_request", false, 0],
  );
  const { decision: _, ...expected } = GOOD;
  assert.deepEqual(cluster.endpoints[0], expected);
});

test("/clusters without a format is text as Envoy writes it", async () => {
  const { body } = await ask("GET", "/clusters");
  for (const line of [
    "t:1::127.0.0.2:50051::cx_active::1",
    "t:1::127.0.0.2:50051::rq_total::7",
    "t:1::127.0.0.2:50051::rq_error::1",
    "t:1::127.0.0.2:50051::rq_success::4",
    "t:1::127.0.0.2:50051::health_flags::healthy",
    "t:1::127.0.0.3:50051::health_flags::/failed_active_hc",
  ]) {
    assert.ok(body.split("\n").includes(line), line);
  }
});

test("/why has the decisions, for one target at the top as well", async () => {
  const answer = JSON.parse((await ask("GET", "/why?format=json&target=t:1")).body);
  assert.deepEqual([answer.target, answer.policy], ["t:1", "least_request"]);
  assert.deepEqual(answer.endpoints[1].decision, DECISION);
  assert.deepEqual(answer.clusters[0].endpoints, answer.endpoints);
  clusters.push(clusterView([], { target: "u:1" }));
  const both = JSON.parse((await ask("GET", "/why?format=json")).body);
  assert.deepEqual(
    both.clusters.map((cluster: ClusterView) => cluster.target),
    ["t:1", "u:1"],
  );
});

test("/why as text says that the proxy drains", async () => {
  clusters[0] = { ...clusters[0]!, draining: true };
  const { body } = await ask("GET", "/why");
  assert.match(body, /^the proxy is draining: it takes no new connections$/m);
  assert.match((await ask("GET", "/clusters")).body, /^t:1::draining::true$/m);
});

test("/why as text is a table, with the decision for what is not used", async () => {
  const { body } = await ask("GET", "/why");
  assert.match(body, /^target t:1 {3}policy least_request {3}1 of 2 endpoints usable\n/);
  assert.match(body, /^127\.0\.0\.2:50051 {3}echo-1 {3}READY .* 0\.4ms {3}ready$/m);
  assert.match(body, /^127\.0\.0\.3:50051 is not used:\n {2}connection: connect ECONNREFUSED$/m);
});

test("an unknown target is 404 and told what there is, an unknown format is 400", async () => {
  const unknown = await ask("GET", "/why?target=x:1");
  assert.equal(unknown.status, 404);
  assert.match(unknown.body, /"x:1".*t:1/);
  assert.equal((await ask("GET", "/clusters?format=xml")).status, 400);
});

test("drain and quit are POST, and quit follows its answer", async () => {
  assert.equal((await ask("POST", "/drain_listeners?graceful")).status, 200);
  assert.equal((await ask("POST", "/quitquitquit")).status, 200);
  assert.deepEqual(asked, ["drain", "quit"]);
});

test("any other method is 405 and does nothing", async () => {
  for (const path of ["/drain_listeners?graceful", "/quitquitquit"]) {
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
      const answer = await ask(method, path);
      assert.deepEqual([answer.status, answer.headers.allow], [405, "POST"]);
    }
  }
  assert.equal((await ask("POST", "/clusters")).status, 405);
  assert.deepEqual(asked, []);
});

test("a POST from a page in a browser is refused", async () => {
  const origin = { origin: "http://evil.example" };
  assert.equal((await ask("POST", "/quitquitquit", origin)).status, 403);
  assert.equal(
    (await ask("POST", "/quitquitquit", { "sec-fetch-site": "cross-site" })).status,
    403,
  );
  assert.deepEqual(asked, []);
});

test("HEAD is GET without a body, / and an unknown path list what there is", async () => {
  const head = await ask("HEAD", "/livez");
  assert.deepEqual([head.status, head.body], [200, ""]);
  assert.match((await ask("GET", "/")).body, /^POST \/quitquitquit/m);
  const unknown = await ask("GET", "/nothing");
  assert.equal(unknown.status, 404);
  assert.match(unknown.body, /\/clusters/);
});

test("a source that fails is a 503 with its words", async () => {
  clusters = undefined as unknown as ClusterView[];
  const answer = await ask("GET", "/clusters");
  assert.equal(answer.status, 503);
  assert.notEqual(answer.body, "");
});

test("headers and bodies are bounded", async () => {
  const big = await ask("GET", "/livez", { "x-big": "a".repeat(ADMIN_HEADER_BYTES_MAX) });
  assert.equal(big.status, 431);
  const body = "a".repeat(ADMIN_BODY_BYTES_MAX * 1024);
  await assert.rejects(
    ask("POST", "/drain_listeners?graceful", {}, body).then((answer) => {
      // The answer may win the race; then the connection is closed behind it.
      assert.equal(answer.headers.connection, "close");
      throw new Error("closed");
    }),
  );
});

test("a crowd that asks nothing does not keep a probe out", async () => {
  const crowd = Array.from({ length: ADMIN_CONNECTIONS_MAX + 20 }, () =>
    connect(port, "127.0.0.1"),
  );
  let cut = 0;
  for (const socket of crowd) {
    socket.on("error", () => {});
    socket.once("close", () => {
      cut += 1;
    });
    socket.write("GET /liv");
  }
  await Promise.all(crowd.map((socket) => socket.destroyed || once(socket, "connect")));
  assert.equal((await ask("GET", "/livez")).status, 200);
  while (cut < 20) await new Promise((resolve) => setImmediate(resolve));
  for (const socket of crowd) socket.destroy();
});

test("what a server said cannot forge a line or move a cursor", async () => {
  const reason = "GOAWAY (evil\n127.0.0.1:1::state::READY\x1b[31m)";
  clusters = [clusterView([{ ...BAD, reason }], { target: "t:1", reason })];
  for (const path of ["/clusters", "/why"]) {
    const { body } = await ask("GET", path);
    assert.ok(body.includes("GOAWAY (evil?127.0.0.1:1::state::READY?[31m)"), body);
    assert.ok(!body.includes("\x1b"));
  }
});

test("bytes that are no HTTP are answered and cut", async () => {
  const socket = connect(port, "127.0.0.1");
  let seen = "";
  await new Promise<void>((resolve) => {
    socket.on("data", (bytes) => {
      seen += bytes;
    });
    socket.on("close", () => resolve());
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  });
  assert.match(seen, /^HTTP\/1\.1 400 /);
});

test("a port in use is told in a sentence", async () => {
  const other = new AdminServer(source, silentLogger);
  await assert.rejects(other.listen({ host: "127.0.0.1", port }), {
    name: "ListenError",
    message: `cannot listen on 127.0.0.1:${port}: the address is in use`,
  });
  other.close();
});

test("/listeners and /routes show what is served, as text and as JSON", async () => {
  const listeners = await ask("GET", "/listeners");
  assert.match(listeners.body, /^https::127\.0\.0\.1:8443$/m);
  assert.match(listeners.body, /^https::chain::\*\.a\.b::tls::3 routes$/m);
  const { body } = await ask("GET", "/listeners?format=json");
  assert.deepEqual(JSON.parse(body), { listeners: [LISTENER] });
  const routes = await ask("GET", "/routes");
  const action = "prod/echo:50051=1 copies to prod/echo:50052";
  const line = `https::*.a.b::prefix /a.B/ x-version::${action}::${ROUTE.name}\n`;
  assert.equal(routes.body, line);
  const asJson = await ask("GET", "/routes?format=json");
  assert.deepEqual(JSON.parse(asJson.body), { routes: [ROUTE] });
});

test("/connections shows peers, sheds and connections, as text and as JSON", async () => {
  const { status, body } = await ask("GET", "/connections");
  assert.equal(status, 200);
  assert.match(body, /^replica 0123456789abcdef {3}waiting$/m);
  assert.match(body, /^load 30\.1 calls\/s {3}mean of 2 20\.1$/m);
  assert.match(body, /^127\.0\.0\.2:9902 +ANSWERING +1 +10\.0 +0\.4s +answers$/m);
  assert.match(body, /127\.0\.0\.1:40001 +12\.0s +1 +5\.0 +35\.2 +20\.1 +0\.750 -> 0\.625$/m);
  assert.match(body, /^127\.0\.0\.1:40002 +- +OPEN +14\.0s +2 +420 +30\.0 +kept: for now$/m);
  const { body: json } = await ask("GET", "/connections?format=json");
  assert.deepEqual(JSON.parse(json), connectionsView());
  assert.equal((await ask("POST", "/connections")).status, 405);
  assert.equal((await ask("GET", "/connections?format=xml")).status, 400);
});
