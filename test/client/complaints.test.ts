/**
 * What users of gRPC in Node complain of, one by one, with fairlead's channel under stock stubs.
 *
 * Each client is a process of its own, so that what crashes a user's process fails a test. With
 * FAIRLEAD_BESIDE=1 grpc-js's own channel goes through the same: its figures are told, not judged.
 */
import assert from "node:assert/strict";
import { after, describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { realClock } from "../../src/base/index.ts";
import { LabDns } from "../../src/lab/dns/index.ts";
import { ListZone, newPod, newSlice } from "../../src/lab/dns/zone.fixture.ts";
import type { ChannelName } from "../peers/node/channel-options.ts";
import { stopAll } from "../peers/processes.ts";
import { startEchoServer } from "../peers/storms.ts";
import { startEchoCluster } from "../support/lab-cluster.ts";
import { eventually, RawServer } from "../support/raw-http2.ts";
import { openTcpRelay } from "../support/tcp-relay.ts";
import { startCaller, summaryOf } from "./caller.ts";
import { startGoawayServer } from "./goaway-server.ts";

after(() => stopAll());

/** How long a client has to find a server that has become good. */
const SETTLE_MS = 2_000;
const IS_BESIDE = process.env.FAIRLEAD_BESIDE === "1";
const ROUND_ROBIN = {
  "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
};

/** All of them, to be defined as tests at the end of this file. */
const COMPLAINTS: (() => void)[] = [];

/**
 * One complaint: what is done on a channel, and what must have come of it. `run` gives null when a
 * program that it needs is missing.
 */
function complaint<R>(
  name: string,
  run: (t: TestContext, channel: ChannelName) => Promise<R | null>,
  check: (result: R) => void,
): void {
  COMPLAINTS.push(() => {
    test(name, async (t) => {
      const result = await run(t, "fairlead");
      if (result === null) return;
      t.diagnostic(JSON.stringify(result));
      check(result);
    });
    if (!IS_BESIDE) return;
    test(`${name} (grpc-js beside)`, async (t) => {
      const result = await run(t, "grpc-js").catch((error: Error) => ({ failure: error.message }));
      t.diagnostic(JSON.stringify(result));
    });
  });
}

const AGED_CALLS = 65_000;

complaint(
  "servers that close connections every 500 ms fail no call of 65,000",
  async (t, channel) => {
    const addresses = ["127.0.0.1:0", "127.0.0.2:0", "127.0.0.3:0"];
    const servers = [];
    for (const address of addresses) {
      const server = await startEchoServer(t, [address], ["-max-connection-age", "500ms"]);
      if (server === null) return null;
      servers.push(...server.addresses);
    }
    const caller = startCaller(t, {
      channel,
      target: `ipv4:${servers.join(",")}`,
      calls: AGED_CALLS,
      concurrency: 100,
      options: ROUND_ROBIN,
    });
    return summaryOf(caller, 300_000);
  },
  ({ ok, failed }) => assert.deepEqual([ok, failed], [AGED_CALLS, {}]),
);

/** The least that gRFC A8 has clients ask for, and far less than 20 s for the answer. */
const KEEPALIVE = { "grpc.keepalive_time_ms": 10_000, "grpc.keepalive_timeout_ms": 1_000 };
/** Our own probe takes 15 s when nothing is asked for; the rest is for a busy machine. */
const NOTICED_MS_MAX = 30_000;

/** When a caller notices that its server fell silent, and by which status. Its calls then go on. */
async function measureSilence(
  t: TestContext,
  channel: ChannelName,
  server: string,
  options: Readonly<Record<string, number>>,
) {
  const relay = await openTcpRelay(server);
  t.after(async () => relay.close());
  const target = `ipv4:${relay.address}`;
  const caller = startCaller(t, { channel, target, calls: 1_000_000, pauseMs: 5, options });
  await caller.waitFor(/"event":"seen"/);
  relay.freeze();
  const frozenAt = performance.now();
  const [, code] = await caller.waitFor(/"event":"failed","code":"(\w+)"/, 2 * NOTICED_MS_MAX);
  const noticedMs = Math.round(performance.now() - frozenAt);
  await caller.waitFor(/"event":"recovered"/);
  return { code, noticedMs };
}

complaint(
  "half-open: a server that fell silent is noticed within keepalive, and calls go on",
  async (t, channel) => {
    const server = await startEchoServer(t);
    if (server === null) return null;
    const [address] = server.addresses as [string];
    const [asked, unasked] = await Promise.all([
      measureSilence(t, channel, address, KEEPALIVE),
      // grpc-js alone waits for as long as the kernel does.
      channel === "grpc-js" ? null : measureSilence(t, channel, address, {}),
    ]);
    return { asked, unasked };
  },
  ({ asked, unasked }) => {
    assert.equal(asked.code, "UNAVAILABLE");
    assert.equal(unasked?.code, "UNAVAILABLE");
    assert.ok(unasked.noticedMs < NOTICED_MS_MAX, `noticed after ${unasked.noticedMs} ms`);
    const both = `${asked.noticedMs} and ${unasked.noticedMs} ms`;
    assert.ok(asked.noticedMs < unasked.noticedMs - 1_000, `options are honoured: ${both}`);
  },
);

complaint(
  "GOAWAY at any point crashes no process, hangs no call, and the next calls pass",
  async (t, channel) => {
    const server = await startGoawayServer();
    t.after(async () => server.close());
    const caller = startCaller(t, {
      channel,
      target: `ipv4:${server.address}`,
      calls: 1_000_000,
      concurrency: 4,
      pauseMs: 5,
      deadlineMs: 15_000,
      isWaiting: true,
      options: { "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 100 },
    });
    const visits = () => Math.min(...server.visits.values());
    await eventually(
      "every point is visited twice, or the process is gone",
      () => caller.exit !== null || visits() >= 2,
      60_000,
    );
    server.behave();
    await sleep(SETTLE_MS);
    caller.signal("SIGTERM");
    const { ok, failed, isFailing } = await summaryOf(caller);
    return { ok, failed, isFailing, visits: visits() };
  },
  ({ ok, failed, isFailing, visits }) => {
    assert.ok(visits >= 2);
    assert.ok(ok > 0);
    assert.equal(isFailing, false, "the last call passed");
    // A call that a server broke off may fail, but not hang.
    for (const code of Object.keys(failed)) assert.match(code, /^(UNAVAILABLE|INTERNAL)$/);
  },
);

const DEAD_CALLS = 10_000;
const NAME = "echo.prod.svc.cluster.local";

for (const [what, isThere] of [
  ["that does not exist", false],
  ["whose address refuses connections", true],
] as const) {
  complaint(
    `10,000 calls to a name ${what} ask DNS a few times`,
    async (t, channel) => {
      const zone = new ListZone();
      if (isThere) zone.add("prod/echo", {}, newSlice([newPod("127.0.0.9")]));
      let questions = 0;
      const onQuestion = () => {
        questions += 1;
      };
      const dns = new LabDns({ clock: realClock(), zone, onQuestion });
      const server = await dns.listen();
      t.after(() => dns.close());
      // Nobody listens on port 1.
      const target = `dns://${server}/${NAME}:1`;
      const caller = startCaller(t, {
        ...{ channel, target, calls: DEAD_CALLS, concurrency: 20 },
        // What makes grpc-js ask the server that the target names.
        env: { GRPC_NODE_USE_ALTERNATIVE_RESOLVER: "true" },
      });
      const { failed, seconds } = await summaryOf(caller, 120_000);
      return { failed, seconds, questions };
    },
    ({ failed, seconds, questions }) => {
      assert.deepEqual(failed, { UNAVAILABLE: DEAD_CALLS });
      // Two types of records at the start, and with each attempt of a backoff that begins at 1 s.
      const questionsMax = 4 + 4 * seconds;
      assert.ok(questions <= questionsMax, `${questions} questions in ${seconds} s`);
      assert.ok(questions > 0, "DNS is asked");
    },
  );
}

complaint(
  "a connection that is reset in mid-call ends the call with UNAVAILABLE and says so",
  async (t, channel) => {
    const server = await RawServer.listen();
    t.after(() => server.close());
    const caller = startCaller(t, { channel, target: `ipv4:${server.address}` });
    const connection = await server.next();
    const { id } = await connection.nextStream();
    connection.headers(id, [
      [":status", "200"],
      ["content-type", "application/grpc"],
    ]);
    await caller.waitFor(/"event":"seen"/); // The headers are there.
    connection.socket.resetAndDestroy();
    const [, failure] = await caller.waitFor(/^(\{"event":"failed".*)$/m);
    const { code, details } = JSON.parse(failure as string);
    await summaryOf(caller);
    return { code, details, address: server.address };
  },
  ({ code, details, address }) => {
    assert.equal(code, "UNAVAILABLE");
    assert.match(details, /reset|ECONNRESET/i);
    assert.ok(details.includes(address), details);
  },
);

const PORT = 50_051;
/** Numbers of pods, and so addresses, that no other test has. */
const [FIRST, SECOND, ADDED] = [101, 102, 103] as const;

test("a pod that is added is seen within a second", async (t) => {
  const cluster = await startEchoCluster();
  t.after(() => cluster.close());
  for (const n of [FIRST, SECOND, ADDED]) {
    const args = ["-name", `echo-${n}`];
    if ((await startEchoServer(t, [`127.0.2.${n}:${PORT}`], args)) === null) return;
  }
  cluster.addPod(FIRST);
  cluster.addPod(SECOND);
  const caller = startCaller(t, {
    channel: "fairlead",
    target: "kubernetes:///echo.prod:grpc",
    calls: 1_000_000,
    concurrency: 2,
    pauseMs: 2,
    env: { KUBECONFIG: cluster.kubeconfig },
  });
  for (const n of [FIRST, SECOND]) await caller.waitFor(new RegExp(`"server":"echo-${n}"`));
  const addedAt = performance.now();
  cluster.addPod(ADDED);
  await caller.waitFor(new RegExp(`"server":"echo-${ADDED}"`));
  const seenMs = Math.round(performance.now() - addedAt);
  caller.signal("SIGTERM");
  const { failed } = await summaryOf(caller);
  t.diagnostic(JSON.stringify({ seenMs }));
  assert.deepEqual(failed, {});
  assert.ok(seenMs < 1_000, `seen after ${seenMs} ms`);
});

// Two at a time: one of them waits for 20 s.
describe("complaints", { concurrency: 2 }, () => {
  for (const define of COMPLAINTS) define();
});
