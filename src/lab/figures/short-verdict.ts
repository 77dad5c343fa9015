/**
 * A verdict in five or six words, with a sign before it, for places where the sentence has no room:
 * rows of the terminal, headings of the page, pictures. The sentence (`verdict.ts`) is never
 * contradicted by it.
 */
import { EVEN_MAX, type Facts, factsOf, type Judged, UNEVEN_MIN } from "./facts.ts";
import { type Kind, SIGNS } from "./kind.ts";
import { counted, overText, spanText } from "./number-words.ts";

/** The short form of a verdict. */
export interface ShortVerdict {
  readonly kind: Kind;
  /** With the sign of the kind before it, which says it without colour: "✕ 1 of 12 pods". */
  readonly short: string;
}

/** Above this part of failed calls, since something was done, a lane does not do its work. */
const FAILED_MAX = 0.01;

/** The verdict in a few words. */
export function shortVerdict(lane: Judged): ShortVerdict {
  const { figures, failure } = lane;
  if (failure !== null) return bad(figures.calls === 0 ? "did not run" : "broke off");
  if (figures.calls === 0) return said("waiting", "no call yet");
  if (figures.calls === figures.failed) return bad("every call failed");
  return balance(lane);
}

function balance(lane: Judged): ShortVerdict {
  const { figures } = lane;
  const facts = factsOf(lane);
  const { pods, used, waiting, justCame, slow, failedSince, callsSince } = facts;
  const usedOfAll = `${used} of ${pods} pods`;
  const soFar = said("waiting", `${usedOfAll} so far`);
  if (pods === 0) return bad("no pod is ready");
  // Of a lab of one pod each lane's last report may be of the pod before.
  if (facts.elsewhere.length > 0 && pods > 1) return bad(usedOfAll);
  const isPinned = used === 1 && facts.idle + waiting.length > 0;
  if (isPinned && !facts.isEarly) return bad(usedOfAll);
  // Before "too early": where nearly every call fails there never are enough answered ones.
  if (failedSince > FAILED_MAX * callsSince) return bad(`${counted(failedSince, "call")} failed`);
  if (used === 0 || facts.isEarly) return soFar;
  if (waiting.length > 0) {
    const what = waiting.length === 1 ? "new pod" : `${waiting.length} new pods`;
    return flawed(`${what} unused for ${spanText(figures.newPodWaitsMs!)}`);
  }
  if (facts.idle > 0) return flawed(usedOfAll);
  // A few among many take nothing from what the others show.
  if (justCame >= used) return soFar;
  if (facts.idleReplicas.length > 0) {
    const all = lane.replicas!.length;
    return flawed(`${all - facts.idleReplicas.length} of ${all} proxies`);
  }
  if (slow !== null) {
    // Room is scarce: no decimals.
    const part = `${(slow.share * 100).toFixed(0)}%`;
    if (!slow.isSpared) return flawed(`slow pod still gets ${part}`);
    // The others have its part, so that the busiest is above the mean.
    if (facts.maxOverMean! * (1 - slow.fairShare) <= EVEN_MAX) {
      return said("good", `slow pod spared: ${part}`);
    }
  }
  return evenness(facts);
}

function evenness({ maxOverMean, failedSince, justCame, excused }: Facts): ShortVerdict {
  if (maxOverMean! >= UNEVEN_MIN) return flawed(`uneven: one has ${overText(maxOverMean!)}`);
  if (failedSince > 0) return flawed(`even, but ${counted(failedSince, "call")} failed`);
  const how = maxOverMean! <= EVEN_MAX ? "even" : "nearly even";
  if (justCame > 0) return said("good", `${how}, ${counted(justCame, "pod")} just came`);
  const [pod] = excused;
  if (pod === undefined) return said("good", how);
  return said("good", `${how} without ${excused.length === 1 ? pod : `${excused.length} pods`}`);
}

function said(kind: Kind, words: string): ShortVerdict {
  return { kind, short: `${SIGNS[kind]} ${words}` };
}

function bad(words: string): ShortVerdict {
  return said("bad", words);
}

function flawed(words: string): ShortVerdict {
  return said("flawed", words);
}
