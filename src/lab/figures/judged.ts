/**
 * The calls that a lane is judged by: those since there are these pods and, while these are too few
 * to tell, those of just before.
 *
 * Pure. In a rolling update pods come and go faster than a lane can be judged anew, and one that is
 * even all along would look idle at each of them. A pod's calls are compared with its own fair
 * share, of the calls there were while it was there: so one that has just come is not one that gets
 * less.
 */
import { fairness as fairnessOf, sum } from "./balance.ts";

/** Calls of some pods while there were these and no others. */
export type Step = ReadonlyMap<string, number>;

/** What a lane is judged by. */
export interface JudgedCalls {
  /** Answered calls of the pods that there are now. */
  readonly perPod: Readonly<Record<string, number>>;
  /** What each of them would have, if all had got the same while they were there. */
  readonly fair: Readonly<Record<string, number>>;
  readonly answered: number;
  /** The busiest pod over its fair share; null before a call. */
  readonly maxOverMean: number | null;
  /** Jain's index of what pods got of their fair shares; null before a call. */
  readonly fairness: number | null;
}

/** A share is told when it should be of so many calls at least. */
export const FAIR_CALLS_MIN = 20;

/**
 * What there is to judge by.
 *
 * @param current of the pods that there are now.
 * @param past of those there were, the latest first: as many of these as are needed count.
 */
export function judgedCalls(current: Step, past: readonly Step[]): JudgedCalls {
  const pods = [...current.keys()];
  const perPod = Object.fromEntries(pods.map((pod) => [pod, 0]));
  const fair = { ...perPod };
  let answered = 0;
  for (const step of [current, ...past]) {
    if (step !== current && answered >= FAIR_CALLS_MIN * pods.length) break;
    const mean = sum([...step.values()]) / step.size;
    for (const pod of pods.filter((each) => step.has(each))) {
      perPod[pod]! += step.get(pod)!;
      fair[pod]! += mean;
      answered += step.get(pod)!;
    }
  }
  const { maxOverMean, fairness } = spreadOf(perPod, fair, pods);
  return { perPod, fair, answered, maxOverMean, fairness };
}

/** How even the calls of some pods are. */
export interface Spread extends Pick<JudgedCalls, "maxOverMean" | "fairness"> {
  /** The pod that is the most above its fair share, or null before a call. */
  readonly busiest: string | null;
}

/** How even the calls of some of the pods are, by what these had, and should have had. */
export function spreadOf(
  perPod: JudgedCalls["perPod"],
  fair: JudgedCalls["fair"],
  pods: readonly string[],
): Spread {
  const calls = sum(pods.map((pod) => perPod[pod]!));
  if (calls === 0) return { maxOverMean: null, fairness: null, busiest: null };
  // What others should have had is theirs.
  const scale = sum(pods.map((pod) => fair[pod]!)) / calls;
  // One that has just come can have few calls, or twice as many, by chance.
  const enough = Math.min(FAIR_CALLS_MIN, Math.max(...pods.map((pod) => fair[pod]!)));
  const told = pods.filter((pod) => fair[pod]! >= enough);
  const parts = told.map((pod) => (perPod[pod]! * scale) / fair[pod]!);
  const max = Math.max(...parts);
  return { maxOverMean: max, fairness: fairnessOf(parts), busiest: told[parts.indexOf(max)]! };
}
