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
  systemDns,
} from "../discovery/index.ts";
import { Registry, renderPrometheus } from "../telemetry/index.ts";
import type { ClientTlsFiles, ListenAddress, ServerTlsFiles } from "../transport/index.ts";
import { listenForms, PROXY_DEFAULTS, type ProxyConfig, tryParseListenAddress } from "./config.ts";
import { createProxy } from "./proxy.ts";

export type { Logger } from "../base/index.ts";
export type { ClusterView, EndpointView, Readiness } from "../cluster/index.ts";
export type { DiscoveryOptions } from "../discovery/index.ts";
export type { ClientTlsFiles, ServerTlsFiles } from "../transport/index.ts";

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
  /** Where lines go; nowhere unless given. */
  readonly log?: Logger;
}

/** A proxy that listens. */
export interface RunningProxy {
  /** In the order of `listen`, with the ports in use. */
  readonly addresses: readonly string[];
  /** What is behind it, as `GET /clusters?format=json` shows it. */
  clusters(): ClusterView[];
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
  const discovery = await openDiscovery([to], kubernetes, {
    ...system,
    ...{ dns: NAMES, env: process.env, optionPrefix: "kubernetes." },
  });
  let addresses: readonly string[];
  let proxy: ReturnType<typeof createProxy>;
  try {
    const resolver = createResolver(to, discovery.deps);
    proxy = createProxy(config, { ...system, resolver });
    // One that cannot listen has closed itself.
    addresses = await proxy.listen();
  } catch (error) {
    discovery.close();
    throw error;
  }
  const end = (): void => {
    proxy.close();
    discovery.close();
  };
  return {
    addresses,
    clusters: () => proxy.clusters(),
    readiness: () => proxy.readiness(),
    metricsText: () => renderPrometheus(proxy.metrics()),
    drain: () => proxy.drain("the program"),
    close: end,
  };
}

function configOf(options: ProxyOptions): ProxyConfig {
  const { log: _, kubernetes: __, listen, to, policy, serviceConfig, ...given } = options;
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
  };
}

function parseListen(text: string): ListenAddress {
  const address = tryParseListenAddress(text);
  if (address !== null) return address;
  throw new RangeError(`listen ${JSON.stringify(text)}: must be ${listenForms(text)}`);
}
