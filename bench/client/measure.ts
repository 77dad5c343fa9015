/**
 * One load through every client, round by round.
 *
 * Each measurement is a process of its own that is warmed up first; in each round every client has
 * the load once, in an order that rotates, so that what the machine does meanwhile hits all alike.
 * Ratios are taken within a round. A round in which any call failed does not count.
 */
import { runProcess } from "../../test/peers/processes.ts";
import { firstLine, lostRound, type Round } from "../measure.ts";
import type { FoundClient } from "./clients.ts";
import type { ClientLoad } from "./loads.ts";
import { type Plan, type Report, WARM_UPS_MAX } from "./programs/plan.ts";
import { Servers } from "./servers.ts";

/** How long and how often. */
export interface Lengths {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** What a process may take beside its warm-up and its measurement. */
const SLACK_MS = 30_000;

/** Rounds by client. `onRound` hears of each as it ends; rounds count from 1. */
export async function measureClients(
  load: ClientLoad,
  clients: readonly FoundClient[],
  lengths: Lengths,
  onRound: (client: string, round: number, result: Round) => void,
): Promise<Readonly<Record<string, readonly Round[]>>> {
  const rounds: Record<string, Round[]> = {};
  for (const { name } of clients) rounds[name] = [];
  const servers = await Servers.start(load.servers, load.streamsMax);
  try {
    for (let round = 1; round <= lengths.rounds; round += 1) {
      for (let i = 0; i < clients.length; i += 1) {
        const client = clients[(i + round) % clients.length] as FoundClient;
        const result = await measureOne(load, client, servers, lengths);
        rounds[client.name]?.push(result);
        onRound(client.name, round, result);
      }
    }
    return rounds;
  } finally {
    await servers.stop();
  }
}

async function measureOne(
  load: ClientLoad,
  client: FoundClient,
  servers: Servers,
  { seconds, warmUpSeconds }: Lengths,
): Promise<Round> {
  const { shape, inFlight, metadata, sleepMs } = load;
  const { entries, pool } = client;
  const { addresses } = servers;
  const plan: Plan = {
    ...{ addresses, shape, inFlight, metadata, sleepMs },
    ...{ warmUpSeconds, seconds, pool, entries },
  };
  const [path, ...args] = client.command(plan);
  const timeoutMs = (seconds + WARM_UPS_MAX * warmUpSeconds) * 1_000 + SLACK_MS;
  try {
    const before = await servers.callCounts();
    const run = await runProcess(path, args, { name: client.name, timeoutMs });
    if (run.code !== 0) return lostRound(`it ended with ${run.code}: ${reasonIn(run.stderr)}`);
    const report = JSON.parse(run.stdout.trim().split("\n").at(-1) as string) as Report;
    const after = await servers.callCounts();
    const calls = after.map((count, i) => count - (before[i] as number));
    return roundOf(load, report, whyUneven(calls, inFlight));
  } catch (error) {
    return lostRound(firstLine(error));
  }
}

/** What a program's last words say: the line that names the error. */
function reasonIn(stderr: string): string {
  const lines = stderr.trim().split("\n");
  return lines.find((line) => /error/i.test(line))?.trim() ?? (lines.at(-1) as string);
}

/** A server with less than this part of a fair share was not balanced over. */
const SHARE_MIN = 0.2;

/**
 * A client that leaves servers out has larger batches to fewer, and cannot be compared. The calls
 * that it began with may all have gone to the first server that was ready.
 */
export function whyUneven(calls: readonly number[], inFlight: number): string | null {
  const later = calls.reduce((sum, count) => sum + count, 0) - inFlight;
  if (later < inFlight) return null; // Too few to tell.
  const least = Math.min(...calls);
  const isUneven = least < (later / calls.length) * SHARE_MIN;
  return isUneven ? `servers got ${calls.join(", ")} calls` : null;
}

function roundOf(load: ClientLoad, report: Report, uneven: string | null): Round {
  const { calls, failures, errors, messages, cpuMs, seconds } = report;
  const units = load.per === "call" ? calls : messages;
  return {
    cost: units === 0 ? 0 : (cpuMs * 1_000) / units,
    calls: units,
    failures,
    callsPerSecond: units / seconds,
    p50Ms: report.p50Ms,
    p99Ms: report.p99Ms,
    rssBytes: report.rssBytes,
    disqualified: whyNot(units, failures, Object.values(errors)[0]) ?? uneven,
  };
}

function whyNot(units: number, failures: number, error: string | undefined): string | null {
  if (failures > 0) return `${failures} calls failed: ${error}`;
  return units === 0 ? "nothing was done in the time" : null;
}
