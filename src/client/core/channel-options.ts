/**
 * The options of a channel that every way of ours takes by the same names, and what they are for
 * the core. docs/client.md has them as a table.
 *
 * Not the channel arguments of grpc-js, which have names and defaults of their own; nor what a way
 * in has names of its own for: compression and the sizes of messages.
 */
import { type Logger, silentLogger } from "../../base/index.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../../cluster/index.ts";
import type { DiscoveryOptions } from "../../discovery/index.ts";
import { metadataValueProblem, POLICY_ATTEMPTS_MAX } from "../../grpc/index.ts";
import { DEFAULT_CONNECTION_CONFIG } from "../../http2/index.ts";
import { KEEPALIVE_TIME_MS_MIN } from "../../transport/index.ts";
import { authorityOf } from "./authority.ts";
import { httpProxyFor } from "./http-proxy.ts";
import {
  authorityText,
  checkNames,
  checkObject,
  discoveryOptions,
  flag,
  limitNumber,
  logger,
  show,
  text,
  wholeNumber,
} from "./option-checks.ts";
import { ownServiceConfig } from "./service-config.ts";
import {
  BACKOFF_INITIAL_MS,
  BACKOFF_MAX_MS,
  type ChannelSettings,
  IDLE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS_MIN,
  KEEPALIVE_TIMEOUT_MS,
} from "./settings.ts";
import { type TlsInUse, type TlsOptions, useTls } from "./tls-options.ts";
import { packageVersion } from "./version.ts";

/** What every way of ours takes; everything has a default. */
export interface ChannelOptions {
  /** How a `kubernetes` target finds its objects; by default as kubectl does. */
  readonly kubernetes?: DiscoveryOptions | undefined;
  /** "least_request" (the default), "round_robin", "random" or "pick_first". */
  readonly policy?: string | undefined;
  /** gRPC service config; it holds while the resolver has none. */
  readonly serviceConfig?: object | undefined;
  /** Whether service config of the resolver counts; true by default. */
  readonly resolverServiceConfig?: boolean | undefined;
  /** TLS; without it the connections are plaintext. */
  readonly tls?: boolean | TlsOptions | undefined;
  /** `:authority`, and the name that is verified; by default made from the target. */
  readonly authority?: string | undefined;
  /** Connections to one endpoint, opened as MAX_CONCURRENT_STREAMS is reached (A105); 1. */
  readonly maxConnectionsPerEndpoint?: number | undefined;
  /** Periodic PINGs (gRFC A8); by default a sparing probe of our own finds dead connections. */
  readonly keepalive?:
    | {
        /** 10,000 at least. */
        readonly timeMs: number;
        readonly timeoutMs?: number;
        readonly permitWithoutCalls?: boolean;
      }
    | undefined;
  /** Delays between attempts to connect. */
  readonly backoff?: { readonly initialMs?: number; readonly maxMs?: number } | undefined;
  /** Without a call for this long the connections are closed; 30 minutes; Infinity for never. */
  readonly idleTimeoutMs?: number | undefined;
  /** Whether channels of the same target and settings share connections; true by default. */
  readonly shared?: boolean | undefined;
  /** Whether proxies of the environment are used (gRFC A1); true by default. */
  readonly httpProxy?: boolean | undefined;
  /** Before our own in `user-agent`. */
  readonly userAgent?: string | undefined;
  /** How long the first calls wait for more endpoints, and for what share of them. */
  readonly warmUp?: { readonly timeMs?: number; readonly share?: number } | undefined;
  /** Retries and hedges by policies of service config: their bounds. */
  readonly retries?:
    | {
        /** Attempts of a call, the first included; 5 by default, 1 for no other. */
        readonly attemptsMax?: number;
        /** Request bytes kept of a call; 64 KiB. A larger one is sent, and never again. */
        readonly callBytesMax?: number;
        /** The same of all calls to the target; 64 MiB, which is what a process may keep. */
        readonly totalBytesMax?: number;
      }
    | undefined;
  /** Where lines go; nowhere unless given. */
  readonly log?: Logger | undefined;
}

/** The names of `ChannelOptions`. */
export const CHANNEL_OPTION_NAMES: readonly string[] = [
  ...(["kubernetes", "policy", "serviceConfig", "resolverServiceConfig", "tls"] as const),
  ...(["authority", "maxConnectionsPerEndpoint", "keepalive", "backoff"] as const),
  ...(["idleTimeoutMs", "shared", "httpProxy", "userAgent", "warmUp", "retries", "log"] as const),
] satisfies (keyof ChannelOptions)[];

/** Settings that these options say nothing of. */
type OwnSettings = "contentType" | "encoding" | "sendBytesMax" | "receiveBytesMax";

/** The core's settings, and what ends with the channel. */
export interface ParsedOptions {
  readonly settings: Omit<ChannelSettings, OwnSettings>;
  readonly tls: TlsInUse | null;
}

/**
 * Reads the options of one channel, whose names were checked.
 *
 * @param agent what we call ourselves in `user-agent`, without the version.
 * @throws RangeError naming an option; TargetError, OptionsError, PolicyError, ServiceConfigError,
 *   TlsFileError.
 */
export function parseChannelOptions(
  target: string,
  options: ChannelOptions,
  agent: string,
): ParsedOptions {
  const { serviceConfig = null } = options;
  if (serviceConfig !== null) checkObject("serviceConfig", serviceConfig);
  const log = logger("log", options.log) ?? silentLogger;
  const authority = authorityText("authority", options.authority) ?? authorityOf(target);
  const userAgent = userAgentOf(options.userAgent);
  const usesProxy = flag("httpProxy", options.httpProxy, true);
  const proxy = usesProxy ? httpProxyFor(target, process.env) : null;
  const own = `${agent}/${packageVersion()}`;
  const cluster = clusterOptions(options);
  const { idleTimeoutMs } = options;
  const rest = {
    target,
    dialTarget: proxy?.dialTarget ?? null,
    discovery: discoveryOptions("kubernetes", options.kubernetes),
    authority,
    userAgent: userAgent === null ? own : `${userAgent} ${own}`,
    serviceConfig,
    ownConfig: ownServiceConfig(serviceConfig, text("policy", options.policy)),
    takesServiceConfig: flag("resolverServiceConfig", options.resolverServiceConfig, true),
    idleTimeoutMs: limitNumber(
      "idleTimeoutMs",
      idleTimeoutMs,
      IDLE_TIMEOUT_MS,
      IDLE_TIMEOUT_MS_MIN,
    ),
    attemptsMax: wholeNumber(
      "retries.attemptsMax",
      options.retries?.attemptsMax,
      POLICY_ATTEMPTS_MAX,
      1,
    ),
    isShared: flag("shared", options.shared, true),
    log,
  };
  // Last, because what was taken must be given back.
  const tls = useTls(options.tls, authority, log);
  const secure = tls?.secure ?? null;
  const scheme = secure === null ? "http" : "https";
  const tunnel = proxy?.tunnel ?? null;
  return { settings: { ...rest, scheme, cluster: { ...cluster, secure, tunnel } }, tls };
}

function clusterOptions(
  options: ChannelOptions,
): Omit<ChannelSettings["cluster"], "secure" | "tunnel"> {
  const { keepalive, backoff = {}, warmUp = {}, retries = {} } = options;
  const { maxConnectionsPerEndpoint } = options;
  checkNames("backoff", backoff, ["initialMs", "maxMs"]);
  checkNames("warmUp", warmUp, ["timeMs", "share"]);
  checkNames("retries", retries, ["attemptsMax", "callBytesMax", "totalBytesMax"]);
  if (keepalive !== undefined) {
    checkNames("keepalive", keepalive, ["timeMs", "timeoutMs", "permitWithoutCalls"]);
  }
  const initialMs = wholeNumber("backoff.initialMs", backoff.initialMs, BACKOFF_INITIAL_MS, 1);
  const maxMs = wholeNumber("backoff.maxMs", backoff.maxMs, BACKOFF_MAX_MS, 1);
  const defaults = DEFAULT_CLUSTER_CONFIG.warmUp;
  const { share = defaults.share } = warmUp;
  if (typeof share !== "number" || !(share > 0 && share <= 1)) {
    throw new RangeError(`warmUp.share is ${show(share)}, must be above 0 and at most 1`);
  }
  return {
    maxConnectionsPerEndpoint: wholeNumber(
      "maxConnectionsPerEndpoint",
      maxConnectionsPerEndpoint,
      1,
      1,
    ),
    backoff: { initialMs: Math.min(initialMs, maxMs), maxMs },
    connection: DEFAULT_CONNECTION_CONFIG,
    keepalive: keepalive === undefined ? null : keepaliveOf(keepalive),
    replay: replayOf(retries),
    warmUp: { timeMs: wholeNumber("warmUp.timeMs", warmUp.timeMs, defaults.timeMs, 0), share },
  };
}

function replayOf({
  callBytesMax,
  totalBytesMax,
}: NonNullable<ChannelOptions["retries"]>): ChannelSettings["cluster"]["replay"] {
  const { replay } = DEFAULT_CLUSTER_CONFIG;
  return {
    callBytesMax: wholeNumber("retries.callBytesMax", callBytesMax, replay.callBytesMax, 0),
    totalBytesMax: wholeNumber("retries.totalBytesMax", totalBytesMax, replay.totalBytesMax, 0),
  };
}

function keepaliveOf(
  given: NonNullable<ChannelOptions["keepalive"]>,
): ChannelSettings["cluster"]["keepalive"] {
  const { timeMs, timeoutMs, permitWithoutCalls } = given;
  return {
    // What is not there is no number either: the one option that has no default.
    timeMs: wholeNumber("keepalive.timeMs", timeMs ?? null, Number.NaN, KEEPALIVE_TIME_MS_MIN),
    timeoutMs: wholeNumber("keepalive.timeoutMs", timeoutMs, KEEPALIVE_TIMEOUT_MS, 1),
    permitWithoutCalls: flag("keepalive.permitWithoutCalls", permitWithoutCalls, false),
  };
}

/** What is sent in a header like any metadata. */
function userAgentOf(given: unknown): string | null {
  const userAgent = text("userAgent", given);
  const problem = userAgent === null ? "" : metadataValueProblem(userAgent);
  if (problem !== "") throw new RangeError(`userAgent ${problem}`);
  return userAgent;
}
