/**
 * The lane `sidecar` as its user runs it, in network namespaces that the lab makes: a client that
 * dials the ClusterIP over one connection, and calls on all pods; and nothing is left, no process,
 * no namespace and no rule, however the lab ends.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { FAIRLEAD } from "../cli/harness.ts";
import { whyNoNamespace } from "../kubernetes/netns.ts";
import { requirePeer } from "../peers/find.ts";
import { processTree, runProcess, startProcess, stopAll } from "../peers/processes.ts";

after(() => stopAll());

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

/** False: the test is skipped by name, or fails where none may be. */
function canRun(t: TestContext): boolean {
  const reason = whyNoNamespace();
  if (reason === null) return requirePeer(t, "nft") !== null;
  if (process.env.FAIRLEAD_REQUIRE_PEERS === "1") throw new Error(reason);
  t.skip(reason);
  return false;
}

const LANES = ["--pods", "3", "--lanes", "clusterip,sidecar"];

/** The network namespace of a process; "" when it is gone. */
function netnsOf(pid: number | string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return "";
  }
}

/** What must be as before: our rules and interfaces in this network, and named namespaces. */
function network(): string {
  const lines = (tool: string, args: readonly string[], ours: RegExp): string[] =>
    spawnSync(tool, args, { encoding: "utf8" })
      .stdout.split("\n")
      .filter((line) => ours.test(line));
  const rules = lines("nft", ["--stateless", "list", "ruleset"], /fairlead|15001/i);
  const interfaces = lines("ip", ["-brief", "link"], /^(client|eth0)@/);
  const named = existsSync("/run/netns") ? readdirSync("/run/netns") : [];
  // Other tests make some of their own.
  const others = named.filter((name) => !name.startsWith("fairlead-netns"));
  return [...rules, ...interfaces, ...others].join("\n");
}

/**
 * Starts a lab without an end; answers its processes and their namespaces. It leads a
 * session of its own: what ends with the process that we started is the lab's doing, not ours.
 */
async function startLab(t: TestContext) {
  const args = [FAIRLEAD, "lab", "--netns", ...LANES, "--page", "127.0.0.1:0"];
  const session = startProcess("setsid", ["--fork", "--wait", ...args], { name: "lab" });
  const [, url] = await session.waitFor(/"address":"(http:[^"]+)"/);
  const [, outside, inside, ...others] = processTree(session.pid);
  const pids = [outside!, inside!, ...others];
  t.after(() => {
    for (const pid of pids.filter((each) => netnsOf(each) !== "")) process.kill(pid, "SIGKILL");
  });
  const own = new Set(pids.map(netnsOf).filter((netns) => netns !== netnsOf("self")));
  return { session, url: url!, outside: outside!, inside: inside!, own };
}

/** Waits until no process is in one of these namespaces: with its last process each is gone. */
async function untilGone(own: ReadonlySet<string>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const left = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && own.has(netnsOf(pid)));
    if (left.length === 0) return;
    assert.ok(tries < 1200, `left after 60 s: ${left}`);
    await sleep(50);
  }
}

test("over one connection to the ClusterIP all pods are used, and nothing is left", async (t) => {
  if (!canRun(t)) return;
  const before = network();
  const args = ["lab", "--netns", "--once", "--seconds", "3", ...LANES, "--page", "none"];
  const { code, stdout, stderr } = await runProcess(FAIRLEAD, [...args, "-o", "json"]);
  assert.equal(code, 0, stderr);
  const [clusterip, sidecar] = JSON.parse(stdout).lanes;
  assert.deepEqual([clusterip.podsUsed, clusterip.failed], [1, 0], clusterip.verdict);
  assert.deepEqual([sidecar.podsUsed, sidecar.failed], [3, 0], sidecar.verdict);
  assert.equal(sidecar.connections, 1);
  assert.ok(sidecar.calls > 100, `${sidecar.calls} calls`);
  assert.ok(sidecar.maxOverMean < 1.3, sidecar.verdict);
  assert.equal(network(), before);
});

test("the page is in the network outside, and Ctrl-C ends it all in order", async (t) => {
  if (!canRun(t)) return;
  const before = network();
  const { session, url, outside, inside: pid, own } = await startLab(t);
  assert.equal(own.size, 2, "the lab's, and that of the sidecar's pod");
  const inside = ["-t", String(pid), "--net", "--", "nft", "list", "ruleset"];
  const { stdout: rules } = spawnSync("nsenter", inside, { encoding: "utf8" });
  assert.match(rules, /ip daddr 10\.96\.0\.10 tcp dport \d+ goto service/);
  assert.match(rules, /numgen random mod 3 vmap/);
  assert.match(rules, /dnat to 10\.244\.1\.3:\d+/);
  const [title] = /<title>.*<\/title>/.exec(await (await fetch(url)).text()) ?? [];
  assert.equal(title, "<title>fairlead lab: which pod gets the calls?</title>");
  assert.equal(network(), before, "rules and interfaces are inside alone");
  process.kill(outside, "SIGINT");
  assert.deepEqual(await session.exited, { code: 0, signal: null });
  assert.match(session.stdout, /^✓ sidecar {4}3 of 3 pods used /m);
  await untilGone(own);
  assert.equal(network(), before);
});

test("after SIGKILL, of the process outside or of the one inside, nothing is left", async (t) => {
  if (!canRun(t)) return;
  const before = network();
  for (const isOutside of [true, false]) {
    const { session, outside, inside, own } = await startLab(t);
    assert.ok(own.has(netnsOf(inside)));
    process.kill(isOutside ? outside : inside, "SIGKILL");
    await untilGone(own);
    const { code } = await session.exited;
    if (isOutside) continue;
    assert.equal(code, 1);
    assert.match(session.stderr, /the lab in its network namespace ended by SIGKILL/);
  }
  assert.equal(network(), before);
});

test("without --netns the lane says what it needs, and the others run", async () => {
  const args = ["lab", "--once", "--seconds", "1", ...LANES, "--page", "none", "-o", "json"];
  const { code, stdout } = await runProcess(FAIRLEAD, args);
  assert.equal(code, 1);
  const [clusterip, sidecar] = JSON.parse(stdout).lanes;
  assert.equal(clusterip.podsUsed, 1);
  const reason =
    "needs --netns (root, Linux): rules of the kernel in a network namespace of its own";
  assert.equal(sidecar.verdict, `did not run: ${reason}`);
  assert.equal(sidecar.failure, reason);
});

test("where there can be none, the lane says why; without the lane the lab does", async () => {
  const lab = (lanes: string) => {
    const args = ["lab", "--netns", "--once", "--seconds", "1", "--pods", "1", "--lanes", lanes];
    // As on a machine without util-linux and iproute2.
    const env = { PATH: "/nonexistent" };
    return runProcess(process.execPath, [MAIN, ...args, "--page", "none", "-o", "json"], { env });
  };
  const isRoot = process.getuid?.() === 0;
  const why = isRoot ? /--netns: unshare is not on the PATH/ : /--netns: (only root|.* Linux)/;
  const both = await lab("static,sidecar");
  assert.equal(both.code, 1);
  const [list, sidecar] = JSON.parse(both.stdout).lanes;
  assert.equal(list.podsUsed, 1);
  assert.match(sidecar.failure, why);
  const alone = await lab("static");
  assert.deepEqual([alone.code, alone.stdout], [1, ""]);
  assert.match(alone.stderr, why);
});
