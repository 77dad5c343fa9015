/**
 * Made-up labs for the tests of what draws them. Not for production code.
 */
import { LaneMeasure } from "./figures/measure.ts";
import { shortVerdict } from "./figures/short-verdict.ts";
import { verdict } from "./figures/verdict.ts";
import type { LabView, LanePhase, LaneView } from "./view.ts";

type Marked = Parameters<LaneMeasure["mark"]>[0];

/** A lane whose pod `index` answered `calls[index]` calls. */
export function laneFixture(
  name: string,
  calls: readonly number[],
  change: { phase?: LanePhase; failure?: string; failed?: number; event?: Marked } = {},
): LaneView {
  const pods = calls.map((_, index) => `echo-${index + 1}`);
  const measure = new LaneMeasure(pods);
  if (change.event) measure.mark(change.event);
  measure.add({
    perPod: Object.fromEntries(pods.map((pod, index) => [pod, calls[index]!])),
    failed: change.failed ?? 0,
    lastFailure: change.failed ? "UNAVAILABLE: no route" : "",
    latenciesUs: calls.some((count) => count > 0) ? [1000] : [],
    connections: 1,
  });
  const figures = measure.figures();
  const failure = change.failure ?? null;
  const judged = { name, figures, failure, effects: measure.effects };
  return {
    name,
    title: `The ${name} lane`,
    how: `how ${name} dials`,
    phase: change.phase ?? "running",
    figures,
    callsPerSecond: 300,
    verdict: verdict(judged),
    ...shortVerdict(judged),
    effects: measure.effects,
    ejected: [],
    replicas: null,
    failure,
  };
}

/** A lab with these lanes, which have the same pods. */
export function labFixture(lanes: readonly LaneView[], change: Partial<LabView> = {}): LabView {
  const pods = Object.keys(lanes[0]!.figures.perPod);
  return {
    pods,
    podStates: pods.map(() => "ready" as const),
    ...{ slowPods: [], sickPods: [], events: [] },
    ...{ progress: null, histories: {}, columnCount: 0, intervalMs: 500 },
    elapsedMs: 62_000,
    pageUrl: "http://127.0.0.1:7480/",
    ...{
      access: null,
      hint: null,
      notice: null,
      laneChoices: [],
      clusterIpBy: "relay" as const,
    },
    load: {
      ...{ callsPerSecond: 300, inFlight: 10, policy: "weighted_round_robin" },
      ...{ overheadCpu: 0.1, heldBackTo: null },
    },
    lanes,
    ...change,
  };
}
