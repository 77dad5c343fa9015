/**
 * Rollouts as text: a few lines for each, and a table of all in the end.
 */
import { statusName } from "../../src/grpc/index.ts";
import { show, type WayFigures } from "./judge.ts";
import type { RolloutResult } from "./rollout.ts";

/** Failed calls that are told in full. */
const SHOWN_MAX = 5;

/** What replays a rollout. */
export function replayOf({ plan }: Pick<RolloutResult, "plan">): string {
  return `npm run rollouts -- --count 1 --seed ${plan.seed} --mode ${plan.mode}`;
}

/** One rollout: each way's calls, statuses, and its calls on each pod as each side saw them. */
export function describe(result: RolloutResult): string {
  const { plan, ways, kills, complaints } = result;
  const killed = kills.length === 0 ? "" : `, ${kills.length} containers killed`;
  const lines = [`seed ${plan.seed}: ${plan.mode}, ${plan.pods} pods${killed}`];
  for (const way of ways) {
    const { calls, unary, streams, replays, twice } = way;
    const kinds = `${calls} calls (${unary} unary, ${streams} streams)`;
    const again = way.perPod[0]?.attempts === null ? "" : `, ${replays} sent again`;
    lines.push(
      `  ${way.way.padEnd(9)}${kinds}: ${statusesOf(way)}${again}, ${twice.length} executed twice`,
      `           ${podsOf(way)}`,
    );
    for (const failure of way.failures.slice(0, SHOWN_MAX)) lines.push(`    ${show(failure)}`);
    const more = way.failures.length - SHOWN_MAX;
    if (more > 0) lines.push(`    and ${more} more`);
  }
  for (const complaint of complaints) lines.push(`  WRONG: ${complaint}`);
  if (complaints.length > 0) lines.push(`  replay: ${replayOf(result)}`);
  return lines.join("\n");
}

function statusesOf({ statuses }: WayFigures): string {
  const known = Object.entries(statuses).map(
    ([code, count]) => `${statusName(Number(code))} ${count}`,
  );
  return known.join(", ");
}

/** "echo-1 9/9/9": as caller, fairlead and pod count; "~" before a lower bound. */
function podsOf({ perPod }: WayFigures): string {
  return perPod
    .map(({ pod, caller, attempts, executed }) => {
      const own = attempts === null ? "" : `/${attempts.isExact ? "" : "~"}${attempts.calls}`;
      return `${pod} ${caller}${own}/${executed}`;
    })
    .join(", ");
}

/** All rollouts together, a line for each way and mode. */
export function summarize(results: readonly RolloutResult[]): string {
  const head = ["mode", "way", "rollouts", "calls", "streams", "failed", "sent again", "twice"];
  const rows = new Map<string, (string | number)[]>();
  for (const { plan, ways } of results) {
    for (const way of ways) {
      const key = `${plan.mode} ${way.way}`;
      const row = rows.get(key) ?? [plan.mode, way.way, 0, 0, 0, 0, 0, 0];
      const more = [1, way.calls, way.streams, way.failures.length, way.replays, way.twice.length];
      rows.set(key, [...row.slice(0, 2), ...more.map((value, i) => Number(row[i + 2]) + value)]);
    }
  }
  const sorted = [...rows.keys()].sort().map((key) => rows.get(key)!.map(String));
  const table = [head, ...sorted];
  const widths = head.map((_, i) => Math.max(...table.map((row) => row[i].length)));
  return table
    .map((row) =>
      row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  "),
    )
    .join("\n");
}
