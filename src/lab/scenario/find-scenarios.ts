/** The scenarios that a command line names: words of built-in ones, and paths of files. */
import { readFile } from "node:fs/promises";
import { didYouMean } from "../../base/index.ts";
import { BUILT_IN_NAMES, builtInText } from "./built-in.ts";
import { ScenarioError, ScenarioFileError } from "./problems.ts";
import { readScenario } from "./read-scenario.ts";
import { SCENARIO_BYTES_MAX, type Scenario } from "./scenario.ts";

/** One that was found. */
export interface FoundScenario {
  readonly scenario: Scenario;
  /** Its path, or null for one that is built in. */
  readonly file: string | null;
}

/** Names of scenarios on one command line. */
const NAMED_MAX = 200;

/** All that are built in. */
export function allBuiltIn(): Promise<readonly FoundScenario[]> {
  return Promise.all(BUILT_IN_NAMES.map((name) => findOne(name)));
}

/**
 * Those that are named, in that order, each once. Throws `ScenarioError` with all that is wrong
 * with all of them: nothing runs then.
 */
export async function findScenarios(words: readonly string[]): Promise<readonly FoundScenario[]> {
  if (words.length > NAMED_MAX) {
    throw new ScenarioError(`${words.length} scenarios: at most ${NAMED_MAX} are run at once`);
  }
  const found: FoundScenario[] = [];
  const problems: string[] = [];
  for (const word of new Set(words)) {
    try {
      found.push(await findOne(word));
    } catch (error) {
      if (!(error instanceof ScenarioError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new ScenarioError(problems.join("\n"));
  return found;
}

async function findOne(word: string): Promise<FoundScenario> {
  const builtIn = await builtInText(word);
  if (builtIn !== null) return { scenario: readScenario(builtIn, `${word}.yaml`), file: null };
  return { scenario: readScenario(await textOf(word), word), file: word };
}

async function textOf(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > SCENARIO_BYTES_MAX) {
      const sentence = `${bytes.length} bytes: a scenario has at most ${SCENARIO_BYTES_MAX}`;
      throw new ScenarioFileError(path, [{ line: 1, column: 1, sentence }]);
    }
    return bytes.toString("utf8");
  } catch (error) {
    if (error instanceof ScenarioError) throw error;
    throw new ScenarioError(unread(path, error as NodeJS.ErrnoException));
  }
}

/** A word that is no path was meant as a name. */
function unread(path: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT" && !/[/\\.]/.test(path)) {
    const hint = didYouMean(path, BUILT_IN_NAMES);
    return `${path}: no scenario of this name and no file; there are ${BUILT_IN_NAMES.join(", ")}${hint}`;
  }
  const why = { ENOENT: "no such file", EISDIR: "it is a directory", EACCES: "it may not be read" };
  return `${path}: cannot be read: ${why[code as keyof typeof why] ?? message}`;
}
