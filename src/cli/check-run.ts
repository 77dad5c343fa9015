/**
 * `fairlead check` at work: asks the API server what discovery needs of it, and prints each answer,
 * with what to do where it is no.
 */
import { type ApiCheck, type CheckStep, checkApiServer } from "../discovery/index.ts";
import type { CheckOptions } from "./check.ts";
import { asCommandError } from "./discovery.ts";
import { createSystem, writeOut } from "./system.ts";

/**
 * Asks and prints.
 * @returns the exit code: 1 when something that is needed does not work.
 * @throws CommandError when no API server is known.
 */
export async function runCheck(options: CheckOptions): Promise<number> {
  const { clock, rng, log } = await createSystem(options);
  const system = { clock, rng, log, env: process.env };
  const check = await checkApiServer(options, system).catch((error) => {
    throw asCommandError(error);
  });
  const isJson = options.output === "json";
  await writeOut(isJson ? `${JSON.stringify(documentOf(check), null, 2)}\n` : textOf(check));
  return check.isGood ? 0 : 1;
}

/** Keys as other programs read them. */
function documentOf({ isGood, steps, ...rest }: ApiCheck) {
  return {
    ok: isGood,
    ...rest,
    checks: steps.map((step) => ({
      name: step.name,
      ok: step.isGood,
      required: !step.isOptional,
      detail: step.detail,
      fix: step.fix,
    })),
  };
}

function textOf({ isGood, namespace, steps }: ApiCheck): string {
  const width = Math.max(...steps.map(({ name }) => name.length));
  const lines = steps.flatMap((step) => [
    `${wordOf(step).padEnd(4)}   ${step.name.padEnd(width)}   ${step.detail}`,
    ...step.fix.map((line) => `${" ".repeat(width + 10)}${line}`),
  ]);
  const verdict = isGood
    ? `discovery works in namespace ${namespace}`
    : `discovery does not work in namespace ${namespace}`;
  return `${[...lines, "", verdict].join("\n")}\n`;
}

/** "warn": discovery can do without. */
function wordOf({ isGood, isOptional }: CheckStep): string {
  if (isGood) return "ok";
  return isOptional ? "warn" : "FAIL";
}
