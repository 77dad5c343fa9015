/**
 * The channel arguments of grpc-js: which are honoured, which are ignored and why, and which are
 * refused. docs/client.md shows this table; a test compares the two.
 *
 * An argument that nobody knows is ignored, as by grpc-js: libraries set those of other clients.
 */
import { DEFAULT_CLUSTER_CONFIG, type ServiceConfig } from "../../cluster/index.ts";
import { POLICY_ATTEMPTS_MAX } from "../../grpc/index.ts";
import { DEFAULT_CONNECTION_CONFIG } from "../../http2/index.ts";
import { KEEPALIVE_TIME_MS_MIN } from "../../transport/index.ts";
import {
  authorityText,
  BACKOFF_INITIAL_MS,
  BACKOFF_MAX_MS,
  type ClusterSettings,
  type Encoding,
  IDLE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS_MIN,
  KEEPALIVE_TIMEOUT_MS,
  ownServiceConfig,
  RECEIVE_BYTES_MAX,
  show,
} from "../core/index.ts";

/** Channel arguments by name, as users give them. */
export type ChannelArgs = Readonly<Record<string, unknown>>;

/** What becomes of an argument. */
export interface ArgRule {
  readonly treatment: "honoured" | "ignored" | "refused";
  /** How, or why not. */
  readonly note: string;
}

const honoured = (note: string): ArgRule => ({ treatment: "honoured", note });
const ignored = (note: string): ArgRule => ({ treatment: "ignored", note });
const refused = (note: string): ArgRule => ({ treatment: "refused", note });

const SERVER = "an argument of servers";

/** Every argument that grpc-js knows, and the common ones of other clients. */
export const CHANNEL_ARGS: Readonly<Record<string, ArgRule>> = {
  "grpc.ssl_target_name_override": honoured("the name that the server's certificate must carry"),
  "grpc.primary_user_agent": honoured("before our own in `user-agent`"),
  "grpc.secondary_user_agent": honoured("after our own in `user-agent`"),
  "grpc.default_authority": honoured("`:authority`, and the name that is verified"),
  "grpc.keepalive_time_ms": honoured("a PING after this much silence; 10 s at least (gRFC A8)"),
  "grpc.keepalive_timeout_ms": honoured("how long its answer may take; 20 s by default"),
  "grpc.keepalive_permit_without_calls": honoured("PINGs also while no call is open"),
  "grpc.service_config": honoured("holds while the resolver has none"),
  "grpc.service_config_disable_resolution": honoured("service config of the resolver is not used"),
  "grpc.initial_reconnect_backoff_ms": honoured("1 s by default"),
  "grpc.max_reconnect_backoff_ms": honoured("120 s by default"),
  "grpc.use_local_subchannel_pool": honoured("connections of this channel's own"),
  "grpc.max_send_message_length": honoured("-1, the default, for no limit"),
  "grpc.max_receive_message_length": honoured("4 MiB by default, -1 for no limit"),
  "grpc.max_metadata_size": honoured("the most that headers or trailers may have, in bytes"),
  "grpc.enable_http_proxy": honoured("0: proxies of the environment are not used"),
  "grpc.default_compression_algorithm": honoured("0 identity, 1 deflate, 2 gzip"),
  "grpc.enable_channelz": honoured("0: the channel is not shown"),
  "grpc.client_idle_timeout_ms": honoured("30 minutes by default, 1 s at least"),
  "grpc-node.flow_control_window": honoured("the window of a stream, in bytes; it may grow"),
  "grpc-node.tls_enable_trace": honoured("Node's trace of the TLS handshake"),
  "grpc.enable_retries": honoured("0: no retries and hedges by a policy, only transparent retries"),
  "grpc-node.retry_max_attempts_limit": honoured("5 by default, the first attempt included"),
  "grpc.per_rpc_retry_buffer_size": honoured("64 KiB by default; a larger request is sent once"),
  "grpc.retry_buffer_size": honoured("64 MiB by default, which is what a process may keep"),
  "grpc.dns_min_time_between_resolutions_ms": ignored(
    "names are looked up when their TTL ends (1-30 s), and all channels share the queries",
  ),
  "grpc-node.max_session_memory": ignored("Node's http2 is not used; what is held is bounded"),
  "grpc.lb.ring_hash.ring_size_cap": ignored("`ringSizeCap` of the policy says it"),
  "grpc.http_connect_target": ignored("made from the target"),
  "grpc.http_connect_creds": ignored("made from the proxy's URL"),
  "grpc.max_concurrent_streams": ignored(SERVER),
  "grpc.max_connection_age_ms": ignored(SERVER),
  "grpc.max_connection_age_grace_ms": ignored(SERVER),
  "grpc.max_connection_idle_ms": ignored(SERVER),
  "grpc.server_call_metric_recording": ignored(SERVER),
  "grpc.lb_policy_name": refused("name it in `grpc.service_config`, or as `policy` of the channel"),
};

/** A channel argument is refused, or has a value that it cannot have. */
export class ChannelArgError extends Error {
  override readonly name = "ChannelArgError";
}

/** The part of a channel's settings that arguments say. */
export interface ParsedArgs {
  readonly authority: string | null;
  readonly userAgentParts: readonly [before: string, after: string];
  readonly serviceConfig: unknown;
  readonly ownConfig: ServiceConfig;
  readonly takesServiceConfig: boolean;
  readonly isShared: boolean;
  readonly usesHttpProxy: boolean;
  readonly isInChannelz: boolean;
  readonly encoding: Encoding;
  readonly sendBytesMax: number;
  readonly receiveBytesMax: number;
  readonly attemptsMax: number;
  readonly idleTimeoutMs: number;
  readonly cluster: Pick<ClusterSettings, "backoff" | "connection" | "keepalive" | "replay">;
}

const ENCODINGS: readonly Encoding[] = ["identity", "deflate", "gzip"];

/**
 * Reads the arguments of a channel.
 *
 * @param policyName what the channel's own options name; null for service config or the default.
 * @throws ChannelArgError naming the argument; PolicyError for the policy in service config, whose
 *   other parts the channel checks.
 */
export function parseChannelArgs(args: ChannelArgs, policyName: string | null): ParsedArgs {
  for (const name of Object.keys(args)) {
    const rule = CHANNEL_ARGS[name];
    if (rule?.treatment !== "refused" || args[name] === undefined) continue;
    throw new ChannelArgError(`channel argument ${name} is refused: ${rule.note}`);
  }
  // Credentials read it; what it may be is known here.
  authorityArg(args, "grpc.ssl_target_name_override");
  const serviceConfig = jsonOf(args, "grpc.service_config");
  const algorithm = numberOf(args, "grpc.default_compression_algorithm", 0, 0, 2);
  return {
    authority: authorityArg(args, "grpc.default_authority"),
    userAgentParts: [
      agentOf(args, "grpc.primary_user_agent"),
      agentOf(args, "grpc.secondary_user_agent"),
    ],
    serviceConfig,
    ownConfig: ownServiceConfig(serviceConfig, policyName),
    takesServiceConfig: !flagOf(args, "grpc.service_config_disable_resolution", false),
    isShared: !flagOf(args, "grpc.use_local_subchannel_pool", false),
    usesHttpProxy: flagOf(args, "grpc.enable_http_proxy", true),
    isInChannelz: flagOf(args, "grpc.enable_channelz", true),
    encoding: ENCODINGS[algorithm]!,
    sendBytesMax: sizeOf(args, "grpc.max_send_message_length", Number.POSITIVE_INFINITY),
    receiveBytesMax: sizeOf(args, "grpc.max_receive_message_length", RECEIVE_BYTES_MAX),
    attemptsMax: attemptsArg(args),
    idleTimeoutMs: Math.max(
      IDLE_TIMEOUT_MS_MIN,
      numberOf(args, "grpc.client_idle_timeout_ms", IDLE_TIMEOUT_MS),
    ),
    cluster: clusterArgs(args),
  };
}

/** "retry support can be disabled entirely within the gRPC client library" (A6) */
function attemptsArg(args: ChannelArgs): number {
  const limit = numberOf(args, "grpc-node.retry_max_attempts_limit", POLICY_ATTEMPTS_MAX, 1);
  return flagOf(args, "grpc.enable_retries", true) ? limit : 1;
}

function clusterArgs(args: ChannelArgs): ParsedArgs["cluster"] {
  const timeMs = numberOf(args, "grpc.keepalive_time_ms", -1, -1);
  const initialMs = numberOf(args, "grpc.initial_reconnect_backoff_ms", BACKOFF_INITIAL_MS, 1);
  const maxMs = numberOf(args, "grpc.max_reconnect_backoff_ms", BACKOFF_MAX_MS, 1);
  const { replay } = DEFAULT_CLUSTER_CONFIG;
  const { streamWindowBytes, streamWindowBytesMax, headerListBytesMax } = DEFAULT_CONNECTION_CONFIG;
  const windowBytes = numberOf(
    args,
    "grpc-node.flow_control_window",
    streamWindowBytes,
    65_535,
    2 ** 31 - 1,
  );
  return {
    backoff: { initialMs, maxMs: Math.max(initialMs, maxMs) },
    replay: {
      callBytesMax: numberOf(args, "grpc.per_rpc_retry_buffer_size", replay.callBytesMax),
      totalBytesMax: numberOf(args, "grpc.retry_buffer_size", replay.totalBytesMax),
    },
    keepalive:
      timeMs < 0
        ? null
        : {
            timeMs: Math.max(KEEPALIVE_TIME_MS_MIN, timeMs),
            timeoutMs: numberOf(args, "grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
            permitWithoutCalls: flagOf(args, "grpc.keepalive_permit_without_calls", false),
          },
    connection: {
      ...DEFAULT_CONNECTION_CONFIG,
      streamWindowBytes: windowBytes,
      streamWindowBytesMax: Math.max(windowBytes, streamWindowBytesMax),
      headerListBytesMax: numberOf(
        args,
        "grpc.max_metadata_size",
        headerListBytesMax,
        1,
        2 ** 32 - 1,
      ),
    },
  };
}

function textOf(args: ChannelArgs, name: string): string | null {
  const value = args[name];
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return value;
  throw new ChannelArgError(`channel argument ${name} is ${show(value)}, must be a string`);
}

/** What goes into `:authority`, or is a host. */
function authorityArg(args: ChannelArgs, name: string): string | null {
  try {
    return authorityText(`channel argument ${name}`, args[name] ?? undefined);
  } catch (error) {
    throw new ChannelArgError((error as Error).message);
  }
}

/** What goes into the value of a header; RFC 9110 §5.5 has no space at its ends. */
function agentOf(args: ChannelArgs, name: string): string {
  const value = textOf(args, name) ?? "";
  if (/^[ -~]*$/.test(value)) return value.trim();
  throw new ChannelArgError(`channel argument ${name} is ${show(value)}, must be printable ASCII`);
}

function jsonOf(args: ChannelArgs, name: string): unknown {
  const text = textOf(args, name);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = (error as Error).message;
    throw new ChannelArgError(`channel argument ${name} is not JSON: ${why}`);
  }
}

function flagOf(args: ChannelArgs, name: string, otherwise: boolean): boolean {
  const value = args[name];
  if (value === undefined || value === null) return otherwise;
  if (value === true || value === false || typeof value === "number") return Boolean(value);
  throw new ChannelArgError(`channel argument ${name} is ${show(value)}, must be 0 or 1`);
}

function numberOf(
  args: ChannelArgs,
  name: string,
  otherwise: number,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  const value = args[name];
  if (value === undefined || value === null) return otherwise;
  if (value === Number.POSITIVE_INFINITY && max === Number.MAX_SAFE_INTEGER) return max;
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number;
  }
  const upTo = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`;
  throw new ChannelArgError(
    `channel argument ${name} is ${show(value)}, must be a whole number, ${upTo}`,
  );
}

/** -1 is no limit. */
function sizeOf(args: ChannelArgs, name: string, otherwise: number): number {
  const bytes = numberOf(args, name, -2, -1);
  if (bytes === -2) return otherwise;
  return bytes === -1 ? Number.POSITIVE_INFINITY : bytes;
}
