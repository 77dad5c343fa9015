/**
 * docs/balancing.md says what is so: every config in it is taken, the defaults that it shows are
 * the defaults, the bounds are where it says, and a failover is split as in its table.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  balancingFromServiceConfig,
  KNOWN_POLICY_NAMES,
  levelShares,
  parsePolicy,
} from "../../src/balancing/index.ts";
import { DEFAULT_CLUSTER_CONFIG, parseServiceConfig } from "../../src/cluster/index.ts";

type Json = Record<string, unknown>;

const text = readFileSync(new URL("../../docs/balancing.md", import.meta.url), "utf8");

/** What stands between a heading and the next one of any level. */
function chapter(heading: string): string {
  const [, found = ""] = text.split(`\n${heading}\n`);
  assert.notEqual(found, "", `there is a heading ${heading}`);
  return found.split(/\n##+ /)[0]!;
}

/** The configs in a text, as they stand there. */
function blocksOf(markdown: string): string[] {
  return [...markdown.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => json!);
}

/** The rows of the table in a text, as cells, without its head. */
function rowsOf(markdown: string): string[][] {
  const rows = [...markdown.matchAll(/^\| (.*) \|$/gm)];
  return rows.map(([, row]) => row!.split(" | ")).slice(1);
}

test("every service config is taken as it stands", () => {
  const blocks = blocksOf(text);
  assert.ok(blocks.length > 15, "they were found");
  for (const json of blocks) assert.doesNotThrow(() => parseServiceConfig(JSON.parse(json)), json);
});

for (const name of KNOWN_POLICY_NAMES) {
  test(`${name}: its first config has its defaults`, () => {
    const [json] = blocksOf(chapter(`### \`${name}\``));
    const { policy } = parseServiceConfig(JSON.parse(json!)).balancing;
    assert.equal(policy.name, name);
    assert.deepEqual(policy, parsePolicy(name));
  });
}

test("the names with and without the suffix are those", () => {
  const [, list = "", without = ""] =
    /names mean the same: ([^.]*)\. Never with the suffix: ([^.]*)\./.exec(text) ?? [];
  const namesIn = (part: string) => [...part.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  const childPolicy = [{ random: {} }];
  const priority = { priorities: ["any"], children: { any: { config: childPolicy } } };
  const taken = (name: string) =>
    balancingFromServiceConfig({
      loadBalancingConfig: [{ [name]: name.startsWith("priority") ? priority : { childPolicy } }],
    });
  const suffixed = namesIn(list);
  for (const name of suffixed) {
    assert.deepEqual(taken(`${name}_experimental`), taken(name), name);
  }
  for (const name of namesIn(without)) {
    taken(name);
    assert.throws(() => taken(`${name}_experimental`), /no known policy/, name);
  }
  const around = ["outlier_detection", "random_subsetting", "priority"];
  const all = [...KNOWN_POLICY_NAMES, ...around].sort();
  assert.deepEqual([...suffixed, ...namesIn(without)].sort(), all);
});

test("outlier detection: its config has the defaults", () => {
  const [json] = blocksOf(chapter("### Outlier detection"));
  const parts = { successRateEjection: {}, failurePercentageEjection: {}, consecutiveErrors: {} };
  const childPolicy = [{ least_request: {} }];
  const plain = { loadBalancingConfig: [{ outlier_detection: { ...parts, childPolicy } }] };
  const shown = parseServiceConfig(JSON.parse(json!));
  assert.deepEqual(shown, parseServiceConfig(plain));
});

test("random subsetting: its config has the default", () => {
  const [json] = blocksOf(chapter("### Random subsetting"));
  const childPolicy = [{ least_request: {} }];
  const plain = { loadBalancingConfig: [{ random_subsetting: { childPolicy } }] };
  assert.deepEqual(parseServiceConfig(JSON.parse(json!)), parseServiceConfig(plain));
});

test("priority: calls are split as its table says", () => {
  const rows = rowsOf(chapter("### Priority and locality"));
  assert.ok(rows.length > 3, "the table was found");
  for (const [near, far, , ...shares] of rows) {
    const levels = [near!, far!].map((cell) => {
      const [available, total] = cell.split(" of ").map(Number);
      return { available: available!, total: total! };
    });
    const expected = shares.map((cell) => Number(cell.replace(" %", "")));
    const found = levelShares(levels, 1.4).map((share) => Math.round(share * 100));
    assert.deepEqual(found, expected, `${near}, ${far}`);
  }
});

test("cold start: the gate is as long as it says", () => {
  const { timeMs } = DEFAULT_CLUSTER_CONFIG.warmUp;
  assert.ok(chapter("## Cold start").includes(`at the latest ${timeMs} ms`));
});

/** A row of the table of the object `fairlead`. */
interface FieldRow {
  readonly part: string;
  readonly name: string;
  readonly fallback: string;
  readonly allowed: string;
}

const FIELDS: readonly FieldRow[] = rowsOf(chapter("### The object `fairlead`")).map(
  ([path = "", fallback = "", allowed = ""]) => {
    const [part = "", name = ""] = path.replaceAll("`", "").split(".");
    return { part, name, fallback, allowed };
  },
);

/** What the sources make of one field of `fairlead`, or of none. */
function parsed(part: string, fields: Json): Json {
  const required = part === "slowStart" ? { window: "1s" } : {};
  const config = parseServiceConfig({ fairlead: { [part]: { ...required, ...fields } } });
  return (config.extensions as unknown as Record<string, Json>)[part]!;
}

test("fairlead: the table has every field, and the config above it too", () => {
  const [json] = blocksOf(chapter("### The object `fairlead`"));
  const shown = JSON.parse(json!).fairlead as Record<string, Json>;
  const inConfig = Object.entries(shown).flatMap(([part, fields]) =>
    Object.keys(fields).map((name) => `${part}.${name}`),
  );
  const inTable = FIELDS.map(({ part, name }) => `${part}.${name}`);
  assert.deepEqual(inTable, inConfig);
  // What the sources hold beside the path of a field: no part and no field of it is left out.
  const { extensions } = parseServiceConfig({ fairlead: shown });
  assert.deepEqual(Object.keys(extensions).sort(), Object.keys(shown).sort());
  for (const [part, fields] of Object.entries(shown)) {
    const held = Object.keys(parsed(part, fields)).map((name) => name.replace(/Ms$/, ""));
    assert.deepEqual(held.sort(), Object.keys(fields).sort(), part);
  }
});

/** A value as a cell writes it: `0.1s`, `1000`, `""`, `none`. */
function shownValue(cell: string): unknown {
  if (cell === "none") return null;
  if (/^[\d.]+s$/.test(cell)) return cell;
  return JSON.parse(cell);
}

test("fairlead: the defaults are those of the table", () => {
  for (const { part, name, fallback } of FIELDS) {
    const path = `${part}.${name}`;
    if (fallback === "required") {
      const without = { fairlead: { [part]: {} } };
      assert.throws(() => parseServiceConfig(without), new RegExp(path), path);
      continue;
    }
    const value = shownValue(fallback);
    const held = parsed(part, {});
    if (typeof value === "string" && value.endsWith("s")) {
      assert.equal(held[`${name}Ms`], Number.parseFloat(value) * 1_000, path);
    } else assert.equal(held[name], value, path);
  }
});

/** Values that a cell allows, and values beside them. */
function examplesOf(allowed: string): { good: unknown[]; bad: unknown[] } {
  if (allowed === "a string") return { good: ["x"], bad: [1] };
  if (allowed.includes(" or ")) {
    return { good: allowed.split(" or ").map((word) => JSON.parse(word)), bad: ["elsewhere", 1] };
  }
  const seconds = (value: number) => `${value.toFixed(3)}s`;
  const isTime = allowed.endsWith("s");
  const write = (value: number): unknown => (isTime && value >= 0 ? seconds(value) : value);
  const step = isTime ? 0.001 : 1;
  const [low, high] = allowed.replace("above ", "").split(" to ").map(Number.parseFloat);
  assert.ok(low !== undefined && high !== undefined, allowed);
  const lowest = allowed.startsWith("above ") ? low + step : low;
  return { good: [write(lowest), write(high)], bad: [write(lowest - step), write(high + step)] };
}

test("fairlead: the bounds are those of the table", () => {
  for (const { part, name, allowed } of FIELDS) {
    const { good, bad } = examplesOf(allowed);
    for (const value of good) {
      assert.doesNotThrow(() => parsed(part, { [name]: value }), `${part}.${name} ${value}`);
    }
    for (const value of bad) {
      const path = new RegExp(`fairlead\\.${part}\\.${name} `);
      assert.throws(() => parsed(part, { [name]: value }), path, `${part}.${name} ${value}`);
    }
  }
});

/** The cells of a row of a table in another document, by the row's first cells. */
function cellsOf(document: string, heading: string, first: string): string[] | null {
  const whole = readFileSync(new URL(`../../${document}`, import.meta.url), "utf8");
  const [, found] = whole.split(`\n${heading}\n`);
  assert.ok(found !== undefined, `${document} has a heading ${heading}`);
  const lines = found.split(/\n#+ /)[0]!.split("\n");
  const line = lines.find((each) => each.startsWith(`| ${first} |`));
  return line === undefined ? null : line.slice(2, -2).split(" | ");
}

test("which policy: its figures are those of the simulation and of the bench", () => {
  const [, table = ""] = chapter("## Which policy").split("\nFigures of one run ");
  const rows = rowsOf(table);
  assert.deepEqual(
    rows.map(([name]) => name!.replaceAll("`", "")).sort(),
    [...KNOWN_POLICY_NAMES].sort(),
  );
  const simulation = "docs/simulation.md";
  for (const [quoted, ...figures] of rows) {
    const name = quoted!.replaceAll("`", "");
    const evenness = cellsOf(simulation, "## Evenness of each policy", name)!;
    const unequal = cellsOf(simulation, "## Unequal pods", name);
    const slow = cellsOf(simulation, "## A slow pod", name);
    const bench = "# Results of `npm run bench -- picks`";
    const [, , picks] = cellsOf("bench/RESULTS.md", bench, `${name} | 10000`)!;
    const median = /\*\*(.*)\*\*/.exec(picks!)![1];
    const expected = [evenness[1], evenness[4], unequal?.[3] ?? "-", slow?.[1] ?? "-", median];
    assert.deepEqual(figures, expected, name);
  }
});
