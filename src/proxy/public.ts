/**
 * `fairlead/proxy`: a proxy inside another program. The package's public entry, where the real
 * clock is made.
 *
 * In one process and without an admin endpoint: whoever needs those runs `fairlead proxy`.
 */
import { type Logger, realClock, realRng, silentLogger } from "../base/index.ts";
import type { ClusterView, Readiness } from "../cluster/index.ts";
import {
  createResolver,
  type DiscoveryOptions,
  DnsNames,
  openDiscovery,
  type ResolverDeps,
  systemDns,
} from "../discovery/index.ts";
import { Registry, renderPrometheus } from "../telemetry/index.ts";
import type { ClientTlsFiles, ListenAddress, ServerTlsFiles } from "../transport/index.ts";
import {
  listenForms,
  type PeersConfig,
  type PeerTlsFiles,
  PROXY_DEFAULTS,
  type ProxyConfig,
  tryParseListenAddress,
  tryParseTcpAddress,
} from "./config.ts";
import { type ConnectionsView, mergeDownstreams, Nesting, withoutPeers } from "./nesting/index.ts";
import { createProxy, type ProxySystem, type Proxy as RelayProxy } from "./proxy.ts";
import { singleRelay } from "./workers/index.ts";

export type { Logger } from "../base/index.ts";
export type { ClusterView, EndpointView, Readiness } from "../cluster/index.ts";
export type { DiscoveryOptions } from "../discovery/index.ts";
export type { ClientTlsFiles, ServerTlsFiles } from "../transport/index.ts";
export type { PeerTlsFiles } from "./config.ts";
export type {
  BalanceView,
  ConnectionsView,
  ConnectionView,
  PeerState,
  PeerView,
  ShedView,
} from "./nesting/index.ts";

/** What `startProxy` takes: the flags of `fairlead proxy`, with its defaults. */
export interface ProxyOptions {
  /** "HOST:PORT" (port 0: any), "[IPV6]:PORT" or "unix:PATH"; at least one. */
  readonly listen: string | readonly string[];
  /**
   * A target: "kubernetes:///SERVICE.NAMESPACE:PORT", "HOST:PORT", "IP:PORT,IP:PORT", "dns:///...",
   * "static:///...", "unix:PATH".
   */
  readonly to: string;
  /** How a `kubernetes` target finds its objects; by default as kubectl does. */
  readonly kubernetes?: DiscoveryOptions;
  /** "least_request", "round_robin", "random" or "pick_first". */
  readonly policy?: string;
  /** gRPC service config, as an object, in place of `policy`. Without either: the resolver's. */
  readonly serviceConfig?: unknown;
  readonly tls?: ServerTlsFiles;
  readonly upstreamTls?: ClientTlsFiles;
  readonly maxConnectionsPerEndpoint?: number;
  readonly maxConnections?: number;
  readonly maxStreams?: number;
  readonly drainDelayMs?: number;
  readonly drainTimeoutMs?: number;
  readonly readyTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  /** A client connection of this age, 10 % more or less, is closed in order; 0 (default): never. */
  readonly maxConnectionAgeMs?: number;
  /** How long its calls may go on then; 0 (default): as long as they take. */
  readonly maxConnectionAgeGraceMs?: number;
  /** Other replicas, among which load is evened out. */
  readonly peers?: PeersOptions;
  /** Where lines go; nowhere unless given. */
  readonly log?: Logger;
}

/** How replicas find each other: `--peers` and its neighbours. */
export interface PeersOptions {
  /** A target whose endpoints are the peer ports of all replicas. */
  readonly target: string;
  /** Our own: "HOST:PORT" or "[IPV6]:PORT". */
  readonly listen: string;
  /** Certificates among replicas; plaintext without. */
  readonly tls?: PeerTlsFiles;
}

/** A proxy that listens. */
export interface RunningProxy {
  /** In the order of `listen`, with the ports in use. */
  readonly addresses: readonly string[];
  /** The peer port, with the port in use; null without `peers`. */
  readonly peerAddress: string | null;
  /** What is behind it, as `GET /clusters?format=json` shows it. */
  clusters(): ClusterView[];
  /**
   * Its client connections, those with most calls per second first, and its peers, as
   * `GET /connections?format=json` shows them.
   */
  connections(): ConnectionsView;
  readiness(): Readiness;
  /** Its figures in the Prometheus text format. */
  metricsText(): string;
  /** Stops accepting and lets calls finish; resolves when all have, or at `drainTimeoutMs`. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  close(): void;
}

/** All proxies of a process are one client of its DNS servers. */
const NAMES = new DnsNames({ clock: realClock(), rng: realRng(), system: systemDns() });

/**
 * Starts a proxy; resolves once it listens. An endpoint that cannot be reached is no error here.
 *
 * Rejects with one clear sentence: RangeError for an address that is none, TargetError,
 * DiscoveryError, PolicyError, TlsFileError, or ListenError for an address that cannot be had.
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const clock = realClock();
  const rng = realRng();
  const log = options.log ?? silentLogger;
  const registry = new Registry();
  const system = { clock, rng, log, registry };
  const { to, kubernetes = {} } = options;
  const config = configOf(options);
  const targets = config.peers === null ? [to] : [to, config.peers.target];
  const discovery = await openDiscovery(targets, kubernetes, {
    ...system,
    ...{ dns: NAMES, env: process.env, optionPrefix: "kubernetes." },
  });
  let parts: Parts;
  try {
    parts = await openParts(config, discovery.deps, system);
  } catch (error) {
    discovery.close();
    throw error;
  }
  const { proxy, nesting, addresses, peerAddress } = parts;
  nesting?.start();
  const end = (): void => {
    nesting?.close();
    proxy.close();
    discovery.close();
  };
  return {
    addresses,
    peerAddress,
    connections: () => {
      const view = mergeDownstreams([proxy.downstreams()]);
      return nesting === null ? withoutPeers(view) : nesting.view(view);
    },
    clusters: () => proxy.clusters(),
    readiness: () => proxy.readiness(),
    metricsText: () => renderPrometheus(proxy.metrics()),
    drain: () => {
      nesting?.drain();
      return proxy.drain("the program");
    },
    close: end,
  };
}

/** What relays, and what evens it out with other replicas; both listen. */
interface Parts {
  readonly proxy: RelayProxy;
  /** Null without peers, as its address. */
  readonly nesting: Nesting | null;
  readonly addresses: readonly string[];
  readonly peerAddress: string | null;
}

/** Opens both or, when it rejects, neither. */
async function openParts(
  config: ProxyConfig,
  deps: ResolverDeps,
  system: Omit<ProxySystem, "resolver">,
): Promise<Parts> {
  const { target, peers } = config;
  const proxy = createProxy(config, { ...system, resolver: createResolver(target, deps) });
  let nesting: Nesting | null = null;
  try {
    if (peers !== null) {
      const resolver = createResolver(peers.target, deps);
      nesting = new Nesting(peers, singleRelay(proxy), { ...system, resolver });
    }
    const peerAddress = nesting && (await nesting.listen());
    return { proxy, nesting, peerAddress, addresses: await proxy.listen() };
  } catch (error) {
    nesting?.close();
    proxy.close();
    throw error;
  }
}

function configOf(options: ProxyOptions): ProxyConfig {
  const { log: _, kubernetes: __, listen, to, policy, serviceConfig, peers, ...given } = options;
  const texts = typeof listen === "string" ? [listen] : listen;
  const named =
    policy === undefined ? PROXY_DEFAULTS.policy : { name: policy, serviceConfig: null };
  const choice = serviceConfig === undefined ? named : ({ name: null, serviceConfig } as const);
  return {
    ...PROXY_DEFAULTS,
    ...given,
    listeners: texts.map(parseListen),
    target: to,
    policy: choice,
    peers: peers === undefined ? null : peersOf(peers),
  };
}

function peersOf({ target, listen, tls }: PeersOptions): PeersConfig {
  const address = tryParseTcpAddress(listen);
  if (address !== null) return { target, listen: address, tls: tls ?? null };
  const allowed = "HOST:PORT or [IPV6]:PORT";
  throw new RangeError(`peers.listen ${JSON.stringify(listen)}: must be ${allowed}`);
}

function parseListen(text: string): ListenAddress {
  const address = tryParseListenAddress(text);
  if (address !== null) return address;
  throw new RangeError(`listen ${JSON.stringify(text)}: must be ${listenForms(text)}`);
}
