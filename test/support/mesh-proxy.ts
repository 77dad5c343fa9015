/**
 * A proxy of many targets in this process, under virtual time, on real sockets: the test says its
 * configuration. Endpoints are raw HTTP/2 servers.
 */
import { RecordingLogger, seededRng, VirtualClock } from "../../src/base/index.ts";
import { createResolver } from "../../src/discovery/index.ts";
import type {
  ClusterSpec,
  ListenerSpec,
  MeshConfig,
  MeshListener,
  MeshSource,
} from "../../src/mesh/index.ts";
import { createMeshProxy, type MeshProxyConfig, PROXY_DEFAULTS } from "../../src/proxy/index.ts";
import type { ForwardAction, Route, RouteAction, RouteTable } from "../../src/routes/index.ts";
import { Registry } from "../../src/telemetry/index.ts";
import { settle } from "./cluster.ts";
import {
  eventually,
  type RawConnection,
  type RawOptions,
  RawServer,
  rawClient,
} from "./raw-http2.ts";

/** A source that says what a test has it say. */
export class ManualSource implements MeshSource {
  listener: MeshListener | null = null;
  isClosed = false;

  start(listener: MeshListener): void {
    this.listener = listener;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** A cluster of fixed addresses. */
export function clusterSpec(name: string, target: string, more: Partial<ClusterSpec> = {}) {
  const clock = new VirtualClock();
  const deps = { clock, rng: seededRng(1), log: new RecordingLogger() };
  const newResolver = () => createResolver(target, deps);
  const spec = { name, key: `${name} ${target}`, newResolver, serviceConfig: null, tls: null };
  return { ...spec, ...more } satisfies ClusterSpec;
}

/** A forward to clusters by weight, that changes nothing unless told. */
export function forward(
  clusters: Readonly<Record<string, number>>,
  more: Partial<ForwardAction> = {},
): ForwardAction {
  return {
    kind: "forward",
    clusters: Object.entries(clusters).map(([cluster, weight]) => {
      return { cluster, weight, request: null, response: null };
    }),
    ...{ request: null, response: null, mirrors: [], timeoutMs: null },
    ...{ retryPolicy: null, hashHeader: null },
    ...more,
  };
}

/** A route of all paths with a prefix. */
export function route(value: string, action: RouteAction): Route {
  const path = { kind: "prefix", value, ignoresCase: false } as const;
  return { name: `route ${value}`, match: { path, headers: [], perMillion: null }, action };
}

/** One virtual host with these routes. */
export function tableOf(routes: readonly Route[], domains: readonly string[] = ["*"]): RouteTable {
  return { hosts: [{ name: "host", domains, routes }] };
}

/** A plaintext listener. */
export function listenerOf(name: string, table: RouteTable, port = 0): ListenerSpec {
  const address = { host: "127.0.0.1", port };
  return { name, address, chains: [{ serverNames: [], tls: null, table }] };
}

/** See the head of this file. */
export class MeshHarness {
  readonly clock = new VirtualClock();
  readonly log = new RecordingLogger();
  readonly source = new ManualSource();
  readonly proxy: ReturnType<typeof createMeshProxy>;
  /** Where listeners are bound, by name. */
  readonly bound = new Map<string, string>();
  readonly #servers: RawServer[] = [];
  readonly #clients: RawConnection[] = [];

  /** @param overrides of what users have. */
  constructor(overrides: Partial<MeshProxyConfig> = {}) {
    const { clock, log, source } = this;
    clock.advance(1_000);
    const config = {
      ...PROXY_DEFAULTS,
      ...{ serves: "a test", places: [], policy: null, isEager: true, drainTimeoutMs: 30_000 },
      ...overrides,
    };
    this.proxy = createMeshProxy(config, {
      ...{ clock, log, source, rng: seededRng(7), registry: new Registry() },
      onListening: (address, name) => this.bound.set(name, address),
    });
  }

  /** A server, to be ended with the harness. */
  async server(options: RawOptions = {}): Promise<RawServer> {
    const server = await RawServer.listen(options);
    this.#servers.push(server);
    return server;
  }

  /** Says a configuration; resolves when all its listeners are bound. */
  async say(listeners: readonly ListenerSpec[], clusters: readonly ClusterSpec[]): Promise<void> {
    if (this.source.listener === null) await this.proxy.listen();
    this.source.listener!.onConfig(configOf(listeners, clusters));
    await eventually("all are bound", () => listeners.every(({ name }) => this.bound.has(name)));
  }

  /** Waits until `count` endpoints of a cluster are ready. */
  async untilReady(name: string, count: number): Promise<void> {
    await eventually(`${count} endpoints of ${name} are ready`, () => {
      const view = this.proxy.clusters().find(({ target }) => target === name);
      return view?.endpoints.filter(({ state }) => state === "READY").length === count;
    });
  }

  /** A raw client of a listener. */
  async client(name: string, options: RawOptions = {}): Promise<RawConnection> {
    const client = await rawClient(this.bound.get(name)!, options);
    this.#clients.push(client);
    return client;
  }

  /** The value of a metric, summed over its series with these labels. */
  metric(name: string, labels: Record<string, string> = {}): number {
    const families = this.proxy.metrics().families.filter((family) => family.name === name);
    const isMatch = (has: Readonly<Record<string, string>>) =>
      Object.entries(labels).every(([key, value]) => has[key] === value);
    const series = families.flatMap((family) => family.series).filter((one) => isMatch(one.labels));
    return series.reduce((sum, { value }) => sum + value, 0);
  }

  /** Lets time pass, a second at a time. */
  async pass(ms: number): Promise<void> {
    await settle();
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advance(Math.min(left, 1_000));
      await settle(3);
    }
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.proxy.close();
    for (const server of this.#servers) await server.close();
    await eventually("no timer is left", () => this.clock.pendingCount === 0);
  }
}

/** A whole configuration. */
export function configOf(
  listeners: readonly ListenerSpec[],
  clusters: readonly ClusterSpec[],
): MeshConfig {
  return { listeners, clusters: new Map(clusters.map((spec) => [spec.name, spec])) };
}

/** Runs a test with a harness. */
export async function withMesh(
  body: (harness: MeshHarness) => Promise<void>,
  overrides: Partial<MeshProxyConfig> = {},
): Promise<void> {
  const harness = new MeshHarness(overrides);
  try {
    await body(harness);
  } finally {
    await harness.close();
  }
}
