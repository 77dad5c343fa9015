/**
 * Mistakes on the command line: what a verb throws, and how a flag's value is checked.
 *
 * The line that a user sees names the flag, the value and what is allowed; `main.ts` prints it
 * behind "fairlead: " and exits with 2.
 */
import { type Command, Option } from "commander";

/** A mistake of the user: printed as one line, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Something could not be done: printed as one line, exit code 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** Options that may be given several times. */
const REPEATABLE = new WeakSet<Option>();

/** An option whose value `parse` checks; `flags` as commander takes them, "--workers <n>". */
export function valueOption<T>(
  flags: string,
  description: string,
  parse: (flag: string, text: string) => T,
): Option {
  const flag = longFlag(flags);
  return new Option(flags, description).argParser((text: string) => {
    refuseFlag(flag, text);
    return parse(flag, text);
  });
}

/** The same for an option that may be given several times; yields an array. */
export function listOption<T>(
  flags: string,
  description: string,
  parse: (flag: string, text: string) => T,
): Option {
  const flag = longFlag(flags);
  const option = new Option(flags, description);
  REPEATABLE.add(option);
  return option.argParser((text: string, earlier: T[] | undefined) => {
    refuseFlag(flag, text);
    return [...(earlier ?? []), parse(flag, text)];
  });
}

/** No value begins so: it was left out, and the next option was taken for it. */
function refuseFlag(flag: string, text: string): void {
  if (text.startsWith("--")) throw new UsageError(`${flag}: its value is missing before ${text}`);
}

/**
 * Makes it a mistake to give an option with a value twice (one of the two would be dropped without
 * a word), or without its value. Called when `command` has all its options.
 */
export function refuseRepeats(command: Command): void {
  for (const option of command.options) {
    if (REPEATABLE.has(option) || option.isBoolean() || option.negate) continue;
    let isGiven = false;
    command.on(`option:${option.name()}`, (text: string) => {
      refuseFlag(option.long ?? option.flags, text);
      if (isGiven) throw new UsageError(`${option.long} is given twice: it takes one value`);
      isGiven = true;
    });
  }
}

/** The error for a value: `--workers "x": must be a whole number from 1 to 128`. */
export function badValue(flag: string, text: string, allowed: string): UsageError {
  return new UsageError(`${flag} ${JSON.stringify(text)}: must be ${allowed}`);
}

/** A parser of whole numbers within bounds, inclusive. */
export function wholeNumber(bounds: { readonly min: number; readonly max: number }) {
  return (flag: string, text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= bounds.min && value <= bounds.max) return value;
    throw badValue(flag, text, `a whole number from ${bounds.min} to ${bounds.max}`);
  };
}

/** A parser of seconds, with fractions, to milliseconds within bounds, inclusive. */
export function secondsAsMs(boundsMs: { readonly min: number; readonly max: number }) {
  return (flag: string, text: string): number => {
    const valueMs = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) * 1000 : Number.NaN;
    if (valueMs >= boundsMs.min && valueMs <= boundsMs.max) return valueMs;
    const [min, max] = [boundsMs.min / 1000, boundsMs.max / 1000];
    throw badValue(flag, text, `a number of seconds from ${min} to ${max}`);
  };
}

/** A parser of one of several words. */
export function oneOf<T extends string>(words: readonly T[]) {
  return (flag: string, text: string): T => {
    const word = words.find((one) => one === text);
    if (word !== undefined) return word;
    throw badValue(flag, text, `one of ${words.join(", ")}`);
  };
}

/** Calls `parse`; the message of what it throws is put behind the flag, "" for none. */
export function underFlag<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(flag === "" ? message : `${flag}: ${message}`);
  }
}

function longFlag(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}
