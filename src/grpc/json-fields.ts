/**
 * Fields of a service config after `JSON.parse`, each read with a check that names it by its path.
 */
import { cut, isJsonObject, type Json } from "../base/index.ts";
import { Status } from "./status.ts";

/** Service config is malformed. The message names the field by its path. */
export class ServiceConfigError extends Error {
  override readonly name = "ServiceConfigError";

  /** @param path "" for the config as a whole. */
  constructor(path: string, why: string) {
    super(path === "" ? `service config ${why}` : `service config: ${path} ${why}`);
  }
}

/** A JSON object. */
export type Fields = Json;

const SHOWN_CHARS_MAX = 64;

/** A text of a config as it stands in an error. */
export function shortened(text: string): string {
  return cut(text, SHOWN_CHARS_MAX);
}

/** @throws ServiceConfigError: the field at `path` must be what `allowed` says. */
export function refuse(path: string, value: unknown, allowed: string): never {
  const shown = shortened(shownOf(value));
  throw new ServiceConfigError(path, `is ${shown}, must be ${allowed}`);
}

/**
 * What is nested too deep to be written is no value that anybody wants to read. Numbers that are
 * too large for a double, such as 1e400, are Infinity after `JSON.parse`; JSON would say null.
 */
function shownOf(value: unknown): string {
  if (isBoundless(value)) return String(value);
  try {
    return (
      JSON.stringify(value, (_, part) => (isBoundless(part) ? String(part) : part)) ?? "missing"
    );
  } catch {
    return typeof value;
  }
}

function isBoundless(value: unknown): boolean {
  return typeof value === "number" && !Number.isFinite(value);
}

/** A JSON object at a path. */
export function fieldsAt(value: unknown, path: string): Fields {
  if (isJsonObject(value)) return value;
  return refuse(path, value, "an object");
}

/** A list at a path; an empty one when it is absent. */
export function listAt(value: unknown, path: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : refuse(path, value, "a list");
}

/** Text at a path; "" when it is absent. */
export function textAt(value: unknown, path: string): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : refuse(path, value, "a string");
}

/** A boolean, or null when it is absent. */
export function booleanAt(value: unknown, path: string): boolean | null {
  if (value === undefined || value === null) return null;
  return typeof value === "boolean" ? value : refuse(path, value, "a boolean");
}

/** A whole number from `min` to `max`; null when it is absent. */
export function countAt(value: unknown, path: string, min: number, max: number): number | null {
  if (value === undefined || value === null) return null;
  const isCount = Number.isSafeInteger(value) && (value as number) >= min;
  if (isCount && (value as number) <= max) return value as number;
  return refuse(path, value, `a whole number from ${min} to ${max}`);
}

/** Refuses fields that nobody knows, where a name can only be a typo. */
export function checkNames(fields: Fields, known: readonly string[], path: string): void {
  for (const name of Object.keys(fields)) {
    if (known.includes(name)) continue;
    throw new ServiceConfigError(`${path}.${name}`, `is unknown: known are ${known.join(", ")}`);
  }
}

/** A whole number, or one as text, as protobuf writes its wide integers in JSON; null: absent. */
export function bytesAt(value: unknown, path: string): number | null {
  if (value === undefined || value === null) return null;
  const bytes = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  if (Number.isSafeInteger(bytes) && (bytes as number) >= 0) return bytes as number;
  return refuse(path, value, "a whole number of bytes");
}

/** Seconds with up to nine decimals, and an "s": the JSON of a protobuf Duration. */
const DURATION = /^(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** protobuf's Duration: "Must be from -315,576,000,000 to +315,576,000,000 inclusive." */
const DURATION_SECONDS_MAX = 315_576_000_000;

/** "1.5s" as protobuf's JSON has it, or {"seconds": 1, "nanos": 5e8} as older tools write it. */
export function durationMsAt(value: unknown, path: string): number {
  const ms = tryDurationMs(value);
  if (ms === null) return refuse(path, value, 'a duration such as "1.5s"');
  if (ms <= DURATION_SECONDS_MAX * 1_000) return ms;
  return refuse(path, value, `no more than ${DURATION_SECONDS_MAX}s`);
}

function tryDurationMs(value: unknown): number | null {
  if (typeof value === "string") {
    const match = DURATION.exec(value);
    const nanos = Number((match?.[2] ?? "").padEnd(9, "0"));
    if (match !== null) return Number(match[1]) * 1_000 + nanos / 1_000_000;
  } else if (isJsonObject(value)) {
    const { seconds, nanos = 0 } = value;
    const isWhole = (each: unknown) =>
      Number.isSafeInteger(each) || (typeof each === "string" && /^\d{1,12}$/.test(each));
    const ms = Number(seconds ?? 0) * 1_000 + Number(nanos) / 1_000_000;
    const isSaid =
      isWhole(seconds ?? 0) && isWhole(nanos) && (seconds !== undefined || nanos !== 0);
    if (isSaid && ms >= 0 && Number(nanos) >= 0) return ms;
  }
  return null;
}

/** The same; null when it is absent or null, as in all JSON of protobuf. */
export function timeMsAt(value: unknown, path: string): number | null {
  return value === undefined || value === null ? null : durationMsAt(value, path);
}

/** A number from `min` to `max`, with or without a fraction. */
export function numberWithin(value: unknown, path: string, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  return refuse(path, value, `a number from ${min} to ${max}`);
}

/** Status codes as numbers, or as names in any case. */
export function statusesAt(value: unknown, path: string): Status[] {
  return listAt(value, path).map((code, i) => {
    const at = `${path}[${i}]`;
    const isName = typeof code === "string";
    const status = isName ? Status[code.toUpperCase() as keyof typeof Status] : code;
    const isStatus = (Object.values(Status) as unknown[]).includes(status);
    // No call that went well is ever made again, whatever a config says.
    if (isStatus && status !== Status.OK) return status as Status;
    return refuse(at, code, 'a status code other than OK, such as "UNAVAILABLE"');
  });
}
