/**
 * Server connections on sockets that somebody else accepted, up to a limit.
 *
 * It binds nothing: a `Listener` hands over what it accepts (behind TLS, where it has that), and so
 * does whoever had to look at a socket's first bytes before it knew that they are HTTP/2. What
 * comes over the limit is closed at once and counted; what was accepted is never touched by it.
 */
import type { Socket } from "node:net";
import type { ConnectionConfig } from "../http2/index.ts";
import { KeepalivePace } from "./keepalive-pace.ts";
import type { TransportLoop } from "./loop.ts";
import type { KeepaliveConfig } from "./options.ts";
import { formatAddress } from "./place.ts";
import { shareAcceptedRead } from "./shared-read.ts";
import { SocketConnection, type SocketConnectionEvents } from "./socket-connection.ts";

/** Why a connection was not accepted, as a label: too many, its TLS handshake, or the system. */
export type RefusedWhy = "limit" | "tls" | "system";

/** What is told of connections. */
export interface ListenerEvents {
  /**
   * A connection was accepted; returns its user. `remote` is the peer's address, `serverName` what
   * a client of TLS asked for; null: none.
   */
  onConnection(remote: string, serverName: string | null): ConnectionUser;
  /** A connection was not accepted, or failed before HTTP/2 began: over the limit, TLS. */
  onRefused(remote: string, why: RefusedWhy, reason: string): void;
}

/** The user of one accepted connection. */
export interface ConnectionUser extends SocketConnectionEvents {
  /** Called once, before anything else. */
  onAccepted(connection: SocketConnection): void;
}

/** Connections open now, those in their TLS handshake included; shared by a proxy's listeners. */
export class ConnectionCount {
  value = 0;
}

/** How accepted connections behave. */
export interface AcceptorOptions {
  readonly config: ConnectionConfig;
  /** Connections at a time over all that share `count`; Infinity for no limit. */
  readonly maxConnections: number;
  /** A connection without a stream for this long is drained; 0 for never. */
  readonly idleTimeoutMs: number;
  readonly count: ConnectionCount;
  /** PINGs to clients that are silent while calls are open; none unless given. */
  readonly keepalive?: KeepaliveConfig;
}

/** A peer that is silent for this long is asked by TCP whether it is there. */
const TCP_KEEPALIVE_MS = 60_000;

/** See the head of this file. */
export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #events: ListenerEvents;
  readonly #loop: TransportLoop;
  readonly #connections = new Set<SocketConnection>();
  readonly #pace: KeepalivePace | null;
  #isStopped = false;

  constructor(options: AcceptorOptions, events: ListenerEvents, loop: TransportLoop) {
    this.#options = options;
    this.#events = events;
    this.#loop = loop;
    this.#pace = options.keepalive === undefined ? null : new KeepalivePace(options.keepalive);
  }

  /** Open connections. */
  get connections(): ReadonlySet<SocketConnection> {
    return this.#connections;
  }

  /** What is handed over from now on is drained at once; open connections stay. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Counts a socket until it closes; or closes it, when it is over the limit: false. */
  tryAdmit(socket: Socket): boolean {
    const { count, maxConnections } = this.#options;
    if (count.value >= maxConnections) {
      const reason = `more than ${maxConnections} connections`;
      this.#events.onRefused(remoteOf(socket), "limit", reason);
      socket.on("error", () => {});
      socket.destroy();
      return false;
    }
    count.value += 1;
    socket.once("close", () => {
      count.value -= 1;
    });
    return true;
  }

  /** Begins HTTP/2 on a socket that was admitted; nothing was read of it, and nobody reads it. */
  accept(socket: Socket, isPlain: boolean): void {
    const { servername } = socket as { servername?: string | false };
    const user = this.#events.onConnection(remoteOf(socket), servername || null);
    this.#begin(socket, isPlain, user);
  }

  /**
   * The same for a plain socket of which `first` was read already. To be called on the turn that
   * brought these bytes, after all listeners for `data` were taken off.
   */
  acceptBegun(socket: Socket, first: Buffer, user: ConnectionUser): void {
    // A peer that ends first is answered by our end, as on sockets that a `Listener` accepted.
    socket.allowHalfOpen = false;
    this.#begin(socket, true, user).recvBegun(first);
    // Reading may have been stopped by what was read.
    socket.resume();
  }

  #begin(socket: Socket, isPlain: boolean, user: ConnectionUser): SocketConnection {
    const { idleTimeoutMs, config } = this.#options;
    socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    const read = isPlain ? shareAcceptedRead(socket) : null;
    const [loop, pace] = [this.#loop, this.#pace];
    const connection = new SocketConnection(socket, "server", user, config, loop, read, pace);
    connection.idleTimeoutMs = idleTimeoutMs;
    this.#connections.add(connection);
    socket.once("close", () => this.#connections.delete(connection));
    user.onAccepted(connection);
    if (this.#isStopped) connection.drain("fairlead is shutting down");
    return connection;
  }
}

/** A socket's peer: "10.0.0.1:5000", "[::1]:5000", or "unix". */
export function remoteOf(socket: Socket): string {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return "unix";
  return formatAddress(remoteAddress, remotePort);
}
