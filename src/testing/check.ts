/**
 * What is wrong with what a user passes, in one sentence that names it and says what is allowed.
 */
import { isIPv4, isIPv6 } from "node:net";
import { inspect } from "node:util";

/** Throws a RangeError when `given` is no object, or has a key that is not among `allowed`. */
export function checkKeys(what: string, given: unknown, allowed: readonly string[]): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new RangeError(`${what}: ${show(given)}, must be an object`);
  }
  const other = Object.keys(given).find((key) => !allowed.includes(key));
  if (other === undefined) return;
  throw new RangeError(`${what}: unknown option ${other}: allowed are ${allowed.join(", ")}`);
}

/** A whole number in a range. */
export function checkWhole(what: string, given: unknown, min: number, max: number): number {
  if (Number.isInteger(given) && (given as number) >= min && (given as number) <= max) {
    return given as number;
  }
  throw new RangeError(`${what}: ${show(given)}, must be a whole number from ${min} to ${max}`);
}

/** A number in a range. */
export function checkNumber(what: string, given: unknown, min: number, max: number): number {
  if (typeof given === "number" && given >= min && given <= max) return given;
  throw new RangeError(`${what}: ${show(given)}, must be a number from ${min} to ${max}`);
}

/** True or false. */
export function checkFlag(what: string, given: unknown): boolean {
  if (typeof given === "boolean") return given;
  throw new RangeError(`${what}: ${show(given)}, must be true or false`);
}

/** A string. */
export function checkText(what: string, given: unknown): string {
  if (typeof given === "string") return given;
  throw new RangeError(`${what}: ${show(given)}, must be a string`);
}

/** An object whose values are strings. */
export function checkTexts(what: string, given: unknown): Readonly<Record<string, string>> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new RangeError(`${what}: ${show(given)}, must be an object`);
  }
  for (const [key, value] of Object.entries(given)) checkText(`${what}: ${key}`, value);
  return given as Readonly<Record<string, string>>;
}

/** One of a few words. */
export function checkWord(what: string, given: unknown, allowed: readonly string[]): void {
  if (allowed.includes(given as string)) return;
  throw new RangeError(`${what}: ${show(given)}, must be one of ${allowed.join(", ")}`);
}

/** Something to be called. */
export function checkFunction(what: string, given: unknown): void {
  if (typeof given === "function") return;
  throw new RangeError(`${what}: ${show(given)}, must be a function`);
}

/** "127.0.0.1:80" or "[::1]:80" in its parts. */
export function checkAddress(what: string, given: unknown): { ip: string; port: number } {
  const [, host = "", port = ""] =
    /^(.*):(\d{1,5})$/.exec(typeof given === "string" ? given : "") ?? [];
  const ip = /^\[(.*)\]$/.exec(host)?.[1] ?? host;
  const isIp = host === ip ? isIPv4(ip) : isIPv6(ip);
  if (isIp && Number(port) >= 1 && Number(port) <= 65_535) return { ip, port: Number(port) };
  throw new RangeError(`${what}: ${show(given)}, must be IP:PORT or [IPV6]:PORT`);
}

/** As it stands in a sentence. */
export function show(value: unknown): string {
  if (typeof value === "string") return `"${value}"`;
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 0, maxArrayLength: 3 });
}
