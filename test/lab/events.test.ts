/**
 * `fairlead lab --once --events`: each control on real pods, clients and proxies, and what each
 * lane made of it, as a script sees it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runProcess } from "../peers/processes.ts";

const FAIRLEAD = fileURLToPath(new URL("../../bin/fairlead", import.meta.url));

interface Effect {
  readonly event: string;
  readonly podShare: number | null;
  readonly calls: number;
  readonly failed: number;
  readonly p99Ms: number | null;
}

interface Report {
  readonly pods: number;
  readonly seconds: number;
  readonly events: readonly { event: string; text: string; atMs: number; isOutcome: boolean }[];
  readonly lanes: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly calls: number;
    readonly failed: number;
    readonly perPod: Readonly<Record<string, number>>;
    readonly effects: readonly Effect[];
    readonly replicas: readonly { name: string; connections: number; calls: number }[] | null;
  }[];
}

async function runLab(events: string, lanes: string, ...more: string[]) {
  const { code, stdout, stderr } = await runProcess(FAIRLEAD, [
    ...["lab", "--once", "--page", "none", "-o", "json"],
    ...["--events", events, "--lanes", lanes, ...more],
  ]);
  const report = JSON.parse(stdout) as Report;
  const effect = (lane: number, event: string): Effect =>
    report.lanes[lane]!.effects.find((one) => one.event === event)!;
  return { code, stderr, report, effect };
}

/** What was done, without its times. */
const told = ({ events }: Report) => events.map(({ event }) => event);

test("slow and heal: each lane tells the slow pod's share; all calls are answered", async () => {
  const { code, stderr, report, effect } = await runLab(
    "1s:slow=echo-2,5s:heal",
    "static,client,proxy",
    ...["--pods", "3", "--seconds", "7", "--policy", "round_robin"],
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual(told(report), ["slow=echo-2", "heal=echo-2"]);
  assert.equal(report.events[0]!.text, "echo-2 slow x10");
  assert.ok(report.events[0]!.atMs >= 1000);
  for (const [lane, { name, failed, calls, effects }] of report.lanes.entries()) {
    assert.equal(failed, 0, name);
    // round_robin does not see that a pod is slow.
    assert.ok(Math.abs(effect(lane, "slow=echo-2").podShare! - 1 / 3) < 0.04, name);
    // A third of the calls takes 20 ms at least, and those are among the slowest.
    assert.ok(effect(lane, "slow=echo-2").p99Ms! >= 19.5, name);
    const sum = effects.reduce((total, one) => total + one.calls, 0);
    assert.equal(sum, calls, "every call is in one of the effects");
  }
});

test("slow: fairlead's lanes give the pod less by what it reports, a list does not", async () => {
  // Reports count when they have come for 10 s (gRFC A58, blackout_period).
  const { code, stderr, report, effect } = await runLab(
    "13s:slow=echo-2",
    "static,client,proxy",
    ...["--pods", "3", "--seconds", "21"],
  );
  assert.equal(code, 0, stderr);
  const [list, client, proxy] = [0, 1, 2].map((lane) => effect(lane, "slow=echo-2").podShare!);
  assert.ok(Math.abs(list! - 1 / 3) < 0.04, `${list}`);
  for (const share of [client!, proxy!]) assert.ok(share > 0 && share < 0.22, `${share}`);
  for (const { name, failed } of report.lanes) assert.equal(failed, 0, name);
});

test("kill: a new pod in its place gets calls, and the calls lost are counted by lane", async () => {
  const { code, stderr, report, effect } = await runLab(
    "1s:kill=echo-2",
    "static,client,proxy",
    ...["--pods", "3", "--seconds", "6"],
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual(told(report), ["kill=echo-2", "replaced=echo-2"]);
  assert.equal(report.events[1]!.text, "echo-4 in place of echo-2");
  assert.equal(report.events[1]!.isOutcome, true);
  assert.equal(report.pods, 3);
  const [list, client, proxy] = report.lanes;
  assert.ok(!("echo-4" in list!.perPod) || list!.perPod["echo-4"] === 0);
  for (const lane of [client!, proxy!]) {
    assert.ok(lane.perPod["echo-4"]! > 0, `${lane.name}: ${JSON.stringify(lane.perPod)}`);
    assert.match(lane.verdict, /^3 of 3 pods used/);
  }
  for (const [index, lane] of report.lanes.entries()) {
    const answered = Object.values(lane.perPod).reduce((sum, calls) => sum + calls, 0);
    assert.equal(answered + lane.failed, lane.calls, "every call was answered or failed");
    assert.equal(effect(index, "start").failed, 0);
    assert.equal(effect(index, "kill=echo-2").failed, lane.failed);
  }
});

test("NOT_SERVING: fairlead's lanes leave the pod when its probe says so, a list does not", async () => {
  const { code, stderr, report, effect } = await runLab(
    "1s:not-serving=echo-1,9s:serving",
    "static,client,proxy",
    ...["--pods", "3", "--seconds", "13"],
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual(told(report), ["not-serving=echo-1", "serving=echo-1"]);
  const [list, client, proxy] = [0, 1, 2].map((lane) => effect(lane, "not-serving=echo-1"));
  assert.ok(Math.abs(list!.podShare! - 1 / 3) < 0.04);
  // Some calls of the second or two before the probe has failed three times; none of the rest.
  for (const one of [client!, proxy!]) assert.ok(one.podShare! < 0.25, `${one.podShare}`);
  for (const lane of [1, 2]) {
    assert.ok(effect(lane, "serving=echo-1").podShare! > 0, "and it comes back");
    assert.equal(report.lanes[lane]!.failed, 0);
  }
});

test("roll: all pods are new ones, and no call of client and proxy fails", async () => {
  const { code, stderr, report } = await runLab(
    "1s:roll",
    "client,proxy,nested",
    ...["--pods", "6"],
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual(told(report), ["roll", "rolled"]);
  // Without --seconds it ended 5 s after the roll had begun, or after 10 s, in the middle of it.
  assert.ok(report.seconds * 1000 >= report.events[1]!.atMs + 4900, `${report.seconds} s`);
  assert.equal(report.pods, 6);
  for (const lane of report.lanes) {
    assert.equal(lane.failed, 0, lane.verdict);
    assert.match(lane.verdict, /^6 of 6 pods used/);
    const ever = Array.from({ length: 12 }, (_, index) => `echo-${index + 1}`);
    assert.deepEqual(Object.keys(lane.perPod).toSorted(), ever.toSorted());
    for (const number of [7, 8, 9, 10, 11, 12])
      assert.ok(lane.perPod[`echo-${number}`]! > 0, lane.name);
    assert.equal(
      Object.values(lane.perPod).reduce((sum, calls) => sum + calls, 0),
      lane.calls,
    );
  }
});

test("a second proxy replica gets no connection, because nobody makes a new one", async () => {
  const { code, stderr, report } = await runLab(
    "1s:replica,9s:replica",
    "nested",
    ...["--pods", "2", "--seconds", "10"],
  );
  // Of the third: that it cannot be is only known after it was asked for.
  assert.equal(code, 1, stderr);
  assert.match(stderr, /both proxy replicas run already/);
  assert.deepEqual(told(report), ["replica"]);
  const [nested] = report.lanes;
  const [first, second] = nested!.replicas!;
  assert.deepEqual([first!.name, first!.connections], ["proxy-1", 8]);
  assert.equal(first!.calls, nested!.calls);
  assert.deepEqual([second!.name, second!.connections, second!.calls], ["proxy-2", 0, 0]);
  assert.match(nested!.verdict, /; but proxy-1 has all 8 connections and proxy-2 none, because /);
  assert.equal(nested!.failed, 0);
});

test("scale by an event; what cannot be done is said, and the exit code is 1", async () => {
  const { code, stderr, report } = await runLab(
    "1s:scale=3,2s:kill=echo-9,2s:replica,3s:heal",
    "static",
    ...["--pods", "2", "--seconds", "6"],
  );
  assert.equal(code, 1);
  assert.deepEqual(told(report), ["scale=3"]);
  assert.equal(report.pods, 3);
  for (const reason of [
    /kill=echo-9: echo-9: no pod of this name serves/,
    /replica: a proxy replica needs the lane nested/,
    /heal: no pod is slow/,
  ]) {
    assert.match(stderr, reason);
  }
});

test("with --peers a second replica gets its part of the connections, and no call fails", async () => {
  const { code, stderr, report } = await runLab(
    "2s:replica",
    "nested",
    ...["--pods", "2", "--seconds", "30", "--peers"],
  );
  assert.equal(code, 0, stderr);
  const [nested] = report.lanes;
  const [first, second] = nested!.replicas!;
  assert.equal(first!.connections + second!.connections, 8);
  assert.ok(second!.connections >= 2, nested!.verdict);
  assert.ok(second!.calls > 0);
  assert.equal(nested!.failed, 0);
});
