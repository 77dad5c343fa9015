/**
 * The cold start: calls that a client makes before it has a connection do not all go to the pod
 * that is ready first. Each start is a process of its own, with pods that are processes.
 *
 * Stock grpc-js, with its own round_robin, does the same beside it: told, not judged.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ChannelName } from "../peers/node/channel-options.ts";
import { runProcess, stopAll } from "../peers/processes.ts";
import { startEchoServer } from "../peers/storms.ts";
import { type EchoCluster, startEchoCluster } from "../support/lab-cluster.ts";

const PODS = 12;
/** Numbers of pods, and so addresses, that no other test has. */
const FIRST = 121;
const CALLS = 60;
const STARTS = 5;
/** Of the busiest pod's calls to the mean. */
const MAX_TO_MEAN = 1.5;
const TARGET = "kubernetes:///echo.prod:grpc";
const PROGRAM = join(import.meta.dirname, "programs", "burst.ts");

let cluster: EchoCluster;

before(async () => {
  cluster = await startEchoCluster();
});
after(async () => {
  await stopAll();
  await cluster.close();
});

/** How many calls each pod answered of those of one start. */
async function start(channel: ChannelName): Promise<readonly number[]> {
  const { code, stdout, stderr } = await runProcess(
    process.execPath,
    [
      ...["--disable-warning=ExperimentalWarning", PROGRAM, "--channel", channel],
      ...["--target", TARGET, "--calls", String(CALLS)],
    ],
    { name: `burst (${channel})`, env: { KUBECONFIG: cluster.kubeconfig }, timeoutMs: 30_000 },
  );
  assert.equal(code, 0, stderr);
  const servers = JSON.parse(stdout) as Record<string, number>;
  return Array.from({ length: PODS }, (_, n) => servers[`echo-${FIRST + n}`] ?? 0);
}

const ratio = (calls: readonly number[]) => Math.max(...calls) / (CALLS / PODS);

test(`${CALLS} calls at the start over ${PODS} pods: max/mean <= ${MAX_TO_MEAN}, each time`, async (t) => {
  for (let n = FIRST; n < FIRST + PODS; n += 1) {
    const server = await startEchoServer(t, [`127.0.2.${n}:50051`], ["-name", `echo-${n}`]);
    if (server === null) return;
    cluster.addPod(n);
  }
  for (let i = 0; i < STARTS; i += 1) {
    const calls = await start("fairlead");
    t.diagnostic(`fairlead: max/mean ${ratio(calls).toFixed(2)}, ${calls.join(" ")}`);
    assert.equal(
      calls.reduce((sum, count) => sum + count),
      CALLS,
    );
    assert.ok(ratio(calls) <= MAX_TO_MEAN, `start ${i + 1}: ${calls.join(" ")}`);
  }
  const beside = await start("grpc-js");
  t.diagnostic(`grpc-js beside: max/mean ${ratio(beside).toFixed(2)}, ${beside.join(" ")}`);
});
