/**
 * A verdict in five or six words, with a sign before it, for places where the sentence has no room:
 * rows of the terminal, headings of the page, pictures. The sentence (`verdict.ts`) is never
 * contradicted by it.
 */
import { EVEN_MAX, factsOf, type Judged, UNEVEN_MIN } from "./facts.ts";
import { type Kind, SIGNS } from "./kind.ts";
import { counted, spanText } from "./number-words.ts";

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
  const { pods, used, waiting, slow, failedSince, callsSince } = facts;
  const failed = `${counted(failedSince, "call")} failed`;
  const usedOfAll = `${used} of ${pods} pods`;
  if (pods === 0) return bad("no pod is ready");
  if (used === 0 || facts.isEarly) return said("waiting", `${usedOfAll} so far`);
  if (used === 1 && pods > 1) return bad(usedOfAll);
  if (failedSince > FAILED_MAX * callsSince) return bad(failed);
  if (waiting.length > 0) {
    const what = waiting.length === 1 ? "new pod" : `${waiting.length} new pods`;
    return flawed(`${what} unused for ${spanText(figures.newPodWaitsMs!)}`);
  }
  if (used + facts.justCame === pods && facts.justCame > 0) {
    return said("waiting", `${usedOfAll} so far`);
  }
  if (used < pods) return flawed(usedOfAll);
  if (facts.idleReplicas.length > 0) {
    const all = lane.replicas!.length;
    return flawed(`${all - facts.idleReplicas.length} of ${all} proxies`);
  }
  if (slow !== null) {
    // Room is scarce: no decimals.
    const part = `${(slow.share * 100).toFixed(0)}%`;
    if (!slow.isSpared) return flawed(`slow pod still gets ${part}`);
    // The others have its part, so that the busiest is above the mean.
    if (figures.maxOverMean! * (1 - slow.fairShare) <= EVEN_MAX) {
      return said("good", `slow pod spared: ${part}`);
    }
  }
  if (figures.maxOverMean! >= UNEVEN_MIN) {
    return flawed(`uneven: one has ${figures.maxOverMean!.toFixed(1)}x`);
  }
  if (failedSince > 0) return flawed(`even, but ${failed}`);
  return said("good", figures.maxOverMean! <= EVEN_MAX ? "even" : "nearly even");
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
