/**
 * The parts of a service config that are about calls, checked and in the shape that grpc-js keeps
 * them in (https://github.com/grpc/grpc/blob/master/doc/service_config.md, gRFC A6).
 *
 * grpc-js checks what comes from its own resolver and from options, and takes what other resolvers
 * give it as it is; so it is checked here. Durations are read as they are meant: grpc-js reads
 * "0.5s" as 5 ns.
 */
import type { GrpcServiceConfig } from "./service-config.ts";

type MethodConfig = GrpcServiceConfig["methodConfig"][number];
type Fields = Readonly<Record<string, unknown>>;

const SHOWN_CHARS_MAX = 64;

/** A field is not as it must be; the message begins with its path. */
export class ConfigMistake extends Error {
  override readonly name = "ConfigMistake";
}

/** Throws: the field at `path` must be what `allowed` says. */
export function refuse(path: string, value: unknown, allowed: string): never {
  const shown = shortened(JSON.stringify(value) ?? "missing");
  throw new ConfigMistake(`${path} is ${shown}, must be ${allowed}`);
}

/** A text of a config as it stands in an error. */
export function shortened(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}...`;
}

/** A JSON object at a path. */
export function fieldsAt(value: unknown, path: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  return refuse(path, value, "an object");
}

/** A list at a path; an empty one when it is absent. */
export function listAt(value: unknown, path: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : refuse(path, value, "a list");
}

/** All entries of `methodConfig`; two for the same name are refused. */
export function checkMethodConfigs(value: unknown): MethodConfig[] {
  const seen = new Set<string>();
  return listAt(value, "methodConfig").map((each, i) => {
    const path = `methodConfig[${i}]`;
    const config = checkMethodConfig(fieldsAt(each, path), path);
    for (const { service = "", method = "" } of config.name) {
      const key = `${service}/${method}`;
      if (seen.has(key)) throw new ConfigMistake(`${path}.name: ${shortened(key)} is there twice`);
      seen.add(key);
    }
    return config;
  });
}

function checkMethodConfig(fields: Fields, path: string): MethodConfig {
  const { name, waitForReady, timeout, retryPolicy, hedgingPolicy } = fields;
  const names = listAt(name, `${path}.name`);
  const config: MethodConfig = {
    name: names.map((each, i) => checkName(fieldsAt(each, `${path}.name[${i}]`), path, i)),
  };
  if (waitForReady !== undefined) {
    if (typeof waitForReady !== "boolean")
      refuse(`${path}.waitForReady`, waitForReady, "a boolean");
    config.waitForReady = waitForReady;
  }
  if (timeout !== undefined) config.timeout = splitDuration(timeout, `${path}.timeout`);
  // grpc-js has names of its own for the two limits.
  const request = bytesAt(fields, "maxRequestMessageBytes", path);
  const response = bytesAt(fields, "maxResponseMessageBytes", path);
  if (request !== null) config.maxRequestBytes = request;
  if (response !== null) config.maxResponseBytes = response;
  if (retryPolicy !== undefined && hedgingPolicy !== undefined) {
    throw new ConfigMistake(`${path}: retryPolicy and hedgingPolicy exclude each other`);
  }
  if (retryPolicy !== undefined) {
    config.retryPolicy = checkRetry(retryPolicy, `${path}.retryPolicy`);
  }
  if (hedgingPolicy !== undefined) {
    config.hedgingPolicy = checkHedging(hedgingPolicy, `${path}.hedgingPolicy`);
  }
  return config;
}

function checkName(fields: Fields, path: string, i: number): MethodConfig["name"][number] {
  const { service = "", method = "" } = fields;
  const at = `${path}.name[${i}]`;
  if (typeof service !== "string") return refuse(`${at}.service`, service, "a string");
  if (typeof method !== "string") return refuse(`${at}.method`, method, "a string");
  if (service === "" && method !== "") throw new ConfigMistake(`${at}.method needs a service`);
  return { ...(service === "" ? {} : { service }), ...(method === "" ? {} : { method }) };
}

function bytesAt(fields: Fields, field: string, path: string): number | null {
  const value = fields[field];
  if (value === undefined) return null;
  const number = typeof value === "string" ? Number(value) : value; // int64 may be a string
  const isCount = typeof number === "number" && Number.isSafeInteger(number) && number >= 0;
  return isCount ? number : refuse(`${path}.${field}`, value, "a whole number of bytes");
}

function checkRetry(value: unknown, path: string): NonNullable<MethodConfig["retryPolicy"]> {
  const fields = fieldsAt(value, path);
  const { backoffMultiplier, retryableStatusCodes } = fields;
  if (typeof backoffMultiplier !== "number" || !(backoffMultiplier > 0)) {
    refuse(`${path}.backoffMultiplier`, backoffMultiplier, "a number above 0");
  }
  const codes = codesAt(retryableStatusCodes, `${path}.retryableStatusCodes`);
  if (codes.length === 0) refuse(`${path}.retryableStatusCodes`, codes, "a list that is not empty");
  return {
    maxAttempts: attemptsAt(fields, path),
    initialBackoff: durationAt(fields.initialBackoff, `${path}.initialBackoff`),
    maxBackoff: durationAt(fields.maxBackoff, `${path}.maxBackoff`),
    backoffMultiplier,
    retryableStatusCodes: codes,
  };
}

function checkHedging(value: unknown, path: string): NonNullable<MethodConfig["hedgingPolicy"]> {
  const fields = fieldsAt(value, path);
  const { hedgingDelay, nonFatalStatusCodes } = fields;
  return {
    maxAttempts: attemptsAt(fields, path),
    ...(hedgingDelay === undefined
      ? {}
      : { hedgingDelay: durationAt(hedgingDelay, `${path}.hedgingDelay`) }),
    nonFatalStatusCodes: codesAt(nonFatalStatusCodes, `${path}.nonFatalStatusCodes`),
  };
}

function attemptsAt({ maxAttempts }: Fields, path: string): number {
  // "maxAttempts MUST be specified and MUST be a JSON integer value greater than 1." (A6)
  const isCount = Number.isInteger(maxAttempts) && (maxAttempts as number) > 1;
  return isCount
    ? (maxAttempts as number)
    : refuse(`${path}.maxAttempts`, maxAttempts, "2 or more");
}

const CODES = [
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"],
  ...["ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"],
  ...["ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"],
  "UNAUTHENTICATED",
];

/** Numbers, or names in any case. */
function codesAt(value: unknown, path: string): string[] {
  return listAt(value, path).map((code, i) => {
    const name = typeof code === "number" ? CODES[code] : String(code).toUpperCase();
    return CODES.includes(name) ? name : refuse(`${path}[${i}]`, code, "a status code");
  });
}

/** Seconds with up to nine decimals, and an "s": the JSON of a protobuf Duration. */
const DURATION = /^(\d{1,12})(?:\.(\d{1,9}))?s$/;

function durationAt(value: unknown, path: string): string {
  if (typeof value === "string" && DURATION.test(value)) return value;
  return refuse(path, value, 'a duration such as "1.5s"');
}

function splitDuration(value: unknown, path: string): NonNullable<MethodConfig["timeout"]> {
  const [, seconds, decimals = ""] = DURATION.exec(durationAt(value, path))!;
  return { seconds: Number(seconds), nanos: Number(decimals.padEnd(9, "0")) };
}
