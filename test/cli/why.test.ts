/**
 * `fairlead why`: by itself and through a proxy's admin endpoint, as a table and as JSON, and its
 * exit codes.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort, runProcess, stopAll } from "../peers/processes.ts";
import {
  call,
  FAIRLEAD,
  startProxy,
  startUpstream,
  type Upstream,
  until,
  withSession,
} from "./harness.ts";

let upstream: Upstream;
let dead: string;

before(async () => {
  upstream = await startUpstream("a");
  dead = `127.0.0.1:${await freePort()}`;
});

after(async () => {
  await stopAll();
  await upstream.close();
});

const why = (...args: string[]) => runProcess(FAIRLEAD, ["why", ...args]);

test("it connects itself and shows what would be picked and what not", async () => {
  const target = `${upstream.address},${dead}`;
  const { code, stdout, stderr } = await why(target, "-o", "json");
  assert.equal(code, 0, stderr);
  const answer = JSON.parse(stdout);
  assert.deepEqual([answer.target, answer.policy], [target, "least_request"]);
  const good = answer.endpoints.find((e: { address: string }) => e.address === upstream.address);
  const bad = answer.endpoints.find((e: { address: string }) => e.address === dead);
  assert.deepEqual([good.state, good.usable, good.source], ["READY", true, "static"]);
  assert.deepEqual([bad.state, bad.usable], ["TRANSIENT_FAILURE", false]);
  assert.match(bad.reason, /refused/);
  for (const { decision } of [good, bad]) {
    assert.ok(decision.length > 0);
    for (const step of decision) assert.deepEqual(Object.keys(step), ["rule", "effect"]);
  }
});

test("the table has one row an endpoint, and the steps for what is not used", async () => {
  const { code, stdout } = await why(`${upstream.address},${dead}`);
  assert.equal(code, 0);
  assert.match(stdout, /^target .* 1 of 2 endpoints usable$/m);
  assert.match(stdout, /^ADDRESS {3,}POD {3,}STATE/m);
  assert.match(stdout, new RegExp(`^${upstream.address} +- +READY +yes +static`, "m"));
  assert.match(stdout, new RegExp(`^${dead} is not used:$`, "m"));
});

test("with nothing usable it waits, prints, and exits 1", async () => {
  const { code, stdout } = await why(dead, "-o", "json");
  assert.equal(code, 1);
  assert.equal(JSON.parse(stdout).endpoints[0].usable, false);
});

test("a name that does not resolve is told as the reason, exit 1", async () => {
  const { code, stdout } = await why("nowhere.invalid:50051", "-o", "json");
  assert.equal(code, 1);
  const { endpoints, reason } = JSON.parse(stdout);
  assert.deepEqual(endpoints, []);
  assert.match(reason, /nowhere\.invalid/);
});

test("a file that is not there ends it, with all that it had begun", async () => {
  const dir = mkdtempSync(join(tmpdir(), "fairlead-why-"));
  const args = [
    "kubernetes:///echo.prod:grpc",
    "--objects",
    dir,
    "--to-tls",
    "--to-ca",
    "/no/file",
  ];
  try {
    const timeoutMs = 20_000;
    const { code, stderr } = await runProcess(FAIRLEAD, ["why", ...args], { timeoutMs });
    assert.equal(code, 1);
    assert.match(stderr, /^fairlead: --to-ca: /);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("with --admin it asks the running proxy", async () => {
  const args = ["--listen", "127.0.0.1:0", "--to", upstream.address, "--admin", "0"];
  const proxy = await startProxy(...args, "--policy", "round_robin");
  let answer = await why(upstream.address, "--admin", proxy.admin, "-o", "json");
  await until("usable", async () => {
    answer = await why(upstream.address, "--admin", proxy.admin, "-o", "json");
    return answer.code === 0;
  });
  assert.equal(JSON.parse(answer.stdout).policy, "round_robin");
  assert.equal((await why("--admin", proxy.admin)).code, 0);
  const status = await runProcess(FAIRLEAD, ["proxy-status", "--admin", proxy.admin]);
  assert.match(
    status.stderr,
    /^fairlead: --admin \S+: no control plane answers there: ask a proxy by fairlead why [^\n]+\n$/,
  );
  const unknown = await why("127.0.0.1:1", "--admin", proxy.admin);
  assert.equal(unknown.code, 1);
  assert.match(
    unknown.stderr,
    /^fairlead: --admin .*: no target "127\.0\.0\.1:1" here; there is: /,
  );
  await proxy.process.stop();
});

test("service config names the policy, and an admin host that is not known is told", async () => {
  const config = '{"loadBalancingConfig":[{"pick_first":{}}]}';
  const { code, stdout } = await why(upstream.address, "--service-config", config, "-o", "json");
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).policy, "pick_first");
  const unknown = await why("--admin", "nope.invalid:9901");
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^fairlead: --admin nope\.invalid:9901: no answer: the host name /);
});

test("an admin endpoint that is not there, or is none, is told in one line", async () => {
  const absent = await why("--admin", dead);
  assert.deepEqual([absent.code, absent.stdout], [1, ""]);
  assert.match(absent.stderr, /^fairlead: --admin \S+: no answer: connection refused\n$/);
  const other = await why("--admin", upstream.address);
  assert.equal(other.code, 1);
  assert.match(other.stderr, /^fairlead: --admin \S+: .*\n$/);
  const shape = { clusters: [{ target: "t", policy: "p", staleMs: 0, endpoints: [null] }] };
  const program = createServer((_, response) => response.end(JSON.stringify(shape)));
  program.listen(0, "127.0.0.1");
  await once(program, "listening");
  const { port } = program.address() as AddressInfo;
  const odd = await why("--admin", `127.0.0.1:${port}`);
  program.close();
  assert.deepEqual([odd.code, odd.stdout], [1, ""]);
  assert.match(odd.stderr, /^fairlead: --admin \S+: not an answer of fairlead\n$/);
});

test("--connections shows the clients of a running proxy, and why each is kept", async () => {
  const args = ["--listen", "127.0.0.1:0", "--to", upstream.address, "--admin", "0"];
  const proxy = await startProxy(...args);
  await withSession(`http://${proxy.addresses[0]}`, async (session) => {
    await call(session);
    const { code, stdout } = await why("--connections", "--admin", proxy.admin, "-o", "json");
    assert.equal(code, 0);
    const { instance, balance, peers, sheds, connections } = JSON.parse(stdout);
    assert.deepEqual([instance, balance, peers, sheds], [null, null, [], []]);
    const [one] = connections;
    assert.match(one.remote, /^127\.0\.0\.1:\d+$/);
    assert.deepEqual([one.calls, one.activeCalls, one.state], [1, 0, "OPEN"]);
    for (const key of ["id", "worker", "ageMs", "callsPerSecond"]) {
      assert.equal(typeof one[key], "number", key);
    }
    assert.equal(one.reason, "kept: no peers are known (--peers)");
    const table = await why("--connections", "--admin", proxy.admin);
    assert.equal(table.code, 0);
    assert.match(table.stdout, /^1 client connection\nREMOTE +WORKER +STATE +AGE/m);
  });
  await proxy.process.stop();
  const absent = await why("--connections", "--admin", dead);
  assert.deepEqual([absent.code, absent.stdout], [1, ""]);
  assert.match(absent.stderr, /^fairlead: --admin \S+: no answer: connection refused\n$/);
  const program = createServer((_, response) => response.end('{"connections":[null]}'));
  program.listen(0, "127.0.0.1");
  await once(program, "listening");
  const { port } = program.address() as AddressInfo;
  const odd = await why("--connections", "--admin", `127.0.0.1:${port}`);
  program.close();
  assert.match(odd.stderr, /^fairlead: --admin \S+: not an answer of fairlead\n$/);
});
