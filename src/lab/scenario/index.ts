/**
 * Scenarios: experiments that are written down, with what is to be seen in them. Files, those that
 * come with fairlead, how they run, and what is reported.
 */
export { listScenarios } from "./list-scenarios.ts";
export { ScenarioError } from "./problems.ts";
export type { ScenarioOutput } from "./report.ts";
export { runScenarios } from "./run-scenarios.ts";
