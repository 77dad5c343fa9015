/**
 * Whether a lane does what gRPC on Kubernetes should: every pod gets its part, and calls arrive.
 *
 * Pure. It says in one sign what the verdict says in a sentence.
 */
import type { LaneSample } from "../src/lab/page/page-feed.ts";

/** Up to this many fair shares for the busiest pod is even. */
export const EVEN = 1.5;
/** From here on one pod carries the lane. */
const PINNED_SHARE = 0.5;
/** A new pod that waits longer than this for its first call is not found. */
const WAIT_MS = 2000;
/** After so many calls for each pod, one without any is passed over. */
const ENOUGH_PER_POD = 20;
/** More than this part of the calls lost is a lane that does not work. */
const FAILED_SHARE = 0.05;

/** What a lane is: right, wrong, neither; or nothing to judge yet. */
export type Kind = "right" | "wrong" | "warn" | "waiting";

/** The sign of each, which reads without colour. */
export const SIGNS: Readonly<Record<Kind, string>> = {
  right: "✓",
  wrong: "✕",
  warn: "!",
  waiting: "…",
};

/** The same for a screen reader. */
export const WORDS: Readonly<Record<Kind, string>> = {
  right: "right",
  wrong: "wrong",
  warn: "not quite right",
  waiting: "not known yet",
};

/** Judges a lane. */
export function kindOf(lane: LaneSample): Kind {
  const pods = lane.perPod.filter((calls) => calls !== null).length;
  if (lane.phase === "failed") return "wrong";
  if (lane.callsSince > 0 && lane.failedSince / lane.callsSince > FAILED_SHARE) return "wrong";
  if (lane.maxOverMean === null) return "waiting";
  if (pods > 2 && lane.maxOverMean / pods >= PINNED_SHARE) return "wrong";
  if (pods > 1 && lane.podsUsed === 1) return "wrong";
  const answered = lane.perPod.reduce<number>((sum, calls) => sum + (calls ?? 0), 0);
  const isSkipping = lane.podsUsed < pods && answered >= ENOUGH_PER_POD * pods;
  const isLate = lane.newPodWaitsMs !== null && lane.newPodWaitsMs > WAIT_MS;
  const isUneven = lane.maxOverMean > EVEN || isSkipping || isLate;
  return isUneven || lane.failedSince > 0 ? "warn" : "right";
}
