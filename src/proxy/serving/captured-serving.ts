/**
 * Many targets for connections that were captured: nothing is bound, each socket comes with the
 * listener that its original destination belongs to. Clusters connect when they are first called.
 */
import type { Socket } from "node:net";
import { silentLogger, TimerWheel } from "../../base/index.ts";
import { type ClusterView, DEFAULT_CLUSTER_CONFIG, type Readiness } from "../../cluster/index.ts";
import type { HeaderList, Stream, StreamEvents } from "../../http2/index.ts";
import {
  type ListenerSpec,
  MeshClusters,
  type MeshConfig,
  type MeshListener,
} from "../../mesh/index.ts";
import type { MetricsSnapshot } from "../../telemetry/index.ts";
import {
  Acceptor,
  remoteOf,
  type SocketConnection,
  type TransportLoop,
} from "../../transport/index.ts";
import type { MeshProxyConfig } from "../config.ts";
import type { CallStarter, Downstream } from "../downstream.ts";
import type { Front } from "../front.ts";
import { chosenConfig } from "../policy-choice.ts";
import type { MeshProxySystem } from "../proxy.ts";
import { REFUSED_CALL } from "../routing/refused-call.ts";
import { ReadyTable, RoutedCalls } from "../routing/routed-calls.ts";
import type { Serving } from "./serving.ts";
import { type ListenerView, type RouteView, routeViews } from "./views.ts";

/** See the head of this file. */
export class CapturedServing implements Serving, MeshListener {
  readonly #config: MeshProxyConfig;
  readonly #system: MeshProxySystem;
  readonly #front: Front;
  readonly #clusters: MeshClusters;
  readonly #calls: RoutedCalls;
  readonly #acceptor: Acceptor;
  #isConfigured = false;
  #listeners: ReadonlyMap<string, ListenerSpec> = new Map();
  /** Of listeners that were called, by name; those that are gone lead to clusters that are too. */
  readonly #tables = new Map<string, { readonly spec: ListenerSpec; readonly table: ReadyTable }>();

  constructor(config: MeshProxyConfig, system: MeshProxySystem, front: Front, loop: TransportLoop) {
    const { clock, rng, log, registry } = system;
    this.#config = config;
    this.#system = system;
    this.#front = front;
    this.#clusters = new MeshClusters({
      ...{ clock, rng, log, loop, quiet: silentLogger, wheel: new TimerWheel(clock) },
      settings: {
        ...DEFAULT_CLUSTER_CONFIG,
        maxConnectionsPerEndpoint: config.maxConnectionsPerEndpoint,
        readyTimeoutMs: config.readyTimeoutMs,
        isSourceLogged: true,
      },
      serviceConfig: chosenConfig(config.policy),
      isEager: config.isEager,
      listener: null,
    });
    this.#calls = new RoutedCalls(front, this.#clusters, rng, registry);
    // Nothing is accepted but what comes with its listener.
    const nobody = { start: () => REFUSED_CALL };
    this.#acceptor = new Acceptor(front.acceptorOptions(), front.eventsFor(nobody), loop);
  }

  async listen(): Promise<string[]> {
    this.#system.source.start(this);
    return [];
  }

  // MeshListener

  onConfig({ listeners, clusters }: MeshConfig): void {
    this.#isConfigured = true;
    this.#clusters.configure(clusters);
    this.#listeners = new Map(listeners.map((listener) => [listener.name, listener]));
  }

  onError(reason: string): void {
    const { serves } = this.#config;
    const what = this.#isConfigured
      ? "configuration: the last good one stays"
      : "no configuration yet";
    this.#system.log.warn(what, { serves, reason });
  }

  accept(socket: Socket, first: Buffer, listener: ListenerSpec | null): void {
    if (listener === null) {
      socket.destroy();
      return;
    }
    if (!this.#acceptor.tryAdmit(socket)) return;
    const starter = new CapturedConnection(this, listener);
    this.#acceptor.acceptBegun(socket, first, this.#front.connected(remoteOf(socket), starter));
  }

  /** From a connection that was captured for a listener. */
  start(
    listener: ListenerSpec,
    from: Downstream,
    stream: Stream,
    list: HeaderList,
    isEnd: boolean,
  ): StreamEvents {
    return this.#calls.start(this.#tableOf(listener), from, stream, list, isEnd);
  }

  /** The table in force, made ready by the first call. */
  #tableOf(captured: ListenerSpec): ReadyTable | null {
    const { name } = captured;
    const known = this.#tables.get(name);
    const spec = this.#listeners.get(name) ?? known?.spec ?? captured;
    if (known?.spec === spec) return known.table;
    const chain = plaintextChainOf(spec);
    if (chain === undefined) return null;
    const table = new ReadyTable(name, chain.table);
    this.#tables.set(name, { spec, table });
    return table;
  }

  stop(): void {
    this.#acceptor.stop();
  }

  close(): void {
    this.#system.source.close();
    this.#calls.mirrors.close();
    this.#clusters.close();
  }

  connections(): SocketConnection[] {
    return [...this.#acceptor.connections];
  }

  get activeCalls(): number {
    return this.#clusters.activeCalls - this.#calls.mirrors.size;
  }

  get callsWaitingForCapacity(): number {
    return this.#clusters.callsWaitingForCapacity;
  }

  clusters(): ClusterView[] {
    return this.#clusters.views();
  }

  listeners(): ListenerView[] {
    return [...this.#listeners.values()].map(({ name, address, chains }) => ({
      name,
      wanted: address === null ? null : `${address.host}:${address.port}`,
      address: null,
      reason: "captured",
      connections: 0,
      chains: chains.map(({ serverNames, tls, table }) => ({
        ...{ serverNames, tls: tls !== null, clientCertificates: false },
        routes: table.hosts.reduce((sum, { routes }) => sum + routes.length, 0),
      })),
    }));
  }

  routes(): RouteView[] {
    return [...this.#listeners.values()].flatMap(({ name, chains }) =>
      chains.flatMap(({ serverNames, table }) => routeViews(name, serverNames, table)),
    );
  }

  /** Whoever captures says whether it is ready: it serves what it does not know as well. */
  readiness(): Readiness {
    return { ready: true, reason: "capturing" };
  }

  figures(): MetricsSnapshot {
    return this.#clusters.snapshot();
  }

  onTick(nowMs: number): void {
    this.#calls.mirrors.onTick(nowMs);
  }
}

/** What is captured in plaintext goes by the chain that is for it. */
function plaintextChainOf({ chains }: ListenerSpec) {
  return chains.find(({ tls }) => tls === null);
}

/** Starts the calls of one connection. */
class CapturedConnection implements CallStarter {
  readonly #serving: CapturedServing;
  readonly #listener: ListenerSpec;

  constructor(serving: CapturedServing, listener: ListenerSpec) {
    this.#serving = serving;
    this.#listener = listener;
  }

  start(from: Downstream, stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    return this.#serving.start(this.#listener, from, stream, list, isEnd);
  }
}
