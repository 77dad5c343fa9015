/** Whether a scenario can run here, known before anything of it has started. */
import { LANES, laneSite } from "../lanes/index.ts";
import type { Scenario } from "./scenario.ts";

/** Why it cannot, or null; and which of its lanes are left out, with the reason. */
export interface Fitness {
  readonly why: string | null;
  readonly leftOut: ReadonlyMap<string, string>;
}

/** @param whyNoNetns why there is no network namespace of the lab's own, or null. */
export function fitnessOf(scenario: Scenario, whyNoNetns: string | null): Fitness {
  const leftOut = new Map<string, string>();
  if (scenario.needs.includes("netns") && whyNoNetns !== null) return { why: whyNoNetns, leftOut };
  const site = laneSite(whyNoNetns);
  for (const { name, lane, isOptional } of scenario.lanes) {
    const why = LANES[lane].whyNot?.(site) ?? null;
    if (why === null) continue;
    if (!isOptional) return { why: `lane ${lane}: ${why}`, leftOut };
    leftOut.set(name, why);
  }
  const isEmpty = leftOut.size === scenario.lanes.length;
  return { why: isEmpty ? [...leftOut.values()][0]! : null, leftOut };
}

/** Whether it is to have a network namespace of its own, where there can be one. */
export function wantsNetns({ needs, prefers }: Scenario): boolean {
  return needs.includes("netns") || prefers.includes("netns");
}
