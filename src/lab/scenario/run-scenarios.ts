/**
 * `fairlead lab run`: scenarios one after the other, progress as they go, a report, an exit code.
 *
 * Where one of them wants a network namespace and there can be one, all of it runs in one
 * (`netns.ts`): those that want none have loopback there as they have outside.
 */
import type { Clock, Logger } from "../../base/index.ts";
import { LabError } from "../error.ts";
import { fairleadCommand } from "../places.ts";
import { runInNetns, whyNoNetns } from "../system/netns.ts";
import { enterNetns } from "../system/netns-inside.ts";
import type { OutputStyle } from "../terminal/table-pen.ts";
import { allBuiltIn, type FoundScenario, findScenarios } from "./find-scenarios.ts";
import { fitnessOf, wantsNetns } from "./fitness.ts";
import { type Progress, progressOf } from "./progress.ts";
import { reportText, type ScenarioOutput } from "./report.ts";
import type { RunResult, ScenarioResult } from "./result.ts";
import { runScenario } from "./run-scenario.ts";

/** What to run. */
export interface ScenarioOptions {
  /** Names and paths; empty for all that are built in. */
  readonly words: readonly string[];
  /** In seconds rather than minutes: for tests. */
  readonly isShort: boolean;
  /** One that is skipped is a failure, too. */
  readonly isRequired: boolean;
  /** All in a network namespace of the lab's own, also those that ask for none. */
  readonly hasNetns: boolean;
  /** So many run at the same time. */
  readonly jobs: number;
  readonly output: ScenarioOutput;
}

/** What it needs of its process. */
export interface ScenariosDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly stdout: { write(text: string): unknown };
  /** Where progress is drawn: one line, drawn again and again, on a terminal. */
  readonly stderr: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly style: OutputStyle;
  /** Aborted when the user wants it to end. */
  readonly stop: AbortSignal;
  /** The `fairlead` command for lanes that need it; `bin/fairlead` unless given. */
  readonly fairlead?: readonly string[];
  /** CPUs, Node and system, for reports. */
  readonly machine: string;
}

/** Why a lab of a scenario is in no namespace of its own when it asks for none. */
const NOT_ASKED = "needs --netns: rules of the kernel in a network namespace of its own";

/**
 * Runs them and prints. Resolves with the exit code: 0 when all was seen as it is documented.
 * Throws `LabError` when a scenario cannot be found or read, or there can be no
 * namespace where one is asked for; nothing has run then.
 */
export async function runScenarios(options: ScenarioOptions, deps: ScenariosDeps): Promise<number> {
  const { words } = options;
  const found = words.length === 0 ? await allBuiltIn() : await findScenarios(words);
  const why = whyNoNetns();
  if (options.hasNetns && why !== null) throw new LabError(why);
  if (why === null && (options.hasNetns || found.some(({ scenario }) => wantsNetns(scenario)))) {
    const inside = await enterNetns();
    if (inside === null) return runInNetns(deps.stop);
    const stop = AbortSignal.any([deps.stop, inside.stop]);
    return runHere(found, null, options, { ...deps, stop });
  }
  return runHere(found, why, options, deps);
}

async function runHere(
  found: readonly FoundScenario[],
  whyNot: string | null,
  { isShort, isRequired, hasNetns, jobs, output }: ScenarioOptions,
  deps: ScenariosDeps,
): Promise<number> {
  const progress = progressOf(deps, found.length);
  const ended = new Map<number, ScenarioResult>();
  const waiting = [...found.entries()];
  const work = async (): Promise<void> => {
    for (;;) {
      const next = waiting.shift();
      if (next === undefined || deps.stop.aborted) return;
      const result = await runOne(next[1], { whyNot, hasNetns, isShort }, { ...deps, progress });
      ended.set(next[0], result);
      progress.ended(result);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  progress.close();
  const results = [...found.keys()].flatMap((index) => ended.get(index) ?? []);
  const run: RunResult = { results, isShort, machine: deps.machine };
  deps.stdout.write(reportText(run, output, deps.style));
  const isFine = results.every(
    ({ outcome }) => outcome === "shown" || (outcome === "skipped" && !isRequired),
  );
  return isFine && results.length === found.length ? 0 : 1;
}

type OneOptions = Pick<ScenarioOptions, "hasNetns" | "isShort"> & {
  /** Why there is no network namespace, or null. */
  readonly whyNot: string | null;
};

async function runOne(
  { scenario, file }: FoundScenario,
  { whyNot, hasNetns, isShort }: OneOptions,
  { progress, clock, fairlead = fairleadCommand(), stop }: ScenariosDeps & { progress: Progress },
): Promise<ScenarioResult> {
  const whyNoNetns = hasNetns || wantsNetns(scenario) ? whyNot : NOT_ASKED;
  const fitness = fitnessOf(scenario, whyNoNetns);
  if (fitness.why !== null) {
    return {
      ...{ scenario, file, outcome: "skipped", reason: fitness.why, isInNetns: false },
      ...{ findings: [], lanes: [], events: [], load: null, loadSeconds: 0, seconds: 0 },
      startedMs: clock.wallMs(),
    };
  }
  const result = await runScenario(scenario, isShort, fitness, {
    ...{ clock, fairlead, whyNoNetns, stop },
    onProgress: (text, seconds, of) => progress.at(scenario, text, seconds, of),
  });
  return { ...result, file };
}
