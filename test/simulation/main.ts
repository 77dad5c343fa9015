/**
 * `npm run simulate`: runs scenarios in virtual time and prints what they find; all of them, with
 * nothing said, are written to `docs/simulation.md` with their charts.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { HEAD } from "./report/head.ts";
import { pageMarkdown, type Reported } from "./report/markdown.ts";
import { isMet } from "./report/report.ts";
import { chartSvg } from "./report/svg.ts";
import { reportText } from "./report/text.ts";
import { SCENARIOS } from "./scenarios/index.ts";

const DOCS = join(import.meta.dirname, "..", "..", "docs");
/** The seed of the page. */
const SEED_DEFAULT = 1;

const USAGE = `Usage: npm run simulate -- [--scenario NAME]... [--seed N] [--list] [--short]
  --scenario NAME  only this one, and no page is written; may be repeated
  --seed N         another world; the same seed gives the same figures. Default ${SEED_DEFAULT}
  --short          less of everything, as in npm test
  --list           names of the scenarios`;

interface Options {
  readonly names: readonly string[];
  readonly seed: number;
  readonly isShort: boolean;
}

/** Null when there is nothing to run; a string is what is wrong. */
function parse(argv: string[]): Options | string | null {
  const { values } = parseArgs({
    args: argv,
    options: {
      scenario: { type: "string", multiple: true, default: [] },
      seed: { type: "string", default: String(SEED_DEFAULT) },
      short: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "";
  if (values.list) {
    for (const { name, title } of SCENARIOS) console.log(`${name}: ${title}`);
    return null;
  }
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) {
    return `--seed ${values.seed}: must be a whole number from 0 up`;
  }
  const known = SCENARIOS.map(({ name }) => name);
  const unknown = values.scenario.find((name) => !known.includes(name));
  if (unknown !== undefined) return `--scenario ${unknown}: known are ${known.join(", ")}`;
  return { names: values.scenario, seed, isShort: values.short };
}

function simulate({ names, seed, isShort }: Options): Reported[] {
  const chosen = SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name));
  console.log(`seed ${seed}`);
  return chosen.map((scenario) => {
    console.log(`\n${scenario.title} (${scenario.name})`);
    const startedMs = performance.now();
    const progress = (text: string) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K  ${text} ...`);
    };
    const report = scenario.run({ seed, isShort, progress });
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    console.log(`\n${reportText(report)}`);
    console.log(`\n  took ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
    return { scenario, report };
  });
}

function writePage(all: readonly Reported[], seed: number): void {
  const folder = join(DOCS, "simulation");
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (file.endsWith(".svg")) rmSync(join(folder, file));
  for (const { report } of all) {
    for (const chart of report.charts) {
      writeFileSync(join(folder, `${chart.name}.svg`), chartSvg(chart));
    }
  }
  writeFileSync(join(DOCS, "simulation.md"), pageMarkdown(HEAD, all, seed));
  console.log("\nwritten: docs/simulation.md and its charts");
}

function main(argv: string[]): number {
  let options: Options | string | null;
  try {
    options = parse(argv);
  } catch (error) {
    options = (error as Error).message;
  }
  if (options === null) return 0;
  if (typeof options === "string") {
    if (options !== "") console.error(`simulate: ${options}`);
    console.log(USAGE);
    return options === "" ? 0 : 2;
  }
  const all = simulate(options);
  if (options.names.length === 0 && !options.isShort) writePage(all, options.seed);
  const missed = all.flatMap(({ report }) => report.checks).filter((check) => !isMet(check));
  for (const { what } of missed) console.error(`simulate: missed: ${what}`);
  return missed.length > 0 ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
