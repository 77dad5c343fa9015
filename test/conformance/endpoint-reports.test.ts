/**
 * What endpoints say of themselves, from the servers that the world runs: the health service and
 * the ORCA of grpc-go, both ways, and the same behind a proxy whose pods are rolled.
 */
import assert from "node:assert/strict";
import http2 from "node:http2";
import { after, test } from "node:test";
import { parseServiceConfig } from "../../src/cluster/index.ts";
import { ask, startProxy, until } from "../cli/harness.ts";
import { requirePeer, type SkippableTest } from "../peers/find.ts";
import { type RunningProcess, startProcess, stopAll } from "../peers/processes.ts";
import { type ClusterHarness, withCluster } from "../support/cluster.ts";
import { eventually, grpcRequest, type Pairs, rawClient } from "../support/raw-http2.ts";

after(() => stopAll());

const ORDER = "/peer.Pod/Order";
const EMPTY_MESSAGE = Buffer.alloc(5);

interface HealthServer {
  readonly process: RunningProcess;
  readonly address: string;
  /** Tells it what to say from now on. */
  order(...pairs: Pairs): Promise<void>;
}

async function startHealthServer(
  t: SkippableTest,
  ...args: string[]
): Promise<HealthServer | null> {
  const path = requirePeer(t, "health-server");
  if (path === null) return null;
  const process = startProcess(path, args, { name: "health-server" });
  t.after?.(() => process.stop());
  const [, address] = await process.waitFor(/^ready (\S+)$/m);
  const order = async (...pairs: Pairs): Promise<void> => {
    const client = await rawClient(address!);
    const stream = client.request(grpcRequest(ORDER, pairs), false);
    client.data(stream.id, EMPTY_MESSAGE, true);
    assert.equal(await eventually("the order is done", () => stream.get("grpc-status")), "0");
    client.destroy();
  };
  return { process, address: address!, order };
}

/** One call through the cluster; where it went. */
async function callOnce(harness: ClusterHarness, ...pairs: Pairs): Promise<string> {
  const probe = harness.call({ list: grpcRequest(ORDER, pairs), isEnd: false });
  probe.send(EMPTY_MESSAGE, true);
  await probe.over();
  assert.equal(probe.grpcStatus, "0", probe.failure?.reason);
  return probe.call!.address!;
}

const configOf = (policy: object, more: object = {}) => ({
  config: { serviceConfig: parseServiceConfig({ loadBalancingConfig: [policy], ...more }) },
});

test("Watch of grpc-go: SERVING, NOT_SERVING and back, and its Shutdown", async (t) => {
  const server = await startHealthServer(t);
  if (server === null) return;
  const more = { healthCheckConfig: { serviceName: "" } };
  await withCluster(configOf({ round_robin: {} }, more), async (harness) => {
    harness.resolve(server.address);
    await harness.untilReady(1);
    await server.order(["health", "NOT_SERVING"]);
    const reason = () => harness.view(server.address).reason;
    await eventually("unhealthy", () => reason() === "its health check says NOT_SERVING");
    await server.order(["health", "SERVING"]);
    await eventually("well, in time", () => {
      harness.clock.advance(10);
      return harness.view(server.address).state === "READY";
    });
    const before = harness.log.entries.length;
    server.process.signal("SIGTERM");
    await server.process.exited;
    await eventually("gone", () => harness.view(server.address).state !== "READY");
    assert.ok(harness.log.entries.length > before);
  });
});

test("Watch of grpc-go: a service that it does not know is SERVICE_UNKNOWN", async (t) => {
  const server = await startHealthServer(t);
  if (server === null) return;
  const more = { healthCheckConfig: { serviceName: "no.Such" } };
  await withCluster(configOf({ round_robin: {} }, more), async (harness) => {
    harness.resolve(server.address);
    const said = "its health check says SERVICE_UNKNOWN";
    await eventually("unhealthy", () => harness.view(server.address).reason === said);
  });
});

test("grpc-go without health and ORCA: it serves, and each is told once", async (t) => {
  const server = await startHealthServer(t, "-has-services=false");
  if (server === null) return;
  const wrr = { weighted_round_robin: { enableOobLoadReport: true } };
  const more = { healthCheckConfig: { serviceName: "" } };
  await withCluster(configOf(wrr, more), async (harness) => {
    harness.resolve(server.address);
    await harness.untilReady(1);
    const warnings = () => harness.log.entries.filter(({ level }) => level === "warn");
    await eventually("both are told", () => warnings().length === 2);
    assert.match(
      warnings()
        .map(({ msg }) => msg)
        .sort()
        .join(),
      /Health\/Watch.*StreamCoreMetrics/,
    );
    assert.equal(await callOnce(harness), server.address);
  });
});

test("Check of grpc-go, again and again", async (t) => {
  const server = await startHealthServer(t);
  if (server === null) return;
  // Time passes while the server answers: none of it is to be a time-out.
  const timing = { interval: "0.5s", timeout: "3600s" };
  const fairlead = { activeHealthCheck: { ...timing, unhealthyThreshold: 1 } };
  await withCluster(configOf({ round_robin: {} }, { fairlead }), async (harness) => {
    harness.resolve(server.address);
    await harness.untilReady(1);
    await server.order(["health", "NOT_SERVING"]);
    await eventually("unhealthy", () => {
      harness.clock.advance(100);
      return harness.view(server.address).reason === "its active check failed: NOT_SERVING";
    });
    await server.order(["health", "SERVING"]);
    await eventually("well", () => {
      harness.clock.advance(100);
      return harness.view(server.address).state === "READY";
    });
  });
});

/** Shares of 400 calls over two servers, once both have reported. */
async function sharesOf(harness: ClusterHarness, servers: HealthServer[], pairs: Pairs[]) {
  harness.clock.advance(1_000);
  const counts = servers.map(() => 0);
  for (let i = 0; i < 400; i += 1) {
    const at = servers.findIndex(({ address }) => address === last);
    const address = await callOnce(harness, ...(pairs[at] ?? []));
    last = address;
    counts[servers.findIndex((each) => each.address === address)]! += 1;
  }
  return counts;
}
let last = "";

test("ORCA of grpc-go, out of band: weights follow what servers report", async (t) => {
  const servers = [await startHealthServer(t), await startHealthServer(t)];
  const [a, b] = servers;
  if (a === null || b === null) return;
  await a!.order(["cpu", "0.5"], ["qps", "100"], ["eps", "0"]); // weight 200
  await b!.order(["cpu", "0.9"], ["app", "0.5"], ["qps", "50"], ["eps", "25"]); // weight 50
  const wrr = { weighted_round_robin: { enableOobLoadReport: true, blackoutPeriod: "0s" } };
  await withCluster(configOf(wrr), async (harness) => {
    harness.resolve(a!.address, b!.address);
    await harness.untilReady(2);
    const weights = () =>
      harness.cluster.subchannels.map(({ load }) => (load as unknown as { weight: number }).weight);
    await eventually("both have reported", () => weights().every((weight) => weight > 0));
    assert.deepEqual(
      weights().sort((x, y) => x - y),
      [50, 200],
    );
    assert.deepEqual(await sharesOf(harness, [a!, b!], []), [320, 80]);
  });
});

test("ORCA of grpc-go, with each call: weights follow what servers report", async (t) => {
  const server = await startHealthServer(t);
  if (server === null) return;
  const names = ["named_metrics.queue"];
  const wrr = { metricNamesForComputingUtilization: names, blackoutPeriod: "0s" };
  await withCluster(configOf({ weighted_round_robin: wrr }), async (harness) => {
    harness.resolve(server.address);
    await harness.untilReady(1);
    const { load } = harness.cluster.subchannels[0]! as unknown as { load: { weight: number } };
    await callOnce(harness, ["call-cpu", "0.25"], ["call-qps", "100"], ["call-eps", "75"]);
    assert.equal(load.weight, 100);
    await callOnce(harness, ["call-cpu", "0.25"], ["call-qps", "100"], ["call-name", "0.5"]);
    assert.equal(load.weight, 200);
  });
});

test("behind a proxy: a pod that says NOT_SERVING loses no call, and why says so", async (t) => {
  const pods = [await startHealthServer(t), await startHealthServer(t)];
  const [a, b] = pods;
  if (a === null || b === null) return;
  const config = {
    healthCheckConfig: { serviceName: "" },
    loadBalancingConfig: [{ round_robin: {} }],
  };
  const proxy = await startProxy(
    ...["--listen", "127.0.0.1:0", "--admin", "0", "--to", `${a!.address},${b!.address}`],
    ...["--service-config", JSON.stringify(config)],
  );
  t.after(() => proxy.process.stop());
  const session = http2.connect(`http://${proxy.addresses[0]}`);
  let isOver = false;
  t.after(() => {
    isOver = true;
    session.destroy();
  });
  const call = () =>
    new Promise<string>((done) => {
      const stream = session.request({
        ":method": "POST",
        ":path": ORDER,
        "content-type": "application/grpc",
        te: "trailers",
      });
      let status = "none";
      const note = (headers: http2.IncomingHttpHeaders) => {
        status = String(headers["grpc-status"] ?? status);
      };
      stream
        .on("response", note)
        .on("trailers", note)
        .on("error", () => {});
      stream.on("close", () => done(status)).resume();
      stream.end(EMPTY_MESSAGE);
    });
  const statuses = new Map<string, number>();
  const load = Array.from({ length: 8 }, async () => {
    while (!isOver && !session.destroyed) {
      const status = await call();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  const stateOf = async (address: string): Promise<string> => {
    const { body } = await ask(proxy.admin, "/clusters?format=json");
    const [cluster] = JSON.parse(body).clusters;
    const found = cluster.endpoints.find((each: { address: string }) => each.address === address);
    return `${found.state}: ${found.reason}`;
  };
  await until("ready", async () => (await stateOf(a!.address)) === "READY: ready");
  await a!.order(["health", "NOT_SERVING"]);
  const said = "UNHEALTHY: its health check says NOT_SERVING";
  await until("unhealthy", async () => (await stateOf(a!.address)) === said);
  await a!.order(["health", "SERVING"]);
  await until("ready", async () => (await stateOf(a!.address)) === "READY: ready");
  a!.process.signal("SIGTERM");
  await a!.process.exited;
  await until("gone", async () => !(await stateOf(a!.address)).startsWith("READY"));
  isOver = true;
  await Promise.all(load);
  assert.deepEqual([...statuses.keys()], ["0"], JSON.stringify([...statuses]));
  assert.ok(statuses.get("0")! >= load.length);
});
