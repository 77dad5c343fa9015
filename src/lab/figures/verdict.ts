/**
 * A lane's figures in one sentence: the sentence that stands under a lane in the terminal, on the
 * page and in the JSON, and that a screen reader reads out.
 */

import type { ReplicaView } from "../view.ts";
import type { LaneFigures } from "./measure.ts";

/** What the verdict needs of a lane. */
export interface Judged {
  readonly figures: LaneFigures;
  /** Why the lane did not run or broke off, or null. */
  readonly failure: string | null;
  /** Proxies on the way, where they may be several; else null. */
  readonly replicas?: readonly ReplicaView[] | null;
}

/** One sentence without a full stop. It begins `1 of N pods used` when one pod got every call. */
export function verdict({ figures, failure, replicas = null }: Judged): string {
  const pods = Object.keys(figures.current);
  const answered = figures.calls - figures.failed;
  if (figures.calls === 0) return failure === null ? "no call yet" : `did not run: ${failure}`;
  if (answered === 0) return `no call answered: all ${figures.failed} failed (${cause(figures)})`;
  if (figures.podsUsed === 0) {
    const since = `0 of ${pods.length} pods used since there are ${pods.length}`;
    return `${since}${faults(figures, failure)}`;
  }
  const used = `${figures.podsUsed} of ${pods.length} pods used`;
  return `${used}: ${spread(figures)}${ways(replicas)}${faults(figures, failure)}`;
}

function spread(figures: LaneFigures): string {
  if (figures.podsUsed > 1) return `max/mean ${figures.maxOverMean!.toFixed(2)}x`;
  const [name] = Object.entries(figures.current).find(([, calls]) => calls > 0)!;
  return `every call went to ${name}`;
}

function faults(figures: LaneFigures, failure: string | null): string {
  const parts: string[] = [];
  if (figures.failed > 0)
    parts.push(
      `; ${figures.failed} ${figures.failed === 1 ? "call" : "calls"} failed (${cause(figures)})`,
    );
  if (failure !== null) parts.push(`; broke off: ${failure}`);
  return parts.join("");
}

/** Nothing of one replica: everything goes through it. */
function ways(replicas: readonly ReplicaView[] | null): string {
  if (replicas === null || replicas.length < 2) return "";
  const [first, ...rest] = replicas.map(({ name, connections }) => ({ name, connections }));
  const more = rest.map(({ name, connections }) => `, ${name} ${connections}`).join("");
  return `; ${first!.name} has ${first!.connections} connections${more}`;
}

function cause(figures: LaneFigures): string {
  return figures.lastFailure || "no reason given";
}
