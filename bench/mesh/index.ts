/**
 * `npm run bench -- mesh`: how soon a new pod or Service gets calls of a stock Envoy and of stock
 * grpc-go that `fairlead control` drives, with a real kube-apiserver in the loop.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRealCluster } from "../../test/kubernetes/real.ts";
import { findPeer } from "../../test/peers/find.ts";
import { stopAll } from "../../test/peers/processes.ts";
import { UsageError } from "../options.ts";
import { machineSetting, writeResults } from "../results.ts";
import { type MeshClient, type MeshEvent, measureMesh } from "./measure.ts";
import { keepMesh, type MeshResult, meshTable } from "./results.ts";

/** Help text. */
export const MESH_USAGE = `usage: npm run bench -- mesh [options]

  --pods N   pods that come one by one (default 200; --quick: 20); a fourth as many Services
  --quick    a look, not a result: RESULTS.md is left as it is

  Needs root and npm run peers.`;

/** @throws UsageError */
function parse(args: readonly string[]) {
  const isQuick = args.includes("--quick");
  const rest = args.filter((arg) => arg !== "--quick");
  const [flag = "--pods", value = isQuick ? "20" : "200", ...others] = rest;
  if (flag !== "--pods" || others.length > 0) throw new UsageError(`unexpected argument ${flag}`);
  const pods = Number(value);
  if (!Number.isInteger(pods) || pods < 1) throw new UsageError("--pods: must be above 0");
  return { pods, isQuick };
}

/** Runs the benchmark. @throws UsageError */
export async function runMesh(args: readonly string[]): Promise<void> {
  const { pods, isQuick } = parse(args);
  const results: MeshResult[] = [];
  for (const [client, peer] of [
    ["envoy", "envoy"],
    ["grpc-go", "xds-client"],
  ] as const) {
    for (const event of ["pod", "Service"] as const) {
      const count = event === "pod" ? pods : Math.ceil(pods / 4);
      const result = await measureOne(client, peer, event, count);
      if (result !== null) results.push(result);
    }
  }
  console.log(`\n${meshTable(results)}`);
  if (isQuick || results.length === 0) return;
  keepMesh(results);
  writeResults();
}

async function measureOne(
  client: MeshClient,
  peer: string,
  event: MeshEvent,
  count: number,
): Promise<MeshResult | null> {
  const skip = (reason?: string) => console.log(`bench: ${client} is left out: ${reason}`);
  const cluster = await startRealCluster({ skip });
  if (cluster === null) return null;
  const directory = mkdtempSync(join(tmpdir(), "fairlead-bench-"));
  try {
    if (!(await cluster.installGatewayApi({ skip }))) return null;
    const objects = await cluster.namespace("bench");
    const reaction = await measureMesh(client, event, { cluster, objects, directory }, count);
    const { samplesMs, failed } = reaction;
    console.log(`bench: ${client}: ${samplesMs.length} of ${event}, ${failed} failed calls`);
    const version = `${client} ${findPeer(peer)?.version ?? ""}`.trim();
    return { client, event, version, ...reaction, setting: machineSetting() };
  } finally {
    await cluster.close();
    await stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
}
