/**
 * One measurement: a load, a running proxy, and what the load cost the proxy's processes.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type RunningProcess, readUsage } from "../test/peers/processes.ts";
import type { CpuLoad, MemoryLoad, Target } from "./loads/load.ts";

/** What one round showed of one proxy. A disqualified one counts nowhere. */
export interface Round {
  /** In the load's unit. */
  readonly cost: number;
  readonly calls: number;
  readonly failures: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Resident memory of the proxy's processes right after the load. */
  readonly rssBytes: number;
  /** Why this round does not count; null when it does. */
  readonly disqualified: string | null;
}

/** A round in which nothing could be measured. */
export function lostRound(reason: string): Round {
  return {
    cost: 0,
    calls: 0,
    failures: 0,
    callsPerSecond: 0,
    p50Ms: null,
    p99Ms: null,
    rssBytes: 0,
    disqualified: reason,
  };
}

const MIB = 1024 * 1024;

/** Sends a load for about `seconds` and reads the proxy's CPU time before and after. */
export async function measureCpu(
  load: CpuLoad,
  proxy: RunningProcess,
  target: Target,
  seconds: number,
  rate: number | null,
): Promise<Round> {
  try {
    const before = readUsage(proxy.pid);
    const sample = await load.run(target, seconds, rate);
    const after = readUsage(proxy.pid);
    const cpuUs = after.cpuUs - before.cpuUs;
    const isApart = sample.p50Ms === null;
    const latency = isApart ? await load.latency?.(target, sample.callsPerSecond) : sample;
    const units = { call: sample.calls, message: sample.messages, MiB: sample.bytes / MIB };
    return {
      cost: cpuUs / units[load.per],
      calls: sample.calls,
      failures: sample.failures,
      callsPerSecond: sample.callsPerSecond,
      p50Ms: latency?.p50Ms ?? null,
      p99Ms: latency?.p99Ms ?? null,
      rssBytes: after.rssBytes,
      disqualified: whyNot(proxy, sample.calls, sample.failures, sample.failure),
    };
  } catch (error) {
    return lostRound(firstLine(error));
  }
}

/** How long memory is given to settle before it is read. */
const SETTLE_MS = 1500;

/** Opens many things through the proxy and reads its memory before and while they are open. */
export async function measureMemory(
  load: MemoryLoad,
  proxy: RunningProcess,
  target: Target,
): Promise<Round> {
  try {
    await sleep(SETTLE_MS);
    const before = readUsage(proxy.pid).rssBytes;
    const held = await load.hold(target);
    await sleep(SETTLE_MS);
    const rssBytes = readUsage(proxy.pid).rssBytes;
    const missing = load.count - held.open;
    const disqualified = whyNot(proxy, held.open, missing, null);
    await held.release();
    return {
      ...lostRound(""),
      cost: (rssBytes - before) / held.open / 1024,
      calls: held.open,
      failures: missing,
      rssBytes,
      disqualified,
    };
  } catch (error) {
    return lostRound(firstLine(error));
  }
}

function whyNot(
  proxy: RunningProcess,
  calls: number,
  failures: number,
  failure: string | null,
): string | null {
  if (proxy.exit !== null) return `the proxy ended: ${JSON.stringify(proxy.exit)}`;
  if (failures > 0) {
    const why = failure === null ? "" : `: ${failure}`;
    return `${failures} of ${calls + failures} calls failed${why}`;
  }
  return calls === 0 ? "no call was made" : null;
}

/** An error in one line, for a table. */
export function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0] as string;
}
