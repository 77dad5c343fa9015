/**
 * One listener of a configuration: its chains with their tables, and, where it is bound, its
 * socket. What changes of it while it serves holds for the next call of every connection.
 */
import type { Logger } from "../../base/index.ts";
import type { HeaderList, Stream, StreamEvents } from "../../http2/index.ts";
import type { FilterChain, ListenerSpec } from "../../mesh/index.ts";
import {
  type ConnectionUser,
  type ListenAddress,
  Listener,
  type ListenerEvents,
  type RefusedWhy,
  ServerNames,
  SniTls,
  type SocketConnection,
  type TransportLoop,
} from "../../transport/index.ts";
import type { CallStarter, Downstream } from "../downstream.ts";
import type { Front } from "../front.ts";
import { ReadyTable, type RoutedCalls } from "../routing/routed-calls.ts";
import { type ListenerView, listenerView, type RouteView, routeViews } from "./views.ts";

/** What listeners are made of. */
export interface MeshListenerDeps {
  readonly log: Logger;
  readonly front: Front;
  readonly loop: TransportLoop;
  readonly calls: RoutedCalls;
  /** Of several workers none may. */
  readonly removesStaleSocket: boolean;
}

/** A chain with its table, made ready. */
interface ReadyChain {
  readonly chain: FilterChain;
  readonly table: ReadyTable;
}

/** What a socket must be bound anew for, beside its address. */
export function securityOf({ chains }: ListenerSpec): "plain" | "tls" | "mtls" {
  if (chains.every(({ tls }) => tls === null)) return "plain";
  return chains.some(({ tls }) => tls !== null && tls.clientCa !== null) ? "mtls" : "tls";
}

/** See the head of this file. */
export class MeshListener implements ListenerEvents {
  readonly #deps: MeshListenerDeps;
  readonly #tls: SniTls | null;
  readonly #listener: Listener;
  #spec: ListenerSpec;
  #chains: readonly ReadyChain[] = [];
  #names = new ServerNames<ReadyTable>();
  #bound: string | null = null;
  #reason = "not bound yet";
  /** Counts changes: connections look up their table anew. */
  generation = 0;

  constructor(spec: ListenerSpec, address: ListenAddress, deps: MeshListenerDeps) {
    this.#spec = spec;
    this.#deps = deps;
    const security = securityOf(spec);
    this.#tls = security === "plain" ? null : new SniTls(security === "mtls");
    const { front, loop, removesStaleSocket } = deps;
    this.#take(spec);
    const options = { ...front.acceptorOptions(), address, tls: this.#tls, removesStaleSocket };
    this.#listener = new Listener(options, this, loop);
  }

  get name(): string {
    return this.#spec.name;
  }

  /** Where it is bound; null: not yet, or no more. */
  get bound(): string | null {
    return this.#bound;
  }

  /** Binds it; false when it cannot be. */
  async bind(): Promise<boolean> {
    try {
      this.#bound = await this.#listener.listen();
      this.#reason = "listening";
      return true;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#reason) {
        this.#deps.log.error("listener cannot be bound", { listener: this.name, reason: message });
      }
      this.#reason = message;
      return false;
    }
  }

  /** What its configuration says now. */
  update(spec: ListenerSpec): void {
    // Every change of a configuration comes to all listeners: most are the objects of before.
    if (spec === this.#spec) return;
    this.#take(spec);
  }

  #take(spec: ListenerSpec): void {
    this.#spec = spec;
    const known = new Map(this.#chains.map(({ chain, table }) => [chain.table, table]));
    this.#chains = spec.chains.map((chain) => ({
      chain,
      table: known.get(chain.table) ?? new ReadyTable(`listener ${spec.name}`, chain.table),
    }));
    this.#names = new ServerNames();
    for (const { chain, table } of this.#chains) this.#names.add(chain.serverNames, table);
    this.generation += 1;
    if (this.#tls === null) return;
    const certificates = spec.chains.flatMap(({ serverNames, tls }) =>
      tls === null ? [] : [{ serverNames, ...tls }],
    );
    for (const reason of this.#tls.set(certificates)) {
      this.#deps.log.warn("certificate cannot be used", { listener: spec.name, reason });
    }
  }

  /** The table of connections that asked for a name; null: there is none. */
  tableOf(serverName: string | null): ReadyTable | null {
    return this.#names.find(serverName);
  }

  // ListenerEvents

  onConnection(remote: string, serverName: string | null): ConnectionUser {
    const { front, calls } = this.#deps;
    return front.connected(remote, new ConnectionCalls(this, serverName, calls));
  }

  onRefused(remote: string, why: RefusedWhy, reason: string): void {
    this.#deps.front.onRefused(remote, why, reason);
  }

  get connections(): SocketConnection[] {
    return [...this.#listener.connections];
  }

  /** Stops accepting. */
  stop(): void {
    this.#listener.stop();
    this.#bound = null;
    this.#reason = "stopped";
  }

  view(): ListenerView {
    const connections = this.connections.length;
    return listenerView(this.#spec, { address: this.#bound, reason: this.#reason, connections });
  }

  routes(): RouteView[] {
    return this.#spec.chains.flatMap(({ serverNames, table }) =>
      routeViews(this.name, serverNames, table),
    );
  }
}

/** Starts the calls of one connection by the table that its server name leads to. */
class ConnectionCalls implements CallStarter {
  readonly #listener: MeshListener;
  readonly #serverName: string | null;
  readonly #calls: RoutedCalls;
  #table: ReadyTable | null = null;
  #generation = -1;

  constructor(listener: MeshListener, serverName: string | null, calls: RoutedCalls) {
    this.#listener = listener;
    this.#serverName = serverName;
    this.#calls = calls;
  }

  start(from: Downstream, stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    const { generation } = this.#listener;
    if (generation !== this.#generation) {
      this.#generation = generation;
      this.#table = this.#listener.tableOf(this.#serverName);
    }
    return this.#calls.start(this.#table, from, stream, list, isEnd);
  }
}
