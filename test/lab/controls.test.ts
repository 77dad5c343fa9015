/**
 * Everything that can be done to a lab, done to one that runs: three real pods, real clients, and
 * what the views say of it. One lab for all of it, so the tests are in an order.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { realClock } from "../../src/base/index.ts";
import { Lab } from "../../src/lab/core/lab.ts";
import { ACTION_LIMITS } from "../../src/lab/options.ts";
import { parseAction } from "../../src/lab/read-action.ts";
import type { LaneView } from "../../src/lab/view.ts";
import { processTree } from "../peers/usage.ts";

const FAIRLEAD = fileURLToPath(new URL("../../bin/fairlead", import.meta.url));

const problems: string[] = [];
const lab = new Lab({
  ...{ pods: 3, lanes: ["client", "proxy"], load: { callsPerSecond: 60, inFlightMax: 10 } },
  ...{ policy: "round_robin", hasPeers: false, whyNoNetns: "needs --netns" },
  ...{ fairlead: [FAIRLEAD], clock: realClock() },
  onProblem: (reason) => problems.push(reason),
});

before(() => lab.start());
after(async () => {
  await lab.stop();
  await lab.close();
});

const act = (text: string): string | null => lab.act(parseAction(text, ACTION_LIMITS));
const lane = (name: string): LaneView => lab.views().find((view) => view.name === name)!;
const told = (): string[] => lab.events.map(({ event }) => event);

async function until(what: string, isSo: () => boolean, seconds = 60): Promise<void> {
  for (let tries = 0; !isSo(); tries += 1) {
    assert.ok(tries < seconds * 20, `not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until a lane has answered so many calls more. */
async function calls(name: string, more: number): Promise<void> {
  const from = lane(name).figures.calls;
  await until(`${more} calls of ${name}`, () => lane(name).figures.calls >= from + more);
}

function failedOf(name: string): number {
  return lane(name).figures.failed;
}

test("load and open calls change while it runs, and are told", async () => {
  assert.equal(lab.progress, null);
  assert.equal(act("load=120"), null);
  assert.equal(act("in-flight=20"), null);
  const { callsPerSecond, inFlight } = lab.load;
  assert.deepEqual([callsPerSecond, inFlight], [120, 20]);
  assert.deepEqual(told(), ["load=120", "in-flight=20"]);
  await until("more than the 60 calls a second of before", () => {
    const { heldBackTo } = lab.load;
    return heldBackTo !== null || lane("client").callsPerSecond > 90;
  });
  await until("its own cost is known", () => lab.load.overheadCpu > 0);
});

test("fairlead's lanes get another policy without being started anew, and are measured anew", async () => {
  const pids = processTree(process.pid).length;
  assert.equal(act("policy=pick_first"), null);
  await until("the balance is measured anew", () => lane("proxy").figures.steps.length === 2);
  await calls("proxy", 40);
  await calls("client", 40);
  for (const name of ["client", "proxy"]) {
    assert.match(lane(name).verdict, /^1 of 3 pods used/, lane(name).verdict);
    assert.equal(failedOf(name), 0);
  }
  assert.equal(lab.load.policy, "pick_first");
  assert.equal(processTree(process.pid).length, pids);
  assert.equal(act("policy=round_robin"), null);
  await calls("client", 40);
});

test("a lane that is added begins from zero; one that is taken away leaves no process", async () => {
  assert.equal(act("lane=client"), "lane client is on already");
  assert.equal(act("lane=-nested"), "lane nested is not on");
  assert.match(act("lane=sidecar")!, /^lane sidecar cannot run here: .*--netns/);
  const processes = processTree(process.pid).length;

  assert.equal(act("lane=clusterip"), null);
  assert.deepEqual([lane("clusterip").phase, lane("clusterip").figures.calls], ["starting", 0]);
  await until("the added lane runs", () => lane("clusterip").phase === "running");
  await calls("clusterip", 20);
  assert.match(lane("clusterip").verdict, /^1 of 3 pods used/);
  const choice = lab.laneChoices.find(({ name }) => name === "clusterip");
  assert.deepEqual([choice!.isOn, choice!.why], [true, null]);
  const { isOn, why } = lab.laneChoices.find(({ name }) => name === "sidecar")!;
  assert.equal(isOn, false);
  assert.match(why!, /--netns/);
  assert.deepEqual(Object.keys(lab.histories()), ["client", "proxy", "clusterip"]);
  assert.equal(lab.closeInterval().length, 3);

  assert.equal(act("lane=-clusterip"), null);
  assert.equal(lane("clusterip"), undefined);
  const left = (): number => processTree(process.pid).length;
  await until("its processes are gone", () => left() === processes);
  // Its place is free again: the address of the ClusterIP is one.
  assert.equal(act("lane=clusterip"), null);
  assert.equal(act("lane=-clusterip"), null);
  assert.equal(act("lane=clusterip"), null);
  await until("it runs once more", () => lane("clusterip").phase === "running");
  assert.equal(lane("clusterip").failure, null);
  assert.equal(act("lane=-clusterip"), null);
  await until("and is gone once more", () => left() === processes);
});

test("peers: the proxies of the lane nested start anew, as many as they were", async () => {
  assert.equal(act("peers=on"), "peers need the lane nested");
  const processes = processTree(process.pid).length;
  assert.equal(act("lane=nested"), null);
  await until("it runs", () => lane("nested").phase === "running");
  assert.equal(act("replica"), null);
  // The restart knew nothing of it, and it came to nothing.
  assert.equal(act("peers=on"), "a proxy replica is starting just now");
  await until("a second replica", () => lane("nested").replicas!.length === 2);
  await calls("nested", 10);
  const before = lane("nested").figures.calls;
  assert.equal(act("peers=off"), "the proxies do not find each other as it is");
  assert.equal(act("peers=on"), null);
  assert.equal(act("peers=off"), "the proxies are starting anew already");
  await until("they stop", () => lane("nested").replicas === null);
  await until("both again", () => lane("nested").replicas?.length === 2);
  await calls("nested", 10);
  assert.equal(lane("nested").failure, null);
  assert.ok(lane("nested").figures.calls > before, "the figures go on");
  // What was under way with it is no problem any more.
  assert.equal(act("peers=off"), null);
  assert.equal(act("lane=-nested"), null);
  await until("it is gone", () => processTree(process.pid).length === processes);
});

test("a sick pod answers UNAVAILABLE until it is well", async () => {
  assert.equal(act("well"), "no pod is sick");
  assert.equal(act("sick=echo-9"), "echo-9: no pod of this name serves");
  assert.equal(act("sick=echo-2"), null);
  assert.deepEqual(lab.sickPods, ["echo-2"]);
  await until("failed calls", () => failedOf("client") > 0 && failedOf("proxy") > 0);
  assert.match(lane("client").figures.lastFailure, /UNAVAILABLE/);
  assert.equal(act("well"), null);
  assert.deepEqual(lab.sickPods, []);
  assert.deepEqual(told().slice(-2), ["sick=echo-2", "well=echo-2"]);
});

test("a drained pod goes without a failed call, and the new one's first call is timed", async () => {
  await calls("client", 20);
  const failed = failedOf("client") + failedOf("proxy");
  assert.equal(act("drain=echo-9"), "echo-9: no pod of this name serves");
  assert.equal(act("drain=echo-2"), null);
  await until("it is gone", () => told().includes("drained=echo-2"));
  await until("three pods are ready", () => isReadyCount(3));
  assert.ok(lab.pods.includes("echo-4"), lab.pods.join());
  for (const name of ["client", "proxy"]) {
    await until(`${name} uses it`, () => lane(name).figures.firstCallOfNewPodMs !== null);
  }
  assert.equal(failedOf("client") + failedOf("proxy"), failed);
});

function isReadyCount(count: number): boolean {
  return lab.podStates.filter((state) => state === "ready").length === count;
}

test("reset in the middle of a roll: pods, load, policy, figures and events as at the start", async () => {
  assert.equal(act("slow"), null);
  assert.equal(act("scale=4"), null);
  await until("four pods", () => isReadyCount(4));
  assert.equal(act("policy=random"), null);
  assert.equal(act("roll"), null);
  await until("the roll has begun", () => lab.podStates.some((state) => state !== "ready"));
  lab.closeInterval();
  assert.equal(act("reset"), null);
  assert.deepEqual(lab.events, []);
  assert.equal(lab.columnCount, 0);
  assert.ok(lab.elapsedMs < 5000, `${lab.elapsedMs}`);
  const { callsPerSecond, inFlight, policy, heldBackTo } = lab.load;
  assert.deepEqual([callsPerSecond, inFlight, policy], [60, 10, "round_robin"]);
  assert.equal(heldBackTo, null);
  assert.deepEqual(lab.slowPods, []);
  await until("three pods", () => lab.wantedPods === 3 && isReadyCount(3));
  // Rows of pods that had gone stayed, though all figures were from zero.
  await until("no pod comes or goes, and no row is left of one that did", () =>
    lab.podStates.every((state) => state === "ready"),
  );
  assert.equal(lab.pods.length, 3);
  await calls("client", 30);
  await calls("proxy", 30);
  for (const name of ["client", "proxy"]) {
    assert.match(lane(name).verdict, /^3 of 3 pods used/, lane(name).verdict);
    assert.equal(lane(name).effects.length, 1, "nothing was done since");
  }
  // The roll goes no further, and is no event of what began after it.
  assert.deepEqual(told(), []);
  assert.equal(lab.closeInterval().length, 2);
  assert.equal(lab.columnCount, 1);
});

test("what cannot be done is said, with nothing half-applied", async () => {
  const before = JSON.stringify(told());
  assert.equal(act("replica"), "a proxy replica needs the lane nested");
  assert.equal(act("peers=on"), "peers need the lane nested");
  assert.equal(act("heal"), "no pod is slow");
  assert.equal(act("lane=-client"), null);
  assert.match(act("lane=-proxy")!, /^proxy is the only lane: add another one/);
  assert.equal(lab.problem, "proxy is the only lane: add another one before it is taken away");
  assert.equal(JSON.stringify(told().slice(0, -1)), before);
  assert.deepEqual(problems, []);
});
