/** How many scenarios came out how. Pure. */
import type { Outcome, ScenarioResult } from "./result.ts";

/** By outcome. */
export function outcomesOf(results: readonly ScenarioResult[]): Readonly<Record<Outcome, number>> {
  const count = (outcome: Outcome): number =>
    results.filter((result) => result.outcome === outcome).length;
  return {
    shown: count("shown"),
    "not-shown": count("not-shown"),
    skipped: count("skipped"),
    stopped: count("stopped"),
  };
}

/** "13 scenarios: 11 as documented, 1 not, 1 skipped" */
export function outcomesText(results: readonly ScenarioResult[]): string {
  const { shown, "not-shown": not, skipped, stopped } = outcomesOf(results);
  const parts = [
    `${shown} as documented`,
    not === 0 ? "" : `${not} not`,
    skipped === 0 ? "" : `${skipped} skipped`,
    stopped === 0 ? "" : `${stopped} stopped`,
  ].filter((part) => part !== "");
  const all = `${results.length} ${results.length === 1 ? "scenario" : "scenarios"}`;
  return `${all}: ${parts.join(", ")}`;
}
