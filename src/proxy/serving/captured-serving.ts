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
  listenAddressText,
  remoteOf,
  type SocketConnection,
  type TransportLoop,
} from "../../transport/index.ts";
import type { MeshProxyConfig } from "../config.ts";
import type { CallStarter, Downstream } from "../downstream.ts";
import type { Front } from "../front.ts";
import type { MeshProxySystem } from "../proxy.ts";
import type { ReadyTable } from "../routing/routed-calls.ts";
import { ReadyTables, readyTableOf } from "./ready-tables.ts";
import { RoutedServing } from "./routed-serving.ts";
import type { Serving } from "./serving.ts";
import { type ListenerView, type RouteView, routeViews } from "./views.ts";

/** See the head of this file. */
export class CapturedServing extends RoutedServing implements Serving {
  readonly #front: Front;
  readonly #acceptor: Acceptor;
  readonly #tables = new ReadyTables();

  constructor(config: MeshProxyConfig, system: MeshProxySystem, front: Front, loop: TransportLoop) {
    super(config, system, front, loop, true);
    this.#front = front;
    // Nothing is accepted but what comes with its listener.
    const nobody = { start: () => NO_EVENTS };
    this.#acceptor = new Acceptor(front.acceptorOptions(), front.eventsFor(nobody), loop);
  }

  override onConfig(config: MeshConfig): void {
    super.onConfig(config);
    this.#tables.configure(config.listeners);
  }

  accept(socket: Socket, first: Buffer, listener: ListenerSpec | null): void {
    if (listener === null) {
      socket.destroy();
      return;
    }
    if (!this.#acceptor.tryAdmit(socket)) return;
    const starter = new CapturedConnection(this, this.#tables, listener);
    this.#acceptor.acceptBegun(socket, first, this.#front.connected(remoteOf(socket), starter));
  }

  /** From a connection that was captured for a listener of this table. */
  start(
    table: ReadyTable | null,
    from: Downstream,
    stream: Stream,
    list: HeaderList,
    isEnd: boolean,
  ): StreamEvents {
    return this.calls.start(table, from, stream, list, isEnd);
  }

  stop(): void {
    this.#acceptor.stop();
  }

  connections(): SocketConnection[] {
    return [...this.#acceptor.connections];
  }

  listeners(): ListenerView[] {
    return [...this.#tables.listeners.values()].map(({ name, address, chains }) => {
      const captured = address && listenAddressText(address);
      return {
        ...{ name, wanted: captured, address: captured },
        reason: captured === null ? "it has no address" : "captured",
        connections: 0,
        chains: chains.map(({ serverNames, tls, table }) => ({
          ...{ serverNames, tls: tls !== null, clientCertificates: false },
          routes: table.hosts.reduce((sum, { routes }) => sum + routes.length, 0),
        })),
      };
    });
  }

  routes(): RouteView[] {
    return [...this.#tables.listeners.values()].flatMap(({ name, chains }) =>
      chains.flatMap(({ serverNames, table }) => routeViews(name, serverNames, table)),
    );
  }

  /** Whoever captures says whether it is ready: it serves what it does not know as well. */
  readiness(): Readiness {
    return { ready: true, reason: "capturing" };
  }
}

/** Starts the calls of one connection. */
class CapturedConnection implements CallStarter {
  readonly #serving: CapturedServing;
  readonly #tables: ReadyTables;
  readonly #captured: ListenerSpec;
  /** The last one that was in force; when the listener is gone, so are the clusters it leads to. */
  #table: ReadyTable | null | undefined;

  constructor(serving: CapturedServing, tables: ReadyTables, captured: ListenerSpec) {
    this.#serving = serving;
    this.#tables = tables;
    this.#captured = captured;
  }

  start(from: Downstream, stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    const inForce = this.#tables.of(this.#captured.name);
    if (inForce !== undefined) this.#table = inForce;
    else if (this.#table === undefined) this.#table = readyTableOf(this.#captured);
    return this.#serving.start(this.#table ?? null, from, stream, list, isEnd);
  }
}
