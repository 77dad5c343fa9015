/**
 * What is counted of a lane between two looks at it. Pure.
 *
 * A caller's figures are from its latest report, so a look is somewhat late; whoever looks waits
 * for a report that is younger than the moment (`timeline.ts`).
 */
import { sum } from "../figures/balance.ts";
import type { LaneView } from "../view.ts";

/** All lanes at a moment. */
export interface Look {
  readonly lanes: readonly LaneView[];
  /** Names of the pods that took new calls then. */
  readonly ready: readonly string[];
  /** Open connections of a lane's processes to pods, by lane; null: nobody knows. */
  readonly podConnections: Readonly<Record<string, number | null>>;
}

/** One lane between two looks, or from its start to one. */
export interface Window {
  /** As it was at the later look. */
  readonly lane: LaneView;
  /** Answered calls of all pods that were ready at the later look, and of those that answered. */
  readonly perPod: Readonly<Record<string, number>>;
  /** All of these. */
  readonly answered: number;
  readonly failed: number;
  /** Open connections of its processes to pods at the later look; null: nobody knows. */
  readonly podConnections: number | null;
  /** It does not begin with the load. */
  readonly isPart: boolean;
}

/** The window of a lane; null when there is no such lane. `from` null: since the load began. */
export function windowOf(name: string, from: Look | null, at: Look): Window | null {
  const lane = laneOf(name, at);
  if (lane === undefined) return null;
  const before = from === null ? undefined : laneOf(name, from)?.figures;
  const perPod: Record<string, number> = {};
  for (const pod of at.ready) perPod[pod] = 0;
  for (const [pod, calls] of Object.entries(lane.figures.perPod)) {
    const count = calls - (before?.perPod[pod] ?? 0);
    if (count > 0) perPod[pod] = count;
  }
  return {
    ...{ lane, perPod },
    podConnections: at.podConnections[name] ?? null,
    answered: sum(Object.values(perPod)),
    failed: lane.figures.failed - (before?.failed ?? 0),
    isPart: from !== null,
  };
}

function laneOf(name: string, { lanes }: Look): LaneView | undefined {
  return lanes.find((lane) => lane.name === name);
}
