/**
 * Many targets for connections that were captured: nothing is bound, each socket comes with the
 * listener that its original destination belongs to. Clusters connect when they are first called.
 */
import type { Socket } from "node:net";
import type { Readiness } from "../../cluster/index.ts";
import { type HeaderList, NO_EVENTS, type Stream, type StreamEvents } from "../../http2/index.ts";
import type { ListenerSpec, MeshConfig } from "../../mesh/index.ts";
import {
  Acceptor,
  remoteOf,
  type SocketConnection,
  type TransportLoop,
} from "../../transport/index.ts";
import type { MeshProxyConfig } from "../config.ts";
import type { CallStarter, Downstream } from "../downstream.ts";
import type { Front } from "../front.ts";
import type { MeshProxySystem } from "../proxy.ts";
import { ReadyTable } from "../routing/routed-calls.ts";
import { RoutedServing } from "./routed-serving.ts";
import type { Serving } from "./serving.ts";
import { type ListenerView, type RouteView, routeViews } from "./views.ts";

/** See the head of this file. */
export class CapturedServing extends RoutedServing implements Serving {
  readonly #front: Front;
  readonly #acceptor: Acceptor;
  #listeners: ReadonlyMap<string, ListenerSpec> = new Map();
  /** Of listeners that were called, by name; those that are gone lead to clusters that are too. */
  readonly #tables = new Map<string, { readonly spec: ListenerSpec; readonly table: ReadyTable }>();

  constructor(config: MeshProxyConfig, system: MeshProxySystem, front: Front, loop: TransportLoop) {
    super(config, system, front, loop, true);
    this.#front = front;
    // Nothing is accepted but what comes with its listener.
    const nobody = { start: () => NO_EVENTS };
    this.#acceptor = new Acceptor(front.acceptorOptions(), front.eventsFor(nobody), loop);
  }

  override onConfig(config: MeshConfig): void {
    super.onConfig(config);
    this.#listeners = new Map(config.listeners.map((listener) => [listener.name, listener]));
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
    return this.calls.start(this.#tableOf(listener), from, stream, list, isEnd);
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

  connections(): SocketConnection[] {
    return [...this.#acceptor.connections];
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
