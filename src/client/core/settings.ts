/**
 * What a channel is told, fully set: the adapters parse what users say into this.
 */
import type { Clock, Logger, Rng, TimerWheel } from "../../base/index.ts";
import type { ClusterConfig, ServiceConfig } from "../../cluster/index.ts";
import type { DiscoveryOptions, Resolver } from "../../discovery/index.ts";
import type { TransportLoop } from "../../transport/index.ts";
import type { Encoding } from "./compression.ts";

/** "the default is 30 minutes" (gRPC's client_idle_timeout). */
export const IDLE_TIMEOUT_MS = 1_800_000;
/** The least that it may be set to. */
export const IDLE_TIMEOUT_MS_MIN = 1_000;
/** How long the answer of a keepalive PING may take (gRFC A8). */
export const KEEPALIVE_TIMEOUT_MS = 20_000;
/** The first delay between attempts to connect: gRPC's connection-backoff document. */
export const BACKOFF_INITIAL_MS = 1_000;
/** The longest of those delays. */
export const BACKOFF_MAX_MS = 120_000;
/** What a received message may have at most unless a channel says otherwise: gRPC's 4 MiB. */
export const RECEIVE_BYTES_MAX = 4_194_304;

/** Settings of the cluster under a channel: channels that agree in all of them share one. */
export type ClusterSettings = Pick<
  ClusterConfig,
  | "maxConnectionsPerEndpoint"
  | "backoff"
  | "connection"
  | "keepalive"
  | "secure"
  | "tunnel"
  | "warmUp"
  | "replay"
>;

/** What people can do who have no flags of the proxy but an API. */
const HINTS = { tls: "TLS credentials", authority: "the channel's authority" };

/**
 * What every cluster of a client is told, whoever names its endpoints: calls wait until their own
 * deadline, and nothing of it keeps the process alive.
 */
export function clientClusterSettings({ cluster, authority }: ChannelSettings) {
  return {
    ...cluster,
    authority,
    readyTimeoutMs: Number.POSITIVE_INFINITY,
    capacityTimeoutMs: Number.POSITIVE_INFINITY,
    deadlineGraceMs: 0,
    isDeadlineTold: true,
    isSourceLogged: true,
    isUnref: true,
    hints: HINTS,
  };
}

/** Settings of one channel. */
export interface ChannelSettings {
  /** As `parseTarget` takes it. */
  readonly target: string;
  /** What is resolved and connected to in its place: a HTTP proxy; null for the target itself. */
  readonly dialTarget: string | null;
  readonly discovery: DiscoveryOptions;
  /** ":authority", and "https" for connections that are secure. */
  readonly authority: string;
  readonly scheme: "http" | "https";
  readonly userAgent: string;
  /** "application/grpc", or with the format of messages: "application/grpc+json". */
  readonly contentType: string;
  /** What holds while the resolver has no service config: after `JSON.parse`; null for none. */
  readonly serviceConfig: unknown;
  /** The same, parsed, with the policy that is named beside it. */
  readonly ownConfig: ServiceConfig;
  /** Whether service config of the resolver counts. */
  readonly takesServiceConfig: boolean;
  readonly cluster: ClusterSettings;
  readonly encoding: Encoding;
  /** The most that one message may have; Infinity for no limit. */
  readonly sendBytesMax: number;
  readonly receiveBytesMax: number;
  /** Attempts of a call by a policy of its method, the first included; 1 for no other. */
  readonly attemptsMax: number;
  /** Without a call for this long its connections are closed; Infinity for never. */
  readonly idleTimeoutMs: number;
  /** Whether connections are shared with channels of the same settings. */
  readonly isShared: boolean;
  readonly log: Logger;
}

/** The real things that channels need, once a process. */
export interface ClientDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly loop: TransportLoop;
  readonly wheel: TimerWheel;
  /**
   * @param txt whether TXT records are asked for service config, where names are looked up.
   * @throws TargetError for a malformed target.
   */
  createResolver(target: string, discovery: DiscoveryOptions, txt: boolean): Resolver;
  /** The environment: it names the bootstrap of xDS (gRFC A27). */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** While more is retained than released, the process lives: for calls in flight. */
  retain(): void;
  release(): void;
}
