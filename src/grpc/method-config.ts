/**
 * The part of gRPC service config that is about calls: `methodConfig`.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 *
 * Not the policy (`loadBalancingConfig`), which belongs to room `balancing`. Retry and hedging
 * policies are checked for their place and form here and carried out by whoever makes attempts.
 */

/** Service config is malformed. The message names the field by its path. */
export class ServiceConfigError extends Error {
  override readonly name = "ServiceConfigError";

  constructor(path: string, why: string) {
    super(`service config: ${path} ${why}`);
  }
}

/** What is set for a method; null where nothing is. */
export interface MethodConfig {
  readonly waitForReady: boolean | null;
  /** An upper bound of the time that a call may take. */
  readonly timeoutMs: number | null;
  readonly maxRequestBytes: number | null;
  readonly maxResponseBytes: number | null;
  /** As it stands in the config; null for none. */
  readonly retryPolicy: Readonly<Record<string, unknown>> | null;
}

const NOTHING: MethodConfig = Object.freeze({
  waitForReady: null,
  timeoutMs: null,
  maxRequestBytes: null,
  maxResponseBytes: null,
  retryPolicy: null,
});

type Json = Readonly<Record<string, unknown>>;

/** All method configs of one service config, to be looked up by method. Immutable. */
export class MethodConfigs {
  static readonly NONE = new MethodConfigs(new Map());
  /** By "/service/method", "/service/" and "". */
  readonly #byName: ReadonlyMap<string, MethodConfig>;

  private constructor(byName: ReadonlyMap<string, MethodConfig>) {
    this.#byName = byName;
  }

  /**
   * @param json service config after `JSON.parse`.
   * @throws ServiceConfigError with the path of the field.
   */
  static parse(json: unknown): MethodConfigs {
    if (!isObject(json)) throw new ServiceConfigError("it", "must be a JSON object");
    const list = json.methodConfig;
    if (list === undefined) return MethodConfigs.NONE;
    if (!Array.isArray(list)) throw new ServiceConfigError("methodConfig", "must be a list");
    const byName = new Map<string, MethodConfig>();
    for (const [index, entry] of list.entries()) addEntry(byName, entry, `methodConfig[${index}]`);
    return new MethodConfigs(byName);
  }

  /** Whether any method has a retry policy. */
  get hasRetryPolicy(): boolean {
    return [...this.#byName.values()].some((config) => config.retryPolicy !== null);
  }

  /**
   * The config of a method, by its path "/service/method": "the entry for the method, else that for
   * its service, else the one with neither".
   */
  find(path: string): MethodConfig {
    const service = path.slice(0, path.lastIndexOf("/") + 1);
    const { get } = this.#byName;
    const config = (name: string) => get.call(this.#byName, name);
    return config(path) ?? config(service) ?? config("") ?? NOTHING;
  }
}

function addEntry(byName: Map<string, MethodConfig>, entry: unknown, path: string): void {
  if (!isObject(entry)) throw new ServiceConfigError(path, "must be an object");
  const names = entry.name;
  if (!Array.isArray(names)) throw new ServiceConfigError(`${path}.name`, "must be a list");
  const config: MethodConfig = {
    waitForReady: booleanAt(entry.waitForReady, `${path}.waitForReady`),
    timeoutMs: durationMsAt(entry.timeout, `${path}.timeout`),
    maxRequestBytes: bytesAt(entry.maxRequestMessageBytes, `${path}.maxRequestMessageBytes`),
    maxResponseBytes: bytesAt(entry.maxResponseMessageBytes, `${path}.maxResponseMessageBytes`),
    retryPolicy: policyOf(entry, path),
  };
  for (const [index, name] of names.entries()) {
    const key = nameKey(name, `${path}.name[${index}]`);
    // "Each name entry must be unique across the entire service config."
    if (byName.has(key)) throw new ServiceConfigError(`${path}.name[${index}]`, "stands twice");
    byName.set(key, config);
  }
}

function nameKey(name: unknown, path: string): string {
  if (!isObject(name)) throw new ServiceConfigError(path, "must be an object");
  const { service = "", method = "" } = name;
  if (typeof service !== "string") throw new ServiceConfigError(`${path}.service`, "must be text");
  if (typeof method !== "string") throw new ServiceConfigError(`${path}.method`, "must be text");
  // "If the service is empty, the method must be empty as well."
  if (service === "" && method !== "") {
    throw new ServiceConfigError(`${path}.method`, "needs a service beside it");
  }
  if (service === "") return "";
  return method === "" ? `/${service}/` : `/${service}/${method}`;
}

function policyOf(entry: Json, path: string): Json | null {
  const { retryPolicy, hedgingPolicy } = entry;
  // "Only one of retryPolicy or hedgingPolicy may be set." (A6)
  if (retryPolicy !== undefined && hedgingPolicy !== undefined) {
    throw new ServiceConfigError(`${path}.hedgingPolicy`, "excludes retryPolicy");
  }
  const policy = retryPolicy ?? hedgingPolicy;
  if (policy === undefined) return null;
  if (isObject(policy)) return policy;
  const name = retryPolicy === undefined ? "hedgingPolicy" : "retryPolicy";
  throw new ServiceConfigError(`${path}.${name}`, "must be an object");
}

function booleanAt(value: unknown, path: string): boolean | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return value;
  throw new ServiceConfigError(path, `is ${show(value)}, must be a boolean`);
}

/** A whole number, or one as text, as protobuf writes its wide integers in JSON. */
function bytesAt(value: unknown, path: string): number | null {
  if (value === undefined || value === null) return null;
  const bytes = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  if (Number.isSafeInteger(bytes) && (bytes as number) >= 0) return bytes as number;
  throw new ServiceConfigError(path, `is ${show(value)}, must be a whole number of bytes`);
}

const DURATION = /^(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** "1.5s" as protobuf's JSON has it, or {"seconds": 1, "nanos": 5e8} as older tools write it. */
function durationMsAt(value: unknown, path: string): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") {
    const match = DURATION.exec(value);
    if (match !== null) return Number(match[1]) * 1_000 + Number(`0.${match[2] ?? 0}`) * 1_000;
  } else if (isObject(value)) {
    const seconds = Number(value.seconds ?? 0);
    const nanos = Number(value.nanos ?? 0);
    if (seconds >= 0 && nanos >= 0) return seconds * 1_000 + nanos / 1_000_000;
  }
  throw new ServiceConfigError(path, `is ${show(value)}, must be a duration such as "1.5s"`);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
