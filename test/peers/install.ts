/**
 * `npm run peers [bench]`: installs the real programs that the tests (and, with `bench`, the
 * benchmarks) run against, into `.peers/`. A second run takes a moment.
 *
 * One recipe that fails does not stop the others; the exit code is then 1 and the reasons come
 * last.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { takeLock } from "./lock.ts";
import { peersDir } from "./paths.ts";
import { follow, type Outcome, type Recipe } from "./recipe.ts";
import { benchRecipes, testRecipes } from "./recipes.ts";

const USAGE = "usage: npm run peers [-- bench]";

async function main(args: readonly string[]): Promise<number> {
  const [set, ...rest] = args;
  if (rest.length > 0 || (set !== undefined && set !== "bench")) {
    console.error(`peers: unknown argument ${JSON.stringify(rest[0] ?? set)}; ${USAGE}`);
    return 2;
  }
  mkdirSync(peersDir, { recursive: true });
  const release = await takeLock(join(peersDir, "lock"), (pid) =>
    console.log(`peers: process ${pid} is installing; waiting for it ...`),
  );
  try {
    return await install([...testRecipes(), ...(set === "bench" ? benchRecipes() : [])]);
  } finally {
    release();
  }
}

async function install(recipes: readonly Recipe[]): Promise<number> {
  const failures: string[] = [];
  const startedAt = performance.now();
  const width = Math.max(...recipes.map((recipe) => recipe.name.length));
  for (const recipe of recipes) {
    const name = recipe.name.padEnd(width);
    const outcome = await follow(recipe);
    console.log(`peers: ${name}  ${describe(outcome).padEnd(16)} ${recipe.makes}`);
    if (outcome.kind === "failed") failures.push(`${recipe.name}: ${outcome.reason}`);
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (failures.length === 0) {
    console.log(`peers: all ${recipes.length} recipes done in ${seconds} s`);
    return 0;
  }
  for (const failure of failures) console.error(`\npeers: FAILED ${failure.trimEnd()}`);
  console.error(`\npeers: ${failures.length} of ${recipes.length} recipes failed in ${seconds} s`);
  return 1;
}

function describe(outcome: Outcome): string {
  if (outcome.kind === "upToDate") return "up to date";
  const seconds = `${(outcome.durationMs / 1000).toFixed(1)} s`;
  return outcome.kind === "made" ? `ok in ${seconds}` : `FAILED in ${seconds}`;
}

process.exitCode = await main(process.argv.slice(2));
