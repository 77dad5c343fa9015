/**
 * Checks of options as users give them. Each throws a RangeError that names the option and says
 * what is allowed.
 */
import { cut, type Logger } from "../../base/index.ts";
import { checkDiscoveryOptions, type DiscoveryOptions } from "../../discovery/index.ts";

const DISCOVERY_NAMES: readonly string[] = [
  ...(["kubeconfig", "context", "namespace", "objects", "node", "zone"] as const),
] satisfies (keyof DiscoveryOptions)[];

/** Longer than any host name with its port, and than any path of a socket. */
const AUTHORITY_CHARS_MAX = 1_024;
const AUTHORITY = /^[!-~]+$/;
/** Characters of a wrong value that are shown. */
const SHOWN_MAX = 200;

/**
 * The option `kubernetes`, or none of its options when it is not given.
 *
 * @param name what the option is called, for the sentence.
 * @throws also OptionsError when two of them exclude each other.
 */
export function discoveryOptions(name: string, given: unknown): DiscoveryOptions {
  if (given === undefined) return {};
  checkNames(name, given, DISCOVERY_NAMES);
  for (const [each, value] of Object.entries(given)) text(`${name}.${each}`, value);
  checkDiscoveryOptions(given as DiscoveryOptions);
  return given as DiscoveryOptions;
}

/** An object that is no list. */
export function checkObject(name: string, given: unknown): asserts given is object {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return;
  throw new RangeError(`${name} is ${show(given)}, must be an object`);
}

/** @param what the options belong to, for the sentence. */
export function checkNames(
  what: string,
  given: unknown,
  allowed: readonly string[],
): asserts given is object {
  checkObject(what, given);
  for (const name of Object.keys(given)) {
    if (allowed.includes(name)) continue;
    throw new RangeError(`${what}: unknown option ${name}: allowed are ${allowed.join(", ")}`);
  }
}

/** A whole number from `min` on, or `otherwise` when nothing is given. */
export function wholeNumber(name: string, given: unknown, otherwise: number, min: number): number {
  if (given === undefined) return otherwise;
  if (Number.isSafeInteger(given) && (given as number) >= min) return given as number;
  throw new RangeError(`${name} is ${show(given)}, must be a whole number, ${min} or more`);
}

/** As `wholeNumber`, or Infinity for no limit. */
export function limitNumber(name: string, given: unknown, otherwise: number, min: number): number {
  if (given === Number.POSITIVE_INFINITY) return given;
  if (given === undefined || (Number.isSafeInteger(given) && (given as number) >= min)) {
    return (given as number | undefined) ?? otherwise;
  }
  throw new RangeError(
    `${name} is ${show(given)}, must be a whole number, ${min} or more, or Infinity`,
  );
}

/** A boolean, or `otherwise`. */
export function flag(name: string, given: unknown, otherwise: boolean): boolean {
  if (given === undefined) return otherwise;
  if (typeof given === "boolean") return given;
  throw new RangeError(`${name} is ${show(given)}, must be true or false`);
}

/** Text, or null. */
export function text(name: string, given: unknown): string | null {
  if (given === undefined) return null;
  if (typeof given === "string" && given !== "") return given;
  throw new RangeError(`${name} is ${show(given)}, must be a string that is not empty`);
}

/** What goes into `:authority`; null when nothing is given. */
export function authorityText(name: string, given: unknown): string | null {
  const authority = text(name, given);
  if (authority === null) return null;
  if (authority.length > AUTHORITY_CHARS_MAX) {
    const allowed = `${AUTHORITY_CHARS_MAX} characters at most`;
    throw new RangeError(`${name} has ${authority.length} characters, must have ${allowed}`);
  }
  if (AUTHORITY.test(authority)) return authority;
  throw new RangeError(`${name} is ${show(authority)}, must be printable ASCII without spaces`);
}

const LOGGER_METHODS = [
  ...(["trace", "debug", "info", "warn", "error", "child"] as const),
] satisfies (keyof Logger)[];

/** A logger with all of its methods, or null. */
export function logger(name: string, given: unknown): Logger | null {
  if (given === undefined) return null;
  checkObject(name, given);
  const missing = LOGGER_METHODS.find(
    (method) => typeof (given as Partial<Logger>)[method] !== "function",
  );
  if (missing === undefined) return given as Logger;
  throw new RangeError(`${name} must have the functions ${LOGGER_METHODS.join(", ")}`);
}

/** A value for a sentence, whatever it is; cut when it is long. Never throws. */
export function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" || typeof value === "symbol") return String(value);
  if (typeof value === "function") return "a function";
  try {
    return cut(JSON.stringify(value) ?? String(value), SHOWN_MAX);
  } catch {
    // It leads back to itself, holds a bigint, or throws when it is read.
    return "an object";
  }
}
