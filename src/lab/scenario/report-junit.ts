/**
 * The report as JUnit XML, as CI systems read it: a suite for each scenario, a case for each thing
 * that was to be seen. Attributes and their order in the tree are those of Jenkins' junit-10.xsd.
 * Pure.
 */
import type { Finding, RunResult, ScenarioResult } from "./result.ts";

/** The whole text. */
export function junitText({ results }: RunResult): string {
  const suites = results.map(suiteOf);
  // The schema counts those that were skipped in each suite, and not in all together.
  const { skipped: _, ...counts } = countsOf(suites.flatMap(({ cases }) => cases));
  const time = results.reduce((sum, { seconds }) => sum + seconds, 0);
  const attributes = { name: "fairlead lab run", ...counts, time: time.toFixed(3) };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    element("testsuites", attributes, suites.map(({ text }) => text).join("")),
    "",
  ].join("\n");
}

/** A case of a suite, and what became of it. */
interface Case {
  readonly name: string;
  readonly fate: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly message: string;
}

function suiteOf(result: ScenarioResult): { text: string; cases: readonly Case[] } {
  const { scenario, lanes, seconds, startedMs } = result;
  const cases = casesOf(result);
  // Nobody knows what part of the time is whose: the first case has all of it.
  const inner = cases.map((each, index) => caseText(each, scenario.name, index ? 0 : seconds));
  const verdicts = lanes.map(({ name, verdict }) => `${name}: ${verdict}\n`).join("");
  const out = verdicts === "" ? "" : element("system-out", {}, escaped(verdicts));
  const attributes = {
    ...{ name: scenario.name, ...countsOf(cases), time: seconds.toFixed(3) },
    timestamp: new Date(startedMs).toISOString().replace(/\.\d+Z$/, ""),
  };
  return { text: element("testsuite", attributes, inner.join("") + out), cases };
}

function casesOf({ scenario, outcome, reason, findings }: ScenarioResult): readonly Case[] {
  if (outcome === "skipped") {
    return [{ name: scenario.title, fate: "skipped", message: reason ?? "" }];
  }
  const cases = findings.map(caseOf);
  if (reason === null) return cases;
  return [{ name: "runs to its end", fate: "failed", message: reason }, ...cases];
}

function caseOf({ lane, when, seen, documented, isMet, skipped, because }: Finding): Case {
  const name = `${lane}: ${documented}${when === "" ? "" : ` (${when})`}`;
  if (skipped !== null) return { name, fate: "skipped", message: skipped };
  if (isMet) return { name, fate: "passed", message: "" };
  const reason = because === "" ? "" : `: ${because}`;
  return { name, fate: "failed", message: `seen: ${seen}; documented: ${documented}${reason}` };
}

function caseText({ name, fate, message }: Case, scenario: string, seconds: number): string {
  const attributes = { name, classname: `fairlead.lab.${scenario}`, time: seconds.toFixed(3) };
  if (fate === "passed") return element("testcase", attributes, "");
  const inner =
    fate === "failed"
      ? element("failure", { message, type: "not-as-documented" }, escaped(message))
      : element("skipped", { message }, "");
  return element("testcase", attributes, inner);
}

function countsOf(cases: readonly Case[]) {
  const count = (fate: Case["fate"]): string =>
    String(cases.filter((each) => each.fate === fate).length);
  return {
    ...{ tests: String(cases.length), failures: count("failed"), errors: "0" },
    skipped: count("skipped"),
  };
}

function element(name: string, attributes: Record<string, string>, inner: string): string {
  const said = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const open = `<${name}${said.join("")}`;
  return inner === ""
    ? `${open}/>\n`
    : `${open}>\n${inner}${inner.endsWith("\n") ? "" : "\n"}</${name}>\n`;
}

/** For text and attributes; what XML 1.0 has no place for is "?". */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r -\uD7FF\uE000-\uFFFD]/g, "?")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");
}
