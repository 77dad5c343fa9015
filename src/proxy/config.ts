/**
 * What a proxy is told: one plain, fully set value, and the texts of addresses.
 *
 * Plain, because it goes to worker processes over IPC. It reads no flags and no environment: that
 * is `cli`'s work. Every default and every bound of an option stands here.
 */
import type { ClientTlsFiles, ListenAddress, ServerTlsFiles } from "../transport/index.ts";

/** An address of TCP; port 0 lets the system choose. */
export interface TcpAddress {
  /** An IP address, without brackets, or a name. */
  readonly host: string;
  readonly port: number;
}

/** How endpoints are chosen: a policy by name, or gRPC service config after `JSON.parse`. */
export type PolicyChoice =
  | { readonly name: string; readonly serviceConfig: null }
  | { readonly name: null; readonly serviceConfig: unknown };

/** Certificates of the exchange between replicas, all PEM. */
export interface PeerTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Peers must show a certificate of it, in either role. */
  readonly caFile: string;
  /** The name that peers' certificates carry; null: the host of their address. */
  readonly serverName: string | null;
}

/** How the replicas of a proxy find each other. */
export interface PeersConfig {
  /** A target whose endpoints are the peer ports of all replicas. */
  readonly target: string;
  /** Our own peer port. */
  readonly listen: TcpAddress;
  /** Null: plaintext. */
  readonly tls: PeerTlsFiles | null;
}

/** What every proxy is told, whatever it serves. */
export interface FrontConfig {
  /**
   * Connections of a worker to one endpoint, opened one by one when its MAX_CONCURRENT_STREAMS is
   * reached.
   */
  readonly maxConnectionsPerEndpoint: number;
  /** Connections of clients, of all workers together. */
  readonly maxConnections: number;
  /** MAX_CONCURRENT_STREAMS that listeners announce. */
  readonly maxStreams: number;
  /** From the request to drain (not ready any more) to the first GOAWAY. */
  readonly drainDelayMs: number;
  /** From the first GOAWAY to the end of what is still in flight. */
  readonly drainTimeoutMs: number;
  /** How long a call waits for an endpoint to become ready. */
  readonly readyTimeoutMs: number;
  /** A client connection without a call for this long is closed in order; 0 for never. */
  readonly idleTimeoutMs: number;
  /** A client connection of this age, 10 % more or less, is closed in order; 0 for never. */
  readonly maxConnectionAgeMs: number;
  /** How long calls may go on then; 0 for as long as they take. */
  readonly maxConnectionAgeGraceMs: number;
  /** Other replicas, among which load is evened out; null: none are known. */
  readonly peers: PeersConfig | null;
  readonly admin: TcpAddress | null;
  /** Where channelz is served; null: nowhere. */
  readonly adminGrpc: TcpAddress | null;
  /** Processes that relay. */
  readonly workers: number;
}

/** All that a proxy of one target can be told. */
export interface ProxyConfig extends FrontConfig {
  /** At least one. */
  readonly listeners: readonly ListenAddress[];
  /** See `parseTarget` of `discovery`. */
  readonly target: string;
  /** null: the default, unless the resolver has a service config. */
  readonly policy: PolicyChoice | null;
  /** Certificates of the listeners; null: plaintext. */
  readonly tls: ServerTlsFiles | null;
  /** TLS towards endpoints; null: plaintext. */
  readonly upstreamTls: ClientTlsFiles | null;
}

/** Where a port of a configuration's listeners is listened on. */
export interface ListenPlace {
  /** The port in the configuration; null: the lowest without a place. */
  readonly port: number | null;
  readonly address: ListenAddress;
}

/** All that a proxy of many targets can be told beside its source. */
export interface MeshProxyConfig extends FrontConfig {
  /** For people: "gateway prod/edge". */
  readonly serves: string;
  /** Listeners without a place are where their configuration says. */
  readonly places: readonly ListenPlace[];
  /** Of every cluster; null: what the configuration and resolvers say. */
  readonly policy: PolicyChoice | null;
  /** Whether clusters connect at once; otherwise when first used. */
  readonly isEager: boolean;
}

/** What holds where nothing else is said. `listeners` and `target` have no default. */
export const PROXY_DEFAULTS = {
  policy: null,
  tls: null,
  upstreamTls: null,
  maxConnectionsPerEndpoint: 10,
  /** At 12 KiB an idle connection these are 120 MB; file limits are commonly above it. */
  maxConnections: 10_000,
  maxStreams: 1000,
  drainDelayMs: 0,
  drainTimeoutMs: 30_000,
  readyTimeoutMs: 5000,
  /** As Envoy's: an hour. */
  idleTimeoutMs: 3_600_000,
  maxConnectionAgeMs: 0,
  maxConnectionAgeGraceMs: 0,
  peers: null,
  admin: null,
  adminGrpc: null,
  workers: 1,
} as const satisfies Omit<ProxyConfig, "listeners" | "target">;

/** Bounds of the numbers, inclusive, in the units of `ProxyConfig`. */
export const PROXY_BOUNDS = {
  maxConnectionsPerEndpoint: { min: 1, max: 1000 },
  maxConnections: { min: 1, max: 1_000_000 },
  /** Below the engine's own bound of memory per connection. */
  maxStreams: { min: 1, max: 100_000 },
  drainDelayMs: { min: 0, max: 3_600_000 },
  drainTimeoutMs: { min: 0, max: 86_400_000 },
  readyTimeoutMs: { min: 0, max: 3_600_000 },
  idleTimeoutMs: { min: 0, max: 86_400_000 },
  maxConnectionAgeMs: { min: 0, max: 86_400_000 },
  maxConnectionAgeGraceMs: { min: 0, max: 86_400_000 },
  workers: { min: 1, max: 128 },
} as const;

/** What the kernels have room for, less the zero at its end. */
const UNIX_PATH_BYTES_MAX = process.platform === "linux" ? 107 : 103;

/** What `tryParseListenAddress` takes, for a message about `text`. */
export function listenForms(text: string): string {
  const bytes = `, with a path of at most ${UNIX_PATH_BYTES_MAX} bytes`;
  return `HOST:PORT, [IPV6]:PORT or unix:PATH${text.startsWith("unix:") ? bytes : ""}`;
}

/** One of `listenForms`; null when it is none of them. */
export function tryParseListenAddress(text: string): ListenAddress | null {
  if (!text.startsWith("unix:")) return tryParseTcpAddress(text);
  const path = text.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
  if (path === "" || path.includes("\0")) return null;
  return Buffer.byteLength(path) > UNIX_PATH_BYTES_MAX ? null : { path };
}

/** "HOST:PORT" or "[IPV6]:PORT"; null when it is neither. */
export function tryParseTcpAddress(text: string): TcpAddress | null {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([\w.-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return null;
  return { host: match[1] ?? match[2], port };
}
