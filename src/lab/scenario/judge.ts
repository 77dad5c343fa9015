/** Holds what was seen against what a scenario says. Pure. */
import { isWithin } from "./bound.ts";
import { documentedText, figureOf } from "./measures.ts";
import { momentText } from "./moment.ts";
import { type Look, windowOf } from "./observation.ts";
import type { Finding } from "./result.ts";
import type { Claim, Expectation, Scenario } from "./scenario.ts";

/** What there is to judge by. */
export interface Evidence {
  /** The look of an expectation's beginning or end; undefined when it was not reached. */
  lookAt(moment: Expectation["at"], isFrom: boolean): Look | undefined;
  readonly isShort: boolean;
  /** Why lanes were left out, by name. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/** A finding for each thing that the scenario says. */
export function judge({ expectations }: Scenario, evidence: Evidence): readonly Finding[] {
  const held = expectations.filter(({ isFullOnly }) => !(isFullOnly && evidence.isShort));
  return held.flatMap((expectation) =>
    expectation.claims.map((claim) => findingOf(expectation, claim, evidence)),
  );
}

function findingOf(expectation: Expectation, claim: Claim, evidence: Evidence): Finding {
  const { lane, because } = expectation;
  const { measure } = claim;
  const base = { lane, when: whenText(expectation), measure, because, value: null };
  const documented = documentedText(claim);
  const out = evidence.leftOut.get(lane) ?? (claim.over && evidence.leftOut.get(claim.over));
  if (out) return { ...base, documented, seen: "left out", isMet: true, skipped: out };
  const figure = figureIn(expectation, claim, evidence);
  if (figure === null) {
    return { ...base, documented, seen: "not reached", isMet: false, skipped: null };
  }
  return { ...base, ...figure, documented, skipped: null };
}

function figureIn(
  { lane, from, at }: Expectation,
  claim: Claim,
  evidence: Evidence,
): Pick<Finding, "value" | "seen" | "isMet"> | null {
  const before = from === null ? null : evidence.lookAt(from, true);
  const after = evidence.lookAt(at, false);
  if (before === undefined || after === undefined) return null;
  const window = windowOf(lane, before, after);
  if (window === null) return null;
  const { value, seen } = figureOf(claim, window);
  if (window.lane.failure !== null) {
    return { value: null, seen: window.lane.verdict, isMet: false };
  }
  if (claim.measure === "verdict") return { value, seen, isMet: claim.pattern!.test(seen) };
  if (claim.over === null)
    return { value, seen, isMet: value !== null && isWithin(value, claim.bound!) };
  const other = windowOf(claim.over, before, after);
  const divisor = other === null ? null : figureOf(claim, other).value;
  if (value === null || divisor === null || divisor === 0) {
    return { value: null, seen: `${seen}; nothing of ${claim.over} to compare with`, isMet: false };
  }
  const quotient = value / divisor;
  const text = `${seen}, ${quotient.toFixed(2)} times that of ${claim.over}`;
  return { value: quotient, seen: text, isMet: isWithin(quotient, claim.bound!) };
}

function whenText({ from, at }: Expectation): string {
  if (from === null) return at.kind === "end" ? "" : `at ${momentText(at)}`;
  return `from ${momentText(from)} to ${momentText(at)}`;
}
