/** What is wrong with a scenario file: all of it, each at its place. */
import { LabError } from "../error.ts";

/** One thing. */
export interface Problem {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** Names the key, the value and what is allowed, without a full stop. */
  readonly sentence: string;
}

/** So many are told of a file; the rest is a number. */
const PROBLEMS_MAX = 50;

/** What was named and cannot be run: a line for each reason. Nothing has run. */
export class ScenarioError extends LabError {}

/** A file that is no scenario; the message has a line for each problem, in its order. */
export class ScenarioFileError extends ScenarioError {
  readonly file: string;
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const ordered = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const told = ordered.slice(0, PROBLEMS_MAX);
    const lines = told.map(
      ({ line, column, sentence }) => `${file}:${line}:${column}: ${sentence}`,
    );
    const more = ordered.length - told.length;
    super([...lines, ...(more > 0 ? [`${file}: ${more} more`] : [])].join("\n"));
    this.file = file;
    this.problems = ordered;
  }
}
