/**
 * Every scenario in its short form: its figures meet their targets, and a seed is all that they
 * depend on.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formatNumber, isMet, type Report, type Run, targetOf } from "./report/report.ts";
import { SCENARIOS } from "./scenarios/index.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const short = (seed: number): Run => ({ seed, isShort: true, progress: () => {} });
const reports = new Map<string, Report>();

for (const scenario of SCENARIOS) {
  test(`${scenario.name}: ${scenario.title}: the figures meet their targets`, () => {
    const report = scenario.run(short(1));
    reports.set(scenario.name, report);
    assert.ok(report.checks.length > 0 && report.tables.length > 0);
    for (const check of report.checks) {
      const { what, value } = check;
      assert.ok(isMet(check), `${what}: ${formatNumber(value)}, wanted ${targetOf(check)}`);
    }
    for (const { name, series } of report.charts) {
      for (const { points } of series) assert.ok(points.length > 1, name);
    }
  });
}

test("the same seed gives the same report to the last bit, another seed another", () => {
  for (const scenario of SCENARIOS.filter(({ name }) => reports.has(name))) {
    assert.deepEqual(scenario.run(short(1)), reports.get(scenario.name), scenario.name);
  }
  const evenness = SCENARIOS.find(({ name }) => name === "evenness")!;
  assert.notDeepEqual(evenness.run(short(2)), reports.get("evenness"));
});

function simulate(...args: string[]) {
  const main = join(ROOT, "test", "simulation", "main.ts");
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
}

test("the command lists scenarios, refuses what it does not know, and replays a seed", () => {
  assert.equal(simulate("--list").stdout.trim().split("\n").length, SCENARIOS.length);
  for (const [args, complaint] of [
    [["--scenario", "nope"], /--scenario nope: known are evenness, /],
    [["--seed", "x"], /--seed x: must be a whole number from 0 up/],
    [["--nope"], /--nope/],
  ] as const) {
    const { status, stderr } = simulate(...args);
    assert.equal(status, 2);
    assert.match(stderr, complaint);
  }
  const { status, stdout } = simulate("--scenario", "dead-pod", "--short", "--seed", "1");
  assert.equal(status, 0);
  assert.match(stdout, /^seed 1\n/);
  for (const [policy] of reports.get("dead-pod")!.tables[0]!.rows) {
    assert.ok(stdout.includes(String(policy)));
  }
});

test("the page of the full run is there, with a section and the charts of every scenario", () => {
  const page = readFileSync(join(ROOT, "docs", "simulation.md"), "utf8");
  for (const { name, title } of SCENARIOS) {
    assert.ok(page.includes(`## ${title}\n`), title);
    assert.ok(page.includes(`npm run simulate -- --scenario ${name} --seed `));
  }
  const charts = [...page.matchAll(/\(simulation\/([\w-]+\.svg)\)/g)].map(([, file]) => file!);
  assert.ok(charts.length > 0);
  for (const file of charts) assert.ok(existsSync(join(ROOT, "docs", "simulation", file)), file);
});
