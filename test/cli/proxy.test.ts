/**
 * The life of `fairlead proxy` as a process: what it logs, how it answers for itself, how it ends.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http2 from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startProcess, stopAll } from "../peers/processes.ts";
import {
  ask,
  call,
  FAIRLEAD,
  isRefused,
  logLines,
  type StartedProxy,
  startProxy,
  startUpstream,
  type Upstream,
  until,
  withSession,
} from "./harness.ts";

let upstreams: Upstream[];
let target: string;

before(async () => {
  upstreams = await Promise.all(["a", "b"].map((name) => startUpstream(name)));
  target = upstreams.map(({ address }) => address).join(",");
});

after(async () => {
  await stopAll();
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

const ONE = ["--listen", "127.0.0.1:0", "--admin", "0"];

async function readyProxy(...args: string[]): Promise<StartedProxy> {
  const proxy = await startProxy(...ONE, "--to", target, ...args);
  await until("both ready", async () => {
    const { body } = await ask(proxy.admin, "/ready");
    return body.startsWith("2 of 2 ");
  });
  return proxy;
}

async function end(proxy: StartedProxy): Promise<void> {
  assert.deepEqual(await proxy.process.stop(), { code: 0, signal: null }, proxy.process.output);
}

test("the log is one JSON object a line, with time, level as a word, and msg", async () => {
  const proxy = await readyProxy();
  await end(proxy);
  const lines = logLines(proxy.process);
  for (const { time, level, msg } of lines) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.match(level, /^(info|warn)$/);
    assert.equal(typeof msg, "string");
  }
  assert.match(proxy.addresses[0], /^127\.0\.0\.1:\d+$/);
  assert.match(proxy.admin, /^127\.0\.0\.1:\d+$/);
  assert.equal(proxy.process.stdout, "");
});

test("--log-level keeps lines out", async () => {
  const args = ["proxy", "--listen", "127.0.0.1:0", "--to", target, "--log-level", "error"];
  const process = startProcess(FAIRLEAD, args);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await process.stop();
  assert.equal(process.stderr, "");
});

test("calls of one connection are spread, and the admin endpoint counts them", async () => {
  const proxy = await readyProxy("--policy", "round_robin");
  await withSession(`http://${proxy.addresses[0]}`, async (session) => {
    const names = [];
    for (let i = 0; i < 10; i += 1) names.push((await call(session)).name);
    assert.equal(names.filter((name) => name === "a").length, 5);
  });
  const { body } = await ask(proxy.admin, "/clusters?format=json");
  const [cluster] = JSON.parse(body).clusters;
  assert.deepEqual([cluster.target, cluster.policy, cluster.stale], [target, "round_robin", false]);
  for (const endpoint of cluster.endpoints) {
    const { calls, failures, activeCalls, connections, state, usable } = endpoint;
    assert.deepEqual([calls, failures, activeCalls, connections], [5, 0, 0, 1]);
    assert.deepEqual([state, usable, endpoint.source], ["READY", true, "static"]);
    assert.equal(typeof endpoint.latencyMs, "number");
  }
  assert.match((await ask(proxy.admin, "/metrics")).body, /^# TYPE \w+ counter$/m);
  await end(proxy);
});

test("service config names the policy as well", async () => {
  const config = '{"loadBalancingConfig":[{"pick_first":{}}]}';
  const proxy = await startProxy(...ONE, "--to", target, "--service-config", config);
  const { body } = await ask(proxy.admin, "/why?format=json");
  assert.equal(JSON.parse(body).policy, "pick_first");
  await end(proxy);
});

test("a name that does not resolve is no error of start, but told everywhere", async () => {
  const name = "nowhere.invalid:50051";
  const proxy = await startProxy(...ONE, "--to", name, "--ready-timeout", "0.2");
  await until("the reason", async () => {
    const { status, body } = await ask(proxy.admin, "/ready");
    assert.equal(status, 503);
    return /nowhere\.invalid/.test(body) && !/not resolved yet/.test(body);
  });
  await withSession(`http://${proxy.addresses[0]}`, async (session) => {
    const { status, grpcStatus, grpcMessage } = await call(session);
    assert.deepEqual([status, grpcStatus], [200, "14"]);
    assert.match(grpcMessage, /^fairlead: .*nowhere\.invalid/);
  });
  assert.ok(logLines(proxy.process).some(({ level }) => level === "warn"));
  await end(proxy);
});

test("/drain_listeners?graceful stops accepting and keeps the process", async () => {
  const proxy = await readyProxy();
  assert.equal((await ask(proxy.admin, "/drain_listeners?graceful")).status, 405);
  assert.equal((await ask(proxy.admin, "/drain_listeners?graceful", "POST")).status, 200);
  const ready = await ask(proxy.admin, "/ready");
  assert.deepEqual([ready.status, /draining/.test(ready.body)], [503, true]);
  const port = Number(proxy.addresses[0].split(":")[1]);
  await until("refusal", () => isRefused(port));
  assert.equal((await ask(proxy.admin, "/livez")).status, 200);
  assert.equal(proxy.process.exit, null);
  await end(proxy);
});

test("/quitquitquit ends it with 0", async () => {
  const proxy = await readyProxy();
  assert.equal((await ask(proxy.admin, "/quitquitquit")).status, 405);
  assert.equal((await ask(proxy.admin, "/quitquitquit", "POST")).status, 200);
  assert.deepEqual(await proxy.process.exited, { code: 0, signal: null });
});

test("a terminal that closes ends it as SIGTERM does; SIGUSR1 opens no debugger", async () => {
  const proxy = await readyProxy();
  proxy.process.signal("SIGUSR1");
  assert.equal((await ask(proxy.admin, "/livez")).status, 200);
  proxy.process.signal("SIGHUP");
  assert.deepEqual(await proxy.process.exited, { code: 0, signal: null });
  const messages = logLines(proxy.process).map(({ msg }) => msg);
  assert.deepEqual(messages.slice(-2), ["draining", "drained"], "in order, and nothing else");
  const [starting, draining] = [logLines(proxy.process)[0]!, logLines(proxy.process).at(-2)!];
  assert.equal(draining.by, "SIGHUP");
  const { msg, target: said, policy, tls, workers } = starting;
  assert.deepEqual(
    [msg, said, policy, tls, workers],
    ["starting", target, "least_request", false, 1],
  );
});

test("whom it served hears of the end: GOAWAY leaves before the process does", async () => {
  const proxy = await readyProxy("--drain-timeout", "0");
  const session = http2.connect(`http://${proxy.addresses[0]}`);
  const result = call(session, "/hang");
  await until("the call", async () => {
    const { body } = await ask(proxy.admin, "/clusters?format=json");
    return JSON.parse(body).clusters[0].endpoints.some((e: { calls: number }) => e.calls > 0);
  });
  await end(proxy);
  const { grpcStatus, grpcMessage } = await result;
  assert.equal(grpcStatus, "14");
  assert.match(grpcMessage, /^fairlead: .*drain/);
  session.destroy();
});

test("it ends in order although nobody reads its log any more", async () => {
  const args = ["proxy", "--listen", "127.0.0.1:0", "--to", target];
  const proxy = spawn(FAIRLEAD, args, { stdio: ["ignore", "ignore", "pipe"] });
  try {
    await once(proxy.stderr, "data");
    proxy.stderr.destroy();
    proxy.kill("SIGTERM");
    assert.deepEqual(await once(proxy, "exit"), [0, null]);
  } finally {
    proxy.kill("SIGKILL");
  }
});

test("SIGTERM lets a call finish, a second one does not", async () => {
  const proxy = await readyProxy();
  await withSession(`http://${proxy.addresses[0]}`, async (session) => {
    const before = upstreams.reduce((sum, { count }) => sum + count(), 0);
    call(session, "/hang").catch(() => {});
    await until("the call", () => upstreams.reduce((sum, u) => sum + u.count(), 0) > before);
    const goAway = new Promise((resolve) => session.once("goaway", resolve));
    proxy.process.signal("SIGTERM");
    await goAway;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(proxy.process.exit, null, "it waits for the call");
    proxy.process.signal("SIGTERM");
    assert.deepEqual(await proxy.process.exited, { code: 1, signal: null });
  });
});

for (const workers of ["1", "2"]) {
  test(`SIGTERM with ${workers} workers: not ready, and accepting for --drain-delay`, async () => {
    const proxy = await readyProxy("--drain-delay", "1.5", "--workers", workers);
    await withSession(`http://${proxy.addresses[0]}`, async (old) => {
      await call(old);
      let isGoingAway = false;
      old.on("goaway", () => {
        isGoingAway = true;
      });
      proxy.process.signal("SIGTERM");
      await until("it is not ready", async () => (await ask(proxy.admin, "/ready")).status === 503);
      // Who has not heard of it connects as ever, and is served.
      await withSession(`http://${proxy.addresses[0]}`, async (session) => {
        assert.equal((await call(session)).grpcStatus, "0");
      });
      assert.equal((await call(old)).grpcStatus, "0");
      assert.equal(isGoingAway, false, "nobody is sent away meanwhile");
      await until("then everybody is", () => isGoingAway);
      assert.deepEqual(await proxy.process.exited, { code: 0, signal: null });
    });
  });
}

test("--drain-timeout bounds the wait for calls", async () => {
  const proxy = await readyProxy("--drain-timeout", "0.3");
  await withSession(`http://${proxy.addresses[0]}`, async (session) => {
    call(session, "/hang").catch(() => {});
    await until("the call", async () => {
      const { body } = await ask(proxy.admin, "/clusters?format=json");
      return JSON.parse(body).clusters[0].endpoints.some((e: { calls: number }) => e.calls > 0);
    });
    await end(proxy);
  });
});

test("it listens on several addresses and on a Unix socket", async () => {
  const dir = mkdtempSync(join(tmpdir(), "fairlead-unix-"));
  const path = join(dir, "proxy.sock");
  const proxy = await startProxy(...ONE, "--listen", `unix:${path}`, "--to", target);
  assert.deepEqual(proxy.addresses[1], `unix:${path}`);
  const session = http2.connect("http://localhost", { createConnection: () => connect(path) });
  assert.equal((await call(session)).grpcStatus, "0");
  session.destroy();
  await end(proxy);
  rmSync(dir, { recursive: true });
});
