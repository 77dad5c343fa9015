/**
 * Checks of options as users give them. Each throws a RangeError that names the option and says
 * what is allowed.
 */
import { checkDiscoveryOptions, type DiscoveryOptions } from "../../discovery/index.ts";

const DISCOVERY_NAMES: readonly string[] = [
  ...(["kubeconfig", "context", "namespace", "objects", "node", "zone"] as const),
] satisfies (keyof DiscoveryOptions)[];

/**
 * The option `kubernetes`, or none of its options when it is not given.
 *
 * @param name what the option is called, for the sentence.
 * @throws also OptionsError when two of them exclude each other.
 */
export function discoveryOptions(name: string, given: unknown): DiscoveryOptions {
  if (given === undefined) return {};
  checkNames(name, given as object, DISCOVERY_NAMES);
  for (const [each, value] of Object.entries(given as object)) text(`${name}.${each}`, value);
  checkDiscoveryOptions(given as DiscoveryOptions);
  return given as DiscoveryOptions;
}

/** @param what the options belong to, for the sentence. */
export function checkNames(what: string, given: object, allowed: readonly string[]): void {
  if (typeof given !== "object" || given === null)
    throw new RangeError(`${what} must be an object`);
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

function show(value: unknown): string {
  if (typeof value === "number") return String(value);
  return JSON.stringify(value) ?? String(value);
}
