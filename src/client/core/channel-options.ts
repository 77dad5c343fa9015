/**
 * The options of a channel that every way of ours takes by the same names, and what they become.
 *
 * Not the channel arguments of grpc-js, which have names and defaults of their own.
 */
import { type Policy, parsePolicy, policyFromServiceConfig } from "../../balancing/index.ts";
import { type Logger, realClock, silentLogger, unrefClock } from "../../base/index.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../../cluster/index.ts";
import { type DiscoveryOptions, parseTarget } from "../../discovery/index.ts";
import { ClientTls, type ClientTlsFiles, type SocketSecurity } from "../../transport/index.ts";
import { authorityOf } from "./authority.ts";
import { httpProxyFor } from "./http-proxy.ts";
import { type ChannelSettings, IDLE_TIMEOUT_MS } from "./settings.ts";
import { packageVersion } from "./version.ts";

/** Periodic PINGs, gRFC A8. */
export interface KeepaliveOptions {
  /** Silence before a PING; 10 s at least. */
  readonly timeMs: number;
  /** How long its answer may take; 20 s by default. */
  readonly timeoutMs?: number | undefined;
  /** Whether PINGs go out while no call is open; false by default. */
  readonly permitWithoutCalls?: boolean | undefined;
}

/** What all our ways take; everything has a default. */
export interface ChannelOptions {
  /** How a `kubernetes` target finds its objects; by default as kubectl does. */
  readonly kubernetes?: DiscoveryOptions | undefined;
  /** "least_request" (the default), "round_robin", "random" or "pick_first". */
  readonly policy?: string | undefined;
  /** gRPC service config, as an object; holds while the resolver has none. */
  readonly serviceConfig?: unknown;
  /**
   * true for TLS with the CAs that Node ships, or where certificates lie; false, the default, for
   * plaintext. The name that is verified is that of `authority` unless `serverName` says otherwise.
   */
  readonly tls?: boolean | Partial<ClientTlsFiles> | undefined;
  /** Without it our own probe: a PING when data that was sent is not acknowledged. */
  readonly keepalive?: KeepaliveOptions | undefined;
  /** Connections to one endpoint, opened as MAX_CONCURRENT_STREAMS is reached (A105); 1. */
  readonly maxConnectionsPerEndpoint?: number | undefined;
  /** Without a call for this long its connections are closed; 30 minutes by default. */
  readonly idleTimeoutMs?: number | undefined;
  /** `:authority`, in place of that of the target. */
  readonly authority?: string | undefined;
  /** Before our own in `user-agent`. */
  readonly userAgent?: string | undefined;
  /** false: connections of its own, not shared with channels of the same settings. */
  readonly shared?: boolean | undefined;
  /** Where lines go; nowhere unless given. */
  readonly log?: Logger | undefined;
}

/** The names of `ChannelOptions`. */
export const CHANNEL_OPTION_NAMES: readonly string[] = [
  "kubernetes",
  "policy",
  "serviceConfig",
  "tls",
  "keepalive",
  "maxConnectionsPerEndpoint",
  "idleTimeoutMs",
  "authority",
  "userAgent",
  "shared",
  "log",
] as const satisfies readonly (keyof ChannelOptions)[];

/** An option does not exist, or cannot have this value. */
export class ChannelOptionError extends RangeError {
  override readonly name = "ChannelOptionError";
}

/** What the options decide of a channel's settings. */
export type ChosenSettings = Omit<
  ChannelSettings,
  "contentType" | "encoding" | "sendBytesMax" | "receiveBytesMax"
>;

const KEEPALIVE_TIME_MS_MIN = 10_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;
const IDLE_TIMEOUT_MS_MIN = 1_000;
/** https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md */
const BACKOFF = { initialMs: 1_000, maxMs: 120_000 };

/**
 * Reads the options of one channel.
 *
 * @param agent the name of the way in, for `user-agent`.
 * @throws ChannelOptionError, TargetError, PolicyError, ServiceConfigError, TlsFileError: one clear
 *   sentence each, nothing having been opened.
 */
export function parseChannelOptions(
  target: unknown,
  options: ChannelOptions,
  agent: string,
): ChosenSettings {
  if (typeof target !== "string") fail("target", target, "a string such as HOST:PORT");
  parseTarget(target);
  const { kubernetes = {}, serviceConfig = null, shared = true, log = silentLogger } = options;
  if (typeof shared !== "boolean") fail("shared", shared, "a boolean");
  const authority = textOf(options, "authority") ?? authorityOf(target);
  const secure = securityOf(options.tls ?? false, authority);
  const proxy = httpProxyFor(target, process.env);
  const own = `${agent}/${packageVersion()}`;
  return {
    target,
    dialTarget: proxy?.dialTarget ?? null,
    discovery: kubernetes,
    authority,
    scheme: secure === null ? "http" : "https",
    userAgent: [textOf(options, "userAgent"), own].filter(Boolean).join(" "),
    serviceConfig,
    policy: policyOf(options),
    takesServiceConfig: true,
    cluster: {
      maxConnectionsPerEndpoint: wholeOf(options, "maxConnectionsPerEndpoint", 1) ?? 1,
      backoff: BACKOFF,
      connection: DEFAULT_CLUSTER_CONFIG.connection,
      keepalive: keepaliveOf(options.keepalive),
      secure,
      tunnel: proxy?.tunnel ?? null,
      warmUp: DEFAULT_CLUSTER_CONFIG.warmUp,
    },
    idleTimeoutMs: wholeOf(options, "idleTimeoutMs", IDLE_TIMEOUT_MS_MIN) ?? IDLE_TIMEOUT_MS,
    isShared: shared,
    log,
  };
}

/** A policy beside a service config that names one: one of them is a mistake. */
function policyOf({ policy, serviceConfig }: ChannelOptions): Policy {
  if (policy === undefined) return policyFromServiceConfig(serviceConfig ?? {});
  const config = serviceConfig as { loadBalancingConfig?: unknown } | null | undefined;
  if (config?.loadBalancingConfig === undefined) return parsePolicy(policy);
  throw new ChannelOptionError(
    "policy and loadBalancingConfig of serviceConfig exclude each other",
  );
}

function keepaliveOf(keepalive: KeepaliveOptions | undefined) {
  if (keepalive === undefined) return null;
  if (typeof keepalive !== "object") fail("keepalive", keepalive, 'an object with "timeMs"');
  const { timeMs, timeoutMs = KEEPALIVE_TIMEOUT_MS, permitWithoutCalls = false } = keepalive;
  if (!isWhole(timeMs, KEEPALIVE_TIME_MS_MIN)) {
    fail("keepalive.timeMs", timeMs, `a whole number, ${KEEPALIVE_TIME_MS_MIN} or more`);
  }
  if (!isWhole(timeoutMs, 1)) {
    fail("keepalive.timeoutMs", timeoutMs, "a whole number, 1 or more");
  }
  if (typeof permitWithoutCalls !== "boolean") {
    fail("keepalive.permitWithoutCalls", permitWithoutCalls, "a boolean");
  }
  return { timeMs, timeoutMs, permitWithoutCalls };
}

const TLS_NAMES = ["caFile", "certFile", "keyFile", "serverName"] as const;

/** By what they say, so that channels can share connections; files are looked after for good. */
const securities = new Map<string, SocketSecurity>();

function securityOf(tls: boolean | Partial<ClientTlsFiles>, authority: string) {
  if (tls === false) return null;
  if (tls !== true && (typeof tls !== "object" || tls === null)) {
    fail("tls", tls, `a boolean or an object of ${TLS_NAMES.join(", ")}`);
  }
  const given: Partial<ClientTlsFiles> = tls === true ? {} : tls;
  const unknown = Object.keys(given).find((name) => !TLS_NAMES.includes(name as "caFile"));
  if (unknown !== undefined) {
    throw new ChannelOptionError(
      `unknown option tls.${unknown}: allowed are ${TLS_NAMES.join(", ")}`,
    );
  }
  const { caFile = null, certFile = null, keyFile = null } = given;
  if ((certFile === null) !== (keyFile === null)) {
    throw new ChannelOptionError("tls.certFile and tls.keyFile go together");
  }
  const files = { caFile, certFile, keyFile, serverName: given.serverName ?? hostOf(authority) };
  const key = JSON.stringify(files);
  const known = securities.get(key);
  if (known !== undefined) return known;
  const made = ClientTls.load(files, { clock: unrefClock(realClock()), log: silentLogger });
  securities.set(key, made);
  return made;
}

/** "host:port", "[::1]:port" or "host" without its port. */
function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}

function textOf(options: ChannelOptions, name: "authority" | "userAgent"): string | null {
  const value = options[name];
  if (value === undefined) return null;
  if (typeof value === "string" && /^[!-~]([ -~]*[!-~])?$/.test(value)) return value;
  return fail(name, value, "a string of printable ASCII");
}

function wholeOf(
  options: ChannelOptions,
  name: "maxConnectionsPerEndpoint" | "idleTimeoutMs",
  min: number,
): number | null {
  const value = options[name];
  if (value === undefined) return null;
  if (isWhole(value, min) || (name === "idleTimeoutMs" && value === Number.POSITIVE_INFINITY)) {
    return value;
  }
  return fail(name, value, `a whole number, ${min} or more`);
}

function isWhole(value: unknown, min: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min;
}

function fail(name: string, value: unknown, allowed: string): never {
  const shown =
    typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  throw new ChannelOptionError(`${name} is ${shown}, must be ${allowed}`);
}
