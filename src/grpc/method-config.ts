/**
 * The part of gRPC service config that is about calls: `methodConfig`.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 *
 * Not the policy (`loadBalancingConfig`), which belongs to room `balancing`.
 */
import {
  booleanAt,
  bytesAt,
  type Fields,
  fieldsAt,
  listAt,
  ServiceConfigError,
  textAt,
  timeMsAt,
} from "./json-fields.ts";
import {
  cappedPolicy,
  type HedgingPolicy,
  parseHedgingPolicy,
  parseRetryPolicy,
  type RetryPolicy,
} from "./retry-policy.ts";

/** What is set for a method; null where nothing is. */
export interface MethodConfig {
  readonly waitForReady: boolean | null;
  /** An upper bound of the time that a call may take. */
  readonly timeoutMs: number | null;
  readonly maxRequestBytes: number | null;
  readonly maxResponseBytes: number | null;
  /** One of the two policies at most. */
  readonly retryPolicy: RetryPolicy | null;
  readonly hedgingPolicy: HedgingPolicy | null;
}

/** What one entry is for: "" for every service, or for every method of the service. */
export interface MethodName {
  readonly service: string;
  readonly method: string;
}

/** One entry of `methodConfig`. */
export interface MethodConfigEntry {
  readonly names: readonly MethodName[];
  readonly config: MethodConfig;
}

const NOTHING: MethodConfig = Object.freeze({
  waitForReady: null,
  timeoutMs: null,
  maxRequestBytes: null,
  maxResponseBytes: null,
  retryPolicy: null,
  hedgingPolicy: null,
});

/** All method configs of one service config, to be looked up by method. Immutable. */
export class MethodConfigs {
  static readonly NONE = new MethodConfigs([], new Map());
  readonly entries: readonly MethodConfigEntry[];
  /** By "/service/method", "/service/" and "". */
  readonly #byName: ReadonlyMap<string, MethodConfig>;

  private constructor(
    entries: readonly MethodConfigEntry[],
    byName: ReadonlyMap<string, MethodConfig>,
  ) {
    this.entries = entries;
    this.#byName = byName;
  }

  /**
   * @param json service config after `JSON.parse`.
   * @throws ServiceConfigError with the path of the field.
   */
  static parse(json: unknown): MethodConfigs {
    const list = listAt(fieldsAt(json, "").methodConfig, "methodConfig");
    const byName = new Map<string, MethodConfig>();
    const entries = list.map((each, index) => {
      const path = `methodConfig[${index}]`;
      const entry = parseEntry(fieldsAt(each, path), path);
      for (const [i, name] of entry.names.entries()) {
        const key = keyOf(name);
        // "Each name entry must be unique across the entire service config."
        if (byName.has(key)) throw new ServiceConfigError(`${path}.name[${i}]`, "stands twice");
        byName.set(key, entry.config);
      }
      return entry;
    });
    return new MethodConfigs(entries, byName);
  }

  /**
   * The config of a method, by its path "/service/method": "the entry for the method, else that for
   * its service, else the one with neither".
   */
  find(path: string): MethodConfig {
    const service = path.slice(0, path.lastIndexOf("/") + 1);
    const byName = this.#byName;
    return byName.get(path) ?? byName.get(service) ?? byName.get("") ?? NOTHING;
  }
}

/**
 * A method's config as it is carried out: with policies of `attemptsMax` attempts at most, and
 * without any when that is 1.
 */
export function withAttemptsMax(config: MethodConfig, attemptsMax: number): MethodConfig {
  const retryPolicy = cappedPolicy(config.retryPolicy, attemptsMax);
  const hedgingPolicy = cappedPolicy(config.hedgingPolicy, attemptsMax);
  if (retryPolicy === config.retryPolicy && hedgingPolicy === config.hedgingPolicy) return config;
  return { ...config, retryPolicy, hedgingPolicy };
}

function parseEntry(fields: Fields, path: string): MethodConfigEntry {
  const { timeout, retryPolicy, hedgingPolicy } = fields;
  // "Only one of retryPolicy or hedgingPolicy may be set." (A6)
  if ((retryPolicy ?? null) !== null && (hedgingPolicy ?? null) !== null) {
    throw new ServiceConfigError(`${path}.hedgingPolicy`, "excludes retryPolicy");
  }
  if (fields.name === undefined) throw new ServiceConfigError(`${path}.name`, "must be a list");
  return {
    names: listAt(fields.name, `${path}.name`).map((each, i) => nameOf(each, `${path}.name[${i}]`)),
    config: {
      waitForReady: booleanAt(fields.waitForReady, `${path}.waitForReady`),
      timeoutMs: timeMsAt(timeout, `${path}.timeout`),
      maxRequestBytes: bytesAt(fields.maxRequestMessageBytes, `${path}.maxRequestMessageBytes`),
      maxResponseBytes: bytesAt(fields.maxResponseMessageBytes, `${path}.maxResponseMessageBytes`),
      retryPolicy:
        (retryPolicy ?? null) === null
          ? null
          : parseRetryPolicy(retryPolicy, `${path}.retryPolicy`),
      hedgingPolicy:
        (hedgingPolicy ?? null) === null
          ? null
          : parseHedgingPolicy(hedgingPolicy, `${path}.hedgingPolicy`),
    },
  };
}

function nameOf(value: unknown, path: string): MethodName {
  const fields = fieldsAt(value, path);
  const service = textAt(fields.service, `${path}.service`);
  const method = textAt(fields.method, `${path}.method`);
  // "If the service is empty, the method must be empty as well."
  if (service === "" && method !== "") {
    throw new ServiceConfigError(`${path}.method`, "needs a service beside it");
  }
  return { service, method };
}

function keyOf({ service, method }: MethodName): string {
  return service === "" ? "" : `/${service}/${method}`;
}
