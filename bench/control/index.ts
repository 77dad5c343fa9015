/**
 * `npm run bench -- control`: what a control plane costs with 1,000 Services and 1,000 nodes, and
 * with 4,000; and how soon a change is acknowledged by all whom it concerns.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import esbuild from "esbuild";
import { UsageError } from "../options.ts";
import { machineSetting, writeResults } from "../results.ts";
import { percentile } from "../statistics.ts";
import { controlFlags, type Line, Program } from "./program.ts";
import { type ControlRun, controlTable, keepControl } from "./results.ts";

/** Help text. */
export const CONTROL_USAGE = `usage: npm run bench -- control [--nodes N] [--quick]

  --nodes N only this many nodes (1000 and 4000 by default); other sizes stay as they were kept
  --quick   100 Services and 100 nodes, a look: RESULTS.md is left as it is`;

const ENDPOINTS_PER_SERVICE = 10;
const SERVICES_PER_NODE = 10;
/** Processes of simulated nodes. */
const PROCESSES = 2;
const EVENTS = 100;
/** Between two events: longer than the pushes of a burst are apart. */
const EVENT_PAUSE_MS = 150;
const EVENT_TIMEOUT_MS = 10_000;
const IDLE_MS = 10_000;

/** Runs the benchmark. @throws UsageError */
export async function runControl(args: readonly string[]): Promise<void> {
  const isQuick = args.includes("--quick");
  const at = args.indexOf("--nodes");
  const only = at < 0 ? null : Number(args[at + 1]);
  if (only !== null && !(only >= 20 && only % 20 === 0)) {
    throw new UsageError("--nodes: must be a multiple of 20");
  }
  const known = (i: number) => at >= 0 && (i === at || i === at + 1);
  const [unknown] = args.filter((arg, i) => arg !== "--quick" && !known(i));
  if (unknown !== undefined) throw new UsageError(`unexpected argument ${unknown}`);
  const directory = mkdtempSync(join(tmpdir(), "fairlead-bench-"));
  try {
    await bundle(directory);
    const full = only === null ? FULL_SIZES : [{ services: 1_000, nodes: only }];
    const sizes = isQuick ? [{ services: 100, nodes: 100 }] : full;
    const runs: ControlRun[] = [];
    for (const size of sizes) runs.push(await measure(directory, size.services, size.nodes));
    const result = { runs, setting: machineSetting() };
    console.log(`\n${controlTable(result)}`);
    if (isQuick) return;
    keepControl(result);
    writeResults();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const FULL_SIZES = [
  { services: 1_000, nodes: 1_000 },
  { services: 1_000, nodes: 4_000 },
];

/** As in `dist/`: one file, no types to strip. */
async function bundle(outdir: string): Promise<void> {
  const banner =
    'import { createRequire as r } from "node:module"; const require = r(import.meta.url);';
  await esbuild.build({
    entryPoints: ["plane", "nodes"].map((name) => join(import.meta.dirname, `${name}.ts`)),
    ...{ outdir, bundle: true, format: "esm", platform: "node", target: "node24" },
    ...{ logLevel: "warning", banner: { js: banner }, outExtension: { ".js": ".mjs" } },
  });
}

/** A control plane with its nodes: nine of ten are gRPC clients, the others Envoys. */
async function measure(directory: string, services: number, nodes: number): Promise<ControlRun> {
  const sizes = [services, ENDPOINTS_PER_SERVICE];
  const plane = new Program(join(directory, "plane.mjs"), sizes, controlFlags());
  const crowd: Program[] = [];
  try {
    const { listen } = await plane.waitFor("listen");
    const before = await statsOf(plane);
    const startedMs = performance.timeOrigin + performance.now();
    const share = nodes / PROCESSES;
    for (let i = 0; i < PROCESSES; i += 1) {
      const numbers = [services, i * share, share * 0.9, share * 0.1];
      crowd.push(new Program(join(directory, "nodes.mjs"), [listen as string, ...numbers]));
    }
    const ready = await Promise.all(crowd.map((one) => one.waitFor("ready")));
    const coldStartMs = Math.max(...ready.map((line) => line.ready as number)) - startedMs;
    await sleep(2_000);
    const cold = await statsOf(plane);
    console.log(`  ${nodes} nodes: cold start ${coldStartMs.toFixed(0)} ms`);
    for (const one of crowd) one.say("settled");
    const events = await measureEvents(plane, crowd, services, nodes);
    const idle = await statsOf(plane);
    await sleep(IDLE_MS);
    const end = await statsOf(plane);
    return {
      ...{ services, nodes, coldStartMs, ...events },
      coldCpuMs: cold.cpuMs - before.cpuMs,
      rssMb: end.rssBytes / 1e6,
      rssMbMax: end.rssBytesMax / 1e6,
      eventCpuMs: (idle.cpuMs - cold.cpuMs) / EVENTS,
      idleCpuShare: (end.cpuMs - idle.cpuMs) / IDLE_MS,
    };
  } finally {
    await Promise.all([plane, ...crowd].map((one) => one.end()));
  }
}

/** Changes of one slice each, one after the other. */
async function measureEvents(
  plane: Program,
  crowd: readonly Program[],
  services: number,
  nodes: number,
) {
  const lags: number[] = [];
  let [bytes, strangers] = [0, 0];
  for (let i = 0; i < EVENTS; i += 1) {
    const service = (i * 7) % services;
    const concerned = subscribersOf(service, services, nodes);
    for (const one of crowd) one.take();
    plane.say(`event ${service}`);
    const { atMs } = await plane.waitFor("event");
    const told: Line[] = [];
    const endMs = performance.now() + EVENT_TIMEOUT_MS;
    while (told.length < concerned.size) {
      if (performance.now() > endMs) throw new Error(`${told.length} of ${concerned.size} told`);
      await sleep(5);
      for (const one of crowd) told.push(...one.take());
    }
    await sleep(EVENT_PAUSE_MS);
    for (const one of crowd) told.push(...one.take());
    lags.push(Math.max(...told.map((line) => line.atMs as number)) - (atMs as number));
    strangers += told.filter((line) => !concerned.has(line.node as number)).length;
    for (const line of told) bytes += line.bytes as number;
  }
  lags.sort((a, b) => a - b);
  const [lagP50Ms, lagP99Ms] = [percentile(lags, 0.5)!, percentile(lags, 0.99)!];
  const told = subscribersOf(0, services, nodes).size;
  return { lagP50Ms, lagP99Ms, told, strangers, bytesPerEvent: bytes / EVENTS };
}

/** Who asks for a Service: all Envoys, and of the gRPC nodes those that call it. */
function subscribersOf(service: number, services: number, nodes: number): ReadonlySet<number> {
  const found = new Set<number>();
  const share = nodes / PROCESSES;
  for (let id = 0; id < nodes; id += 1) {
    const isEnvoy = id % share >= share * 0.9;
    const offset = (service - ((id * SERVICES_PER_NODE) % services) + services) % services;
    if (isEnvoy || offset < SERVICES_PER_NODE) found.add(id);
  }
  return found;
}

async function statsOf(plane: Program) {
  plane.say("stats");
  const { cpuMs, rssBytes, rssBytesMax } = await plane.waitFor("cpuMs");
  return { cpuMs, rssBytes, rssBytesMax } as Record<"cpuMs" | "rssBytes" | "rssBytesMax", number>;
}
