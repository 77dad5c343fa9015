/**
 * `npm run bench -- discovery`: what discovery costs with a Service of 10,000 endpoints and with
 * 1,000 Services, against the lab's API server.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import esbuild from "esbuild";
import { rootDir } from "../../test/peers/paths.ts";
import { type RunningProcess, startProcess } from "../../test/peers/processes.ts";
import { UsageError } from "../options.ts";
import { machineSetting, writeResults } from "../results.ts";
import { type Spread, spreadOf } from "../statistics.ts";
import { LabApi } from "./lab-api.ts";
import { discoveryTable, keepDiscovery } from "./results.ts";

/** Help text. */
export const DISCOVERY_USAGE = `usage: npm run bench -- discovery [--rounds N] [--quick]

  --rounds N   new processes, each with its sync and its changes (default 5; --quick: 1)
  --quick      a look, not a result: RESULTS.md is left as it is`;

const SLICES = 100;
const ENDPOINTS_PER_SLICE = 100;
const CHANGES = 20;
const SERVICES = 1_000;
const NODE = join(rootDir, "node_modules", ".bin", "node");

/** Runs the benchmark. @throws UsageError */
export async function runDiscovery(args: readonly string[]): Promise<void> {
  const isQuick = args.includes("--quick");
  const at = args.indexOf("--rounds");
  const rounds = at < 0 ? (isQuick ? 1 : 5) : Number(args[at + 1]);
  const known = args.filter((arg, i) => arg !== "--quick" && i !== at && (at < 0 || i !== at + 1));
  if (known.length > 0) throw new UsageError(`unexpected argument ${known[0]}`);
  if (!Number.isInteger(rounds) || rounds < 1) throw new UsageError("--rounds: must be above 0");
  const directory = mkdtempSync(join(tmpdir(), "fairlead-bench-"));
  const api = await LabApi.start(directory);
  try {
    const program = await bundle(directory);
    const big = await measureBig(api, program, rounds);
    const many = await measureMany(api, program, rounds);
    const result = { ...big, ...many, rounds, setting: machineSetting() };
    console.log(`\n${discoveryTable(result)}`);
    if (isQuick) return;
    keepDiscovery(result);
    writeResults();
  } finally {
    await api.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As in `dist/`: one file, no types to strip. */
async function bundle(directory: string): Promise<string> {
  const outfile = join(directory, "program.mjs");
  const banner =
    'import { createRequire as r } from "node:module"; const require = r(import.meta.url);';
  await esbuild.build({
    entryPoints: [join(import.meta.dirname, "program.ts")],
    ...{ outfile, bundle: true, format: "esm", platform: "node", target: "node24" },
    ...{ logLevel: "warning", banner: { js: banner } },
  });
  return outfile;
}

/** One Service of 10,000 endpoints. */
async function measureBig(api: LabApi, program: string, rounds: number) {
  await api.service("big");
  for (let i = 0; i < SLICES; i += 1) await api.slice("big", i, ENDPOINTS_PER_SLICE);
  const syncs: number[] = [];
  const changes: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const process = start(program, api, ["kubernetes:///big.prod:grpc"]);
    const synced = await process.waitFor(/^\{"event":"synced".*$/m, 60_000);
    const { tookMs, endpoints } = JSON.parse(synced[0]) as { tookMs: number; endpoints: number };
    if (endpoints !== SLICES * ENDPOINTS_PER_SLICE) throw new Error(`${endpoints} endpoints`);
    syncs.push(tookMs);
    for (let i = 0; i < CHANGES; i += 1) {
      await sleep(100);
      // An endpoint goes, and comes back with the next change: each round begins with all of them.
      await api.setReady("big", i >> 1, i >> 1, i % 2 === 1);
    }
    await process.waitFor(new RegExp(`(?:"event":"change"[^]*){${CHANGES}}`));
    // The first few run before the code is compiled: they count, as they do in life.
    for (const line of process.stdout.split("\n").filter((each) => each.includes('"change"'))) {
      changes.push((JSON.parse(line) as { cpuMs: number }).cpuMs);
    }
    console.log(`  round ${round + 1}: sync ${tookMs.toFixed(0)} ms`);
    await process.stop();
  }
  return { syncMs: spreadOf(syncs) as Spread, changeCpuMs: spreadOf(changes) as Spread };
}

/** A thousand Services of three endpoints each. */
async function measureMany(api: LabApi, program: string, rounds: number) {
  const names = Array.from({ length: SERVICES }, (_, i) => `many-${i}`);
  for (const name of names) {
    await api.service(name);
    await api.slice(name, 0, 3);
  }
  const rss: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const targets = names.map((name) => `kubernetes:///${name}.prod:grpc`);
    const process = start(program, api, targets);
    const synced = await process.waitFor(/^\{"event":"synced".*$/m, 60_000);
    const { rssBytes } = JSON.parse(synced[0]) as { rssBytes: number };
    rss.push(rssBytes / 1e6);
    console.log(
      `  round ${round + 1}: ${SERVICES} Services, RSS ${(rssBytes / 1e6).toFixed(0)} MB`,
    );
    await process.stop();
  }
  return { manyRssMb: spreadOf(rss) as Spread };
}

function start(program: string, api: LabApi, targets: readonly string[]): RunningProcess {
  return startProcess(NODE, [program, api.kubeconfig, ...targets], { name: "discovery" });
}
