/**
 * The relay benchmark: the same load through fairlead and through each peer proxy, round by round.
 *
 * Per load: the upstreams and every proxy are started and warmed up; then in each round every
 * proxy gets the load once, in an order that rotates, so that what the machine does meanwhile
 * hits all alike. Ratios are taken within a round.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, type RunningProcess, stopAll } from "../test/peers/processes.ts";
import { makeCertificate } from "./certificate.ts";
import type { CpuLoad, Load, MemoryLoad, Target } from "./loads/index.ts";
import { firstLine, lostRound, measureCpu, measureMemory, type Round } from "./measure.ts";
import type { RelayOptions } from "./options.ts";
import type { BenchProxy, ProxyPlan } from "./proxies/index.ts";
import { startUpstreams } from "./upstreams.ts";

/** All rounds of one load, by proxy. */
export interface LoadResult {
  readonly load: Load;
  readonly rounds: ReadonlyMap<string, readonly Round[]>;
}

/** Told as the benchmark goes on. */
export interface Progress {
  onLoad(load: Load): void;
  /** `round` counts from 1; 0 is the warm-up. */
  onRound(proxy: string, round: number, result: Round): void;
}

interface Lane {
  readonly proxy: BenchProxy;
  readonly running: RunningProcess;
  readonly target: Target;
  rate: number | null;
}

/** Runs one load. Everything it starts is gone when it settles. */
export async function runLoad(
  load: Load,
  proxies: readonly BenchProxy[],
  options: RelayOptions,
  progress: Progress,
): Promise<LoadResult> {
  progress.onLoad(load);
  const dir = mkdtempSync(join(tmpdir(), "fairlead-bench-"));
  const tls = load.isTls ? await makeCertificate(dir) : null;
  const rounds = new Map<string, Round[]>(proxies.map((proxy) => [proxy.name, []]));
  const record = (name: string, number: number, round: Round) => {
    if (number > 0) rounds.get(name)?.push(round);
    progress.onRound(name, number, round);
  };
  try {
    if (load.kind === "cpu") await runCpuRounds({ load, proxies, options, tls, dir, record });
    else await runMemoryRounds({ load, proxies, options, tls, dir, record });
    return { load, rounds };
  } finally {
    await stopAll(500);
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What the rounds of one load need. */
interface Run<L extends Load> {
  readonly load: L;
  readonly proxies: readonly BenchProxy[];
  readonly options: RelayOptions;
  readonly tls: ProxyPlan["tls"];
  readonly dir: string;
  readonly record: (name: string, number: number, round: Round) => void;
}

async function runCpuRounds(run: Run<CpuLoad>): Promise<void> {
  const { load, proxies, options, dir, record } = run;
  const upstreams = await startUpstreams(load.behind, dir);
  const lanes: Lane[] = [];
  for (const proxy of proxies) {
    const lane = await startLane(run, proxy, upstreams.addresses, dir).catch((error) => {
      for (let round = 1; round <= options.rounds; round += 1) {
        record(proxy.name, round, lostRound(firstLine(error)));
      }
    });
    if (lane) lanes.push(lane);
  }
  for (const lane of lanes) {
    const warm = await measureCpu(load, lane.running, lane.target, warmUpSeconds(options), null);
    if (warm.disqualified === null) lane.rate = warm.callsPerSecond;
    record(lane.proxy.name, 0, warm);
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    for (let i = 0; i < lanes.length; i += 1) {
      const lane = lanes[(i + round) % lanes.length] as Lane;
      const { running, target, rate } = lane;
      record(
        lane.proxy.name,
        round,
        await measureCpu(load, running, target, options.seconds, rate),
      );
    }
  }
}

/** Long enough for a compiler at run time to have done its work. */
function warmUpSeconds(options: RelayOptions): number {
  return Math.max(2, options.seconds);
}

/** Memory is read from a proxy that has done nothing else: a fresh one each time. */
async function runMemoryRounds(run: Run<MemoryLoad>): Promise<void> {
  const { load, proxies, options, dir, record } = run;
  const upstreams = await startUpstreams(load.behind, dir);
  for (let round = 1; round <= Math.min(options.rounds, MEMORY_ROUNDS_MAX); round += 1) {
    for (const proxy of proxies) {
      const scratch = join(dir, `round-${round}`);
      mkdirSync(scratch, { recursive: true });
      try {
        const lane = await startLane(run, proxy, upstreams.addresses, scratch);
        record(proxy.name, round, await measureMemory(load, lane.running, lane.target));
        await lane.running.stop(500);
      } catch (error) {
        record(proxy.name, round, lostRound(firstLine(error)));
      }
    }
  }
}

/** Memory hardly differs between rounds. */
const MEMORY_ROUNDS_MAX = 3;

async function startLane(
  run: Run<Load>,
  proxy: BenchProxy,
  upstreams: readonly string[],
  parent: string,
): Promise<Lane> {
  const { load, tls } = run;
  if (load.isTls && !proxy.hasTls) throw new Error("not measured with TLS in front");
  if (load.connections > proxy.connectionsMax) {
    throw new Error(`configured for ${proxy.connectionsMax} connections at most`);
  }
  const dir = join(parent, proxy.name);
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const running = await proxy.start({ port, upstreams, tls, dir });
  return { proxy, running, target: { port, isTls: load.isTls, dir }, rate: null };
}
