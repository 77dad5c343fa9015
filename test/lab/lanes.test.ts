/**
 * Every lane that can run here, with the pods of one lab under the same load: which pods it uses
 * and over how many connections, that it ends without a trace, and that it can be opened again.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { LANES, laneSite } from "../../src/lab/lanes/index.ts";
import type { LaneName } from "../../src/lab/options.ts";
import { processTree } from "../peers/usage.ts";
import { LaneHarness, type OpenLane } from "./lane-harness.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const PODS = 3;
const LOAD = { callsPerSecond: 100, inFlightMax: 10 };

/** Connections of the client where the lane promises a number. */
const CONNECTIONS: Readonly<Record<string, number>> = {
  ...{ clusterip: 1, http1: 10, static: 3, headless: 3, client: 3, proxy: 1, nested: 8 },
  ...{ envoy: 1, nginx: 1, haproxy: 1 },
};

const HERE = (Object.keys(LANES) as LaneName[]).filter(
  (name) => !LANES[name].whyNot?.(laneSite("none")),
);

/** Of each lane: after so many it is clear which pods it uses. */
const CALLS = 60;

async function measure(harness: LaneHarness): Promise<Map<string, OpenLane>> {
  const opened = await Promise.all(
    HERE.map(async (name) => [name, await harness.open(name, LOAD)] as const),
  );
  for (const [, lane] of opened) lane.start();
  const total = ({ perPod }: OpenLane): number =>
    [...perPod.values()].reduce((sum, each) => sum + each, 0);
  for (let tries = 0; opened.some(([, lane]) => total(lane) < CALLS); tries += 1) {
    assert.ok(tries < 600, `after 60 s: ${opened.map(([name, lane]) => [name, total(lane)])}`);
    await sleep(100);
  }
  await Promise.all(opened.map(([, lane]) => lane.stop()));
  return new Map(opened);
}

/** A place for temporary files of this process alone. */
const temporary = mkdtempSync(join(tmpdir(), "fairlead-test-"));
process.env.TMPDIR = temporary;
after(() => rmSync(temporary, { recursive: true, force: true }));

test("each lane uses the pods that it should; it ends without a trace, and runs again", async (t) => {
  if (process.env.FAIRLEAD_REQUIRE_PEERS === "1") {
    const missing = Object.entries(LANES).filter(([name]) => !HERE.includes(name as LaneName));
    assert.deepEqual(
      missing.map(([name]) => name),
      ["sidecar"],
      "sidecar needs a network namespace, and has a test of its own",
    );
  }
  const harness = await LaneHarness.start(t, PODS);
  const before = processTree(process.pid).length;
  const files = readdirSync(temporary);
  for (const round of [1, 2]) {
    const lanes = await measure(harness);
    for (const [name, { perPod, failed, connections, broken }] of lanes) {
      const told = `${name}, round ${round}: ${JSON.stringify([...perPod])} ${failed()[0]}`;
      assert.deepEqual([failed(), broken], [[], []], told);
      assert.equal(perPod.size, name === "clusterip" ? 1 : PODS, told);
      assert.equal(connections(), CONNECTIONS[name] ?? connections(), told);
    }
    await Promise.all([...lanes.values()].map((lane) => lane.close()));
    assert.equal(processTree(process.pid).length, before, "what a lane started has ended");
    assert.deepEqual(readdirSync(temporary), files);
  }
});

/** The process of a lane: the one of ours whose command line begins with its program. */
function processOf(program: string): number {
  const pid = processTree(process.pid).find((each) => {
    const [file, second] = readFileSync(`/proc/${each}/cmdline`, "utf8").split(/[\0 ]/);
    return basename(file!) === program || (file === `${program}:` && second === "master");
  });
  assert.ok(pid !== undefined, `${program} runs`);
  return pid;
}

test("proxies of others use pods that come, and a lane says when its proxy dies", async (t) => {
  const harness = await LaneHarness.start(t, 1);
  const names = HERE.filter((name) => /^(envoy|nginx|haproxy)$/.test(name));
  const lanes = await Promise.all(names.map((name) => harness.open(name, LOAD)));
  for (const lane of lanes) lane.start();
  await harness.deployment.scale(PODS);
  for (let tries = 0; lanes.some(({ perPod }) => perPod.size < PODS); tries += 1) {
    assert.ok(tries < 600, `after 60 s: ${JSON.stringify(lanes.map(({ perPod }) => [...perPod]))}`);
    await sleep(100);
  }
  for (const [index, lane] of lanes.entries()) {
    assert.deepEqual([lane.failed(), lane.broken], [[], []], names[index]);
    process.kill(processOf(names[index]!), "SIGKILL");
    for (let tries = 0; tries < 3000 && lane.broken.length === 0; tries += 1) await sleep(20);
    // Of HAProxy's its own last words follow.
    assert.match(lane.broken.join(), new RegExp(`^${names[index]} ended by SIGKILL`));
    await lane.close();
  }
});
