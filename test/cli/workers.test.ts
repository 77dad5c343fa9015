/**
 * `fairlead proxy --workers 2` as real processes: connections in turn, one answer for all, a
 * crashed worker replaced, and nobody left behind.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import http2 from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stopAll } from "../peers/processes.ts";
import {
  ask,
  call,
  FAIRLEAD,
  isAlive,
  isRefused,
  logLines,
  type StartedProxy,
  startProxy,
  startUpstream,
  type Upstream,
  until,
  withSession,
} from "./harness.ts";

let upstream: Upstream;

before(async () => {
  upstream = await startUpstream("a");
});

after(async () => {
  await stopAll();
  await upstream.close();
});

const ARGS = ["--listen", "127.0.0.1:0", "--workers", "2", "--admin", "0"];

async function readyProxy(): Promise<StartedProxy> {
  const proxy = await startProxy(...ARGS, "--to", upstream.address);
  await until("both connected", async () => (await endpoint(proxy)).connections === 2);
  return proxy;
}

function workerPids(proxy: StartedProxy): number[] {
  const started = logLines(proxy.process).filter(({ msg }) => msg === "worker started");
  return started.map(({ workerPid }) => Number(workerPid));
}

async function endpoint(proxy: StartedProxy): Promise<{ calls: number; connections: number }> {
  const { body } = await ask(proxy.admin, "/clusters?format=json");
  return JSON.parse(body).clusters[0].endpoints[0];
}

test("one listening line, sums over the workers, exit 0", async () => {
  const proxy = await readyProxy();
  assert.equal(logLines(proxy.process).filter(({ msg }) => msg === "listening").length, 1);
  const sessions = [1, 2, 3, 4].map(() => http2.connect(`http://${proxy.addresses[0]}`));
  for (const session of sessions) assert.equal((await call(session)).grpcStatus, "0");
  const { calls, connections } = await endpoint(proxy);
  const figures = (await ask(proxy.admin, "/metrics")).body;
  // Both workers hold the same endpoint: their counts of it are no sum.
  assert.match(figures, /^fairlead_lb_endpoints\{.*state="ready"\} 1$/m);
  assert.match(figures, /^fairlead_build_info\{version="\d+\.\d+\.\d+"\} 1$/m);
  const changes = logLines(proxy.process).filter(({ msg }) => msg === "endpoints changed");
  assert.equal(changes.length, 1, "by the primary, for all workers");
  // Each worker has a connection of its own to the endpoint, so both got calls only if both show.
  assert.deepEqual([calls, connections], [4, 2]);
  const pids = workerPids(proxy);
  assert.equal(pids.length, 2);
  for (const session of sessions) session.destroy();
  assert.deepEqual(await proxy.process.stop(), { code: 0, signal: null });
  for (const pid of pids) assert.equal(isAlive(pid), false);
});

test("connections go to the workers in turn", async () => {
  const proxy = await readyProxy();
  const active = async (): Promise<number[]> => {
    const { body } = await ask(proxy.admin, "/metrics");
    const lines = body.split("\n").filter((line) => /connections/.test(line));
    return lines.map((line) => Number(line.split(" ").at(-1)));
  };
  // One after the other: a worker that has not yet taken its last connection is passed over.
  const sessions: http2.ClientHttp2Session[] = [];
  for (let i = 0; i < 4; i += 1) {
    sessions.push(http2.connect(`http://${proxy.addresses[0]}`));
    await call(sessions[i]);
  }
  assert.ok((await active()).includes(4), "the sum over both workers");
  // Killing one worker cuts its connections: those of the other stay.
  let cut = 0;
  for (const session of sessions) {
    session.on("error", () => {});
    session.once("close", () => {
      cut += 1;
    });
  }
  process.kill(workerPids(proxy)[0], "SIGKILL");
  await until("two cut", () => cut === 2);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(cut, 2);
  for (const session of sessions) session.destroy();
  await proxy.process.stop();
});

test("a killed worker is replaced on the same port", async () => {
  const proxy = await readyProxy();
  for (const pid of workerPids(proxy)) process.kill(pid, "SIGKILL");
  await until("two more workers", () => workerPids(proxy).length === 4);
  await until("ready", async () => (await ask(proxy.admin, "/ready")).status === 200);
  await withSession(`http://${proxy.addresses[0]}`, async (session) => {
    assert.equal((await call(session)).grpcStatus, "0");
  });
  const { body } = await ask(proxy.admin, "/metrics");
  assert.match(body, /^fairlead_worker_restarts_total 2$/m);
  assert.deepEqual(await proxy.process.stop(), { code: 0, signal: null });
});

test("counters do not fall when a worker is killed", async () => {
  const proxy = await readyProxy();
  for (let i = 0; i < 4; i += 1) {
    await withSession(`http://${proxy.addresses[0]}`, async (session) => call(session));
  }
  assert.equal((await endpoint(proxy)).calls, 4);
  process.kill(workerPids(proxy)[0], "SIGKILL");
  await until("another", () => workerPids(proxy).length === 3);
  assert.equal((await endpoint(proxy)).calls, 4);
  assert.deepEqual(await proxy.process.stop(), { code: 0, signal: null });
});

test("a socket file left over by a crash is taken by all workers", async () => {
  const dir = mkdtempSync(join(tmpdir(), "fairlead-stale-"));
  const path = join(dir, "s");
  // What a killed process leaves: a bound socket file that nobody listens on.
  const program = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => {
    process.kill(process.pid, "SIGKILL");
  });`;
  await once(spawn(process.execPath, ["-e", program], { stdio: "ignore" }), "exit");
  assert.ok(existsSync(path));
  const args = ["--listen", `unix:${path}`, "--workers", "4", "--to", upstream.address];
  const proxy = await startProxy(...args);
  for (let i = 0; i < 4; i += 1) {
    const session = http2.connect("http://localhost", { createConnection: () => connect(path) });
    assert.equal((await call(session)).grpcStatus, "0");
    session.destroy();
  }
  assert.deepEqual(await proxy.process.stop(), { code: 0, signal: null });
  rmSync(dir, { recursive: true });
});

test("a signal to the whole group, as from a terminal, ends it as one to the primary", async () => {
  const proxy = await readyProxy();
  process.kill(-proxy.process.pid, "SIGINT");
  assert.deepEqual(await proxy.process.exited, { code: 0, signal: null });
  const drained = logLines(proxy.process).filter(({ msg }) => msg === "drained");
  assert.equal(drained.length, 2);
});

test("a drain of all workers refuses connections and lets calls finish", async () => {
  const proxy = await readyProxy();
  const before = upstream.count();
  const sessions = [1, 2].map(() => http2.connect(`http://${proxy.addresses[0]}`));
  const calls = sessions.map((session) => call(session, "/slow"));
  await until("both calls", () => upstream.count() === before + 2);
  assert.equal((await ask(proxy.admin, "/drain_listeners?graceful", "POST")).status, 200);
  assert.equal((await ask(proxy.admin, "/ready")).status, 503);
  const port = Number(proxy.addresses[0].split(":")[1]);
  await until("refusal", () => isRefused(port));
  for (const { grpcStatus } of await Promise.all(calls)) assert.equal(grpcStatus, "0");
  assert.equal((await endpoint(proxy)).calls, 2, "the workers stay, and answer");
  assert.deepEqual(await proxy.process.stop(), { code: 0, signal: null });
  for (const session of sessions) session.destroy();
});

test("no worker outlives a primary that was killed", async () => {
  const args = ["proxy", ...ARGS, "--to", upstream.address];
  const primary = spawn(FAIRLEAD, args, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  primary.stderr.on("data", (bytes) => {
    log += bytes;
  });
  try {
    await until("admin", () => log.includes('"msg":"admin"'));
    const pids = [...log.matchAll(/"workerPid":(\d+)/g)].map(([, pid]) => Number(pid));
    assert.equal(pids.length, 2);
    primary.kill("SIGKILL");
    await once(primary, "exit");
    await until("both gone", () => pids.every((pid) => !isAlive(pid)));
  } finally {
    primary.kill("SIGKILL");
  }
});
