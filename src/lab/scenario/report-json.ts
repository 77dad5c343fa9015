/** The report as one JSON document: keys may be added, never renamed. Pure. */
import { labReport } from "../report.ts";
import type { RunResult, ScenarioResult } from "./result.ts";
import { outcomesOf } from "./tally.ts";

/** The whole text. */
export function jsonText({ results, isShort, machine }: RunResult): string {
  const { shown, "not-shown": notShown, skipped, stopped } = outcomesOf(results);
  const document = {
    ...{ isShort, machine, shown, notShown, skipped, stopped },
    scenarios: results.map(scenarioOf),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const NO_LOAD = {
  ...{ callsPerSecond: 0, inFlight: 0, policy: "" },
  ...{ overheadCpu: 0, heldBackTo: null },
};

function scenarioOf(result: ScenarioResult) {
  const { scenario, file, outcome, reason, findings, lanes, events, isInNetns } = result;
  const load = result.load ?? NO_LOAD;
  const report = labReport({ pods: 0, seconds: result.loadSeconds, load, events, lanes });
  return {
    ...{ name: scenario.name, title: scenario.title, row: scenario.row, file },
    ...{ outcome, reason, isInNetns },
    startedAt: new Date(result.startedMs).toISOString(),
    loadMs: Math.round(result.loadSeconds * 1000),
    tookMs: Math.round(result.seconds * 1000),
    findings: findings.map((finding) => ({
      ...finding,
      value: finding.value === null ? null : Number(finding.value.toFixed(4)),
    })),
    load: result.load === null ? null : report.load,
    events: report.events,
    lanes: report.lanes,
  };
}
