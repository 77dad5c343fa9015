/**
 * `npm run bench -- reaction`: how soon a new pod gets calls, with the lab's API server and with a
 * real kube-apiserver, and whether stock grpc-js (dns + round_robin) notices it at all.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestCluster } from "../../test/kubernetes/cluster.ts";
import { startLabCluster } from "../../test/kubernetes/lab.ts";
import { startRealCluster } from "../../test/kubernetes/real.ts";
import { stopAll } from "../../test/peers/processes.ts";
import { UsageError } from "../options.ts";
import { machineSetting, writeResults } from "../results.ts";
import { measureReaction } from "./measure.ts";
import { keepReaction, type ReactionResult, reactionTable } from "./results.ts";
import { measureStock } from "./stock.ts";

/** Help text. */
export const REACTION_USAGE = `usage: npm run bench -- reaction [options]

  --pods N         pods that come one by one (default 200; --quick: 20)
  --clusters A,B   lab, real (default both; real needs root and npm run peers)
  --quick          a look, not a result: RESULTS.md is left as it is`;

/** @throws UsageError */
function parse(args: readonly string[]) {
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i += 1) {
    const flag = args[i] as string;
    if (flag === "--quick") given.set(flag, "");
    else if (flag === "--pods" || flag === "--clusters") given.set(flag, args[++i] ?? "");
    else throw new UsageError(`unexpected argument ${flag}`);
  }
  const isQuick = given.has("--quick");
  const pods = Number(given.get("--pods") ?? (isQuick ? 20 : 200));
  if (!Number.isInteger(pods) || pods < 1) throw new UsageError("--pods: must be above 0");
  const clusters = (given.get("--clusters") ?? "lab,real").split(",");
  for (const name of clusters) {
    if (name !== "lab" && name !== "real") throw new UsageError(`--clusters ${name}: lab or real`);
  }
  return { pods, clusters, isQuick };
}

/** Runs the benchmark. @throws UsageError */
export async function runReaction(args: readonly string[]): Promise<void> {
  const { pods, clusters, isQuick } = parse(args);
  const results: ReactionResult[] = [];
  for (const name of clusters) {
    const cluster = await startCluster(name);
    if (cluster === null) continue;
    try {
      results.push(...(await measureAll(name, cluster, pods)));
    } finally {
      await cluster.close();
      await stopAll();
    }
  }
  console.log(`\n${reactionTable(results)}`);
  if (isQuick || results.length === 0) return;
  keepReaction(results);
  writeResults();
}

async function startCluster(name: string): Promise<TestCluster | null> {
  const skip = (reason?: string) => console.log(`bench: cluster ${name} is left out: ${reason}`);
  return name === "lab" ? startLabCluster() : startRealCluster({ skip });
}

async function measureAll(
  name: string,
  cluster: TestCluster,
  pods: number,
): Promise<ReactionResult[]> {
  const directory = mkdtempSync(join(tmpdir(), "fairlead-bench-"));
  const setting = machineSetting();
  try {
    const objects = await cluster.namespace("bench");
    const reaction = await measureReaction(cluster, objects, pods, directory);
    const ours: ReactionResult = { cluster: name, client: "fairlead proxy", ...reaction, setting };
    console.log(
      `bench: ${name}: ${reaction.samplesMs.length} pods, ${reaction.failed} failed calls`,
    );
    if (name !== "lab") return [ours];
    const stock = await measureStock(cluster);
    return [ours, { cluster: name, client: "grpc-js dns + round_robin", ...stock, setting }];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
