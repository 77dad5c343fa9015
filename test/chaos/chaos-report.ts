/** A run of chaos as text. */
import type { ChaosResult } from "./campaign.ts";

/** Complaints that are told. */
const SHOWN_MAX = 10;

/** What replays a run. */
export function replayOf({ seed, seconds }: Pick<ChaosResult, "seed" | "seconds">): string {
  const minutes = Math.max(0.01, seconds / 60).toFixed(2);
  return `npm run chaos -- --minutes ${minutes} --seconds ${seconds} --seed ${seed}`;
}

/** What was done, who called how often, what failed because of what, and what may not be. */
export function describeChaos(result: ChaosResult): string {
  const { seed, faults, ways, explained, complaints } = result;
  const kinds = new Map<string, number>();
  for (const { kind } of faults) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const pairs = (all: Iterable<readonly [string, number]>): string =>
    [...all].map(([name, count]) => `${name} ${count}`).join(", ") || "none";
  const lines = [
    `seed ${seed}: ${faults.length} faults: ${pairs([...kinds].sort())}`,
    ...ways.map(({ way, calls, ok, failures, replays }) => {
      const ended = `${calls} calls ended, ${ok} OK, ${failures.length} failed`;
      return `  ${way.padEnd(9)} ${ended}, ${replays} sent again`;
    }),
    `  failed because of: ${pairs(Object.entries(explained))}`,
    ...longestWait(result),
    ...complaints.slice(0, SHOWN_MAX).map((complaint) => `  WRONG: ${complaint}`),
  ];
  if (complaints.length > SHOWN_MAX) lines.push(`  and ${complaints.length - SHOWN_MAX} more`);
  if (complaints.length > 0) lines.push(`  replay: ${replayOf(result)}`);
  return lines.join("\n");
}

/**
 * How long a call waited at most on a pod that was given up for its silence. Calls during which a
 * caller or a proxy stood still itself say nothing of that.
 */
function longestWait({ ways, faults }: ChaosResult): string[] {
  const still = faults.filter(({ kind }) => kind === "caller-stop" || kind === "proxy-stop");
  const waits = ways
    .flatMap(({ failures }) => failures)
    .filter(({ details }) => /\(keepalive\)$/.test(details))
    .filter((call) => !still.some((f) => f.fromMs < call.untilMs && f.untilMs > call.fromMs))
    .map(({ fromMs, untilMs }) => untilMs - fromMs);
  if (waits.length === 0) return [];
  return [`  ${waits.length} calls on silent pods waited ${Math.max(...waits)} ms at most`];
}
