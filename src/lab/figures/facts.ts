/**
 * What is to be said of a lane, before it is put into words: which pods got nothing, what waits,
 * what a slow pod gets. `verdict.ts` makes a sentence of it, `short-verdict.ts` a few words.
 */
import type { ReplicaView } from "../view.ts";
import type { EffectFigures } from "./effect.ts";
import { FAIR_CALLS_MIN, spreadOf } from "./judged.ts";
import type { LaneFigures } from "./measure.ts";

/** What is judged of a lane; a `LaneView` is one. */
export interface Judged {
  /** Its word on the command line, for the causes; without it none is given. */
  readonly name?: string;
  readonly figures: LaneFigures;
  /** Why the lane did not run or broke off, or null. */
  readonly failure: string | null;
  /** Proxies on the way, where they may be several; else null. */
  readonly replicas?: readonly ReplicaView[] | null;
  /** Names of pods that outlier detection has ejected. */
  readonly ejected?: readonly string[];
  /** Names of pods that answer every call with UNAVAILABLE. */
  readonly sick?: readonly string[];
  /** It would eject pods that fail, if it were told to: a policy of fairlead's is at work in it. */
  readonly mayEject?: boolean;
  /** What became of it since each event, the present one last. */
  readonly effects?: readonly EffectFigures[];
}

/** What a pod gets that was made slow by the latest event. */
export interface SlowPod {
  readonly pod: string;
  /** Its part of the calls since, 0 to 1. */
  readonly share: number;
  /** What it would get if all got the same. */
  readonly fairShare: number;
  /** It is spared: it gets clearly less than that. */
  readonly isSpared: boolean;
}

/** The facts. */
export interface Facts {
  /** Pods that are compared. */
  readonly pods: number;
  readonly used: number;
  /** Their answered calls, of those that are judged. */
  readonly answered: number;
  /**
   * The busiest of the pods that should get calls over its fair share, with two digits, as tables
   * show it: what is called uneven is seen to be 1.50 or more. Null before a call.
   */
  readonly maxOverMean: number | null;
  /** So few calls that which pods got one is chance. */
  readonly isEarly: boolean;
  /** The only pod that is used, or the one that is the most above its fair share; or null. */
  readonly busiest: string | null;
  /** New pods that have waited so long for a first call that it is worth a word. */
  readonly waiting: readonly string[];
  /** How many new pods wait, but not for so long. */
  readonly justCame: number;
  /** Pods without a call that should have none: they are ejected, or could answer none. */
  readonly excused: readonly string[];
  /** How many others have none. */
  readonly idle: number;
  /** Where calls go while none is answered by a pod that should get them. */
  readonly elsewhere: readonly string[];
  /** New pods that have had theirs. */
  readonly served: readonly string[];
  /** The longest time that one of those waited, or null. */
  readonly servedWithinMs: number | null;
  readonly slow: SlowPod | null;
  /** Calls that failed since the latest event, and all calls since. */
  readonly failedSince: number;
  readonly callsSince: number;
  /** Proxies without a connection, beside others that have some. */
  readonly idleReplicas: readonly string[];
}

/** From here on a pod's waiting for its first call is worth a word. */
const WAITS_MS = 1000;
/** Below so many calls a pod it is early. */
const CALLS_PER_POD_MIN = 2;
/** A pod that gets less of its fair share is spared. */
const SPARED_BELOW = 0.8;

/** Up to here the spread is even: the busiest pod over the mean. */
export const EVEN_MAX = 1.2;
/** From here on it is uneven. */
export const UNEVEN_MIN = 1.5;

/** Finds the facts of a lane. */
export function factsOf(lane: Judged): Facts {
  const { figures, replicas = null, effects = [] } = lane;
  const { perPod, answered } = figures.judged;
  const counts = Object.entries(perPod);
  const latest = effects.at(-1);
  const pods = counts.length;
  const users = counts.filter(([, calls]) => calls > 0).map(([pod]) => pod);
  const used = users.length;
  const isIdle = ({ connections }: ReplicaView): boolean => connections === 0;
  const hasBusy = replicas?.some((replica) => !isIdle(replica)) ?? false;
  const excused = excusedPods(lane);
  const news = newPods(figures, excused);
  const others = counts.map(([pod]) => pod).filter((pod) => !excused.includes(pod));
  const { maxOverMean, busiest } = spreadOf(perPod, figures.judged.fair, others);
  return {
    ...{ pods, used, answered, excused, ...news },
    maxOverMean: maxOverMean === null ? null : Number(maxOverMean.toFixed(2)),
    isEarly: answered < CALLS_PER_POD_MIN * pods && used < pods,
    busiest: used === 1 ? users[0]! : busiest,
    idle: pods - used - excused.length - news.waiting.length - news.justCame,
    elsewhere: used > 0 ? [] : figures.answeredLast.filter((pod) => perPod[pod] === undefined),
    slow: slowPod(latest, pods),
    failedSince: latest?.failed ?? figures.failed,
    callsSince: latest?.calls ?? figures.calls,
    idleReplicas: hasBusy ? replicas!.filter(isIdle).map(({ name }) => name) : [],
  };
}

/** Pods that get nothing because they are ejected, or have no answer for what they get. */
function excusedPods({ figures, ejected = [], sick = [] }: Judged): readonly string[] {
  const { perPod } = figures.judged;
  const pods = Object.keys(perPod).filter((pod) => perPod[pod] === 0);
  return pods.filter((pod) => ejected.includes(pod) || sick.includes(pod));
}

type NewPodFacts = Pick<Facts, "waiting" | "justCame" | "served" | "servedWithinMs">;

function newPods({ newPods }: LaneFigures, excused: readonly string[]): NewPodFacts {
  const times = newPods.flatMap(({ firstCallMs }) => firstCallMs ?? []);
  const waiting = newPods.filter(({ pod, waitsMs }) => waitsMs !== null && !excused.includes(pod));
  const long = waiting.filter(({ waitsMs }) => waitsMs! >= WAITS_MS);
  return {
    waiting: long.map(({ pod }) => pod),
    justCame: waiting.length - long.length,
    served: newPods.filter(({ firstCallMs }) => firstCallMs !== null).map(({ pod }) => pod),
    servedWithinMs: times.length === 0 ? null : Math.max(...times),
  };
}

function slowPod(effect: EffectFigures | undefined, pods: number): SlowPod | null {
  if (!effect?.event.startsWith("slow=") || effect.pod === null || pods < 2) return null;
  const { pod, podShare: share, calls, failed } = effect;
  const fairShare = 1 / pods;
  if (share === null || (calls - failed) * fairShare < FAIR_CALLS_MIN) return null;
  return { pod, share, fairShare, isSpared: share < SPARED_BELOW * fairShare };
}
