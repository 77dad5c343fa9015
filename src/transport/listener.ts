/**
 * A listening socket (TCP, TLS or Unix) that makes server connections, up to a limit.
 *
 * What comes over the limit is closed at once and counted; what was accepted is never touched by
 * it.
 */

import { existsSync, lstatSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import {
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import type { ConnectionConfig } from "../http2/index.ts";
import type { TransportLoop } from "./loop.ts";
import { shareAcceptedRead } from "./shared-read.ts";
import { SocketConnection, type SocketConnectionEvents } from "./socket-connection.ts";
import { handshakeFailureReason, type ServerTls } from "./tls/index.ts";

/** Where to listen: a host and port (0 for any), or a Unix socket. */
export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** Why a connection was not accepted, as a label: too many, its TLS handshake, or the system. */
export type RefusedWhy = "limit" | "tls" | "system";

/** What a listener tells its user. */
export interface ListenerEvents {
  /** A connection was accepted; returns its user. `remote` is the peer's address. */
  onConnection(remote: string): ConnectionUser;
  /** A connection was not accepted, or failed before HTTP/2 began: over the limit, TLS. */
  onRefused(remote: string, why: RefusedWhy, reason: string): void;
}

/** The user of one accepted connection. */
export interface ConnectionUser extends SocketConnectionEvents {
  /** Called once, before anything else. */
  onAccepted(connection: SocketConnection): void;
}

/** Options of a listener. */
export interface ListenerOptions {
  readonly address: ListenAddress;
  readonly tls: ServerTls | null;
  readonly config: ConnectionConfig;
  /** Connections at a time over all listeners that share `count`; Infinity for no limit. */
  readonly maxConnections: number;
  /** A connection without a stream for this long is drained; 0 for never. */
  readonly idleTimeoutMs: number;
  readonly count: ConnectionCount;
  /** Whether a socket file that nobody listens on is removed first; default true. */
  readonly removesStaleSocket?: boolean;
}

/** Connections open now, those in their TLS handshake included; shared by a proxy's listeners. */
export class ConnectionCount {
  value = 0;
}

/** Pending connections of the kernel; Linux cuts it at net.core.somaxconn. */
const BACKLOG = 4_096;
/** A peer that is silent for this long is asked by TCP whether it is there. */
const TCP_KEEPALIVE_MS = 60_000;

/** A bound listener. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #events: ListenerEvents;
  readonly #loop: TransportLoop;
  readonly #server: Server;
  readonly #tlsServer: TlsServer | null;
  readonly #connections = new Set<SocketConnection>();
  /** Peers of TCP sockets that are in or past their TLS handshake: a closed one has no address. */
  readonly #remotes = new WeakMap<Socket, string>();
  #isStopped = false;

  constructor(options: ListenerOptions, events: ListenerEvents, loop: TransportLoop) {
    this.#options = options;
    this.#events = events;
    this.#loop = loop;
    this.#tlsServer = this.#createTlsServer();
    this.#server = this.#createServer();
  }

  /** TLS begins behind the limit, so that handshakes count, over all listeners of a `count`. */
  #createServer(): Server {
    return createServer({ noDelay: true }, (socket) => {
      if (!this.#tryAdmit(socket)) return;
      if (this.#tlsServer === null) this.#onSocket(socket);
      else {
        this.#remotes.set(socket, remoteOf(socket));
        this.#tlsServer.emit("connection", socket);
      }
    });
  }

  /** A server that listens nowhere: it makes TLS of the sockets that it is handed. */
  #createTlsServer(): TlsServer | null {
    const { tls } = this.#options;
    if (tls === null) return null;
    const server = createTlsServer(tls.options(), (socket) => this.#onSocket(socket));
    tls.attach(server);
    server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      const below = underlying(socket);
      const remote = this.#remotes.get(below) ?? remoteOf(socket);
      const reason = handshakeFailureReason(error, socket, below.bytesRead > 0);
      this.#events.onRefused(remote, "tls", reason);
      // Node leaves it open when somebody listens here.
      socket.destroy();
    });
    return server;
  }

  /** Open connections. */
  get connections(): ReadonlySet<SocketConnection> {
    return this.#connections;
  }

  /** Binds. Resolves with the address as text; rejects with an error of one clear sentence. */
  async listen(): Promise<string> {
    const { address } = this.#options;
    const { removesStaleSocket = true } = this.#options;
    if ("path" in address && removesStaleSocket) await removeStaleSocket(address.path);
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void =>
        reject(new ListenError(address, error));
      this.#server.once("error", onError);
      const options = "path" in address ? address : { host: address.host, port: address.port };
      this.#server.listen({ ...options, backlog: BACKLOG }, () => {
        this.#server.off("error", onError);
        resolve();
      });
    });
    this.#server.on("error", (error) => this.#events.onRefused("", "system", error.message));
    return this.#boundAddress();
  }

  #boundAddress(): string {
    const bound = this.#server.address() as AddressInfo | string | null;
    if (bound === null || typeof bound === "string") return `unix:${bound ?? ""}`;
    return bound.family === "IPv6"
      ? `[${bound.address}]:${bound.port}`
      : `${bound.address}:${bound.port}`;
  }

  /** Stops accepting; open connections stay, and what is still in its handshake is drained. */
  stop(): void {
    this.#isStopped = true;
    this.#server.close();
    // It never listened, so this ends nothing; it only says so.
    this.#tlsServer?.close();
  }

  /** Counts an accepted socket, or closes it when it is over the limit. */
  #tryAdmit(socket: Socket): boolean {
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

  #onSocket(socket: Socket): void {
    const { idleTimeoutMs, config, tls } = this.#options;
    const remote = remoteOf(socket);
    socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    const user = this.#events.onConnection(remote);
    const read = tls === null ? shareAcceptedRead(socket) : null;
    const connection = new SocketConnection(socket, "server", user, config, this.#loop, read);
    connection.idleTimeoutMs = idleTimeoutMs;
    this.#connections.add(connection);
    socket.once("close", () => this.#connections.delete(connection));
    user.onAccepted(connection);
    if (this.#isStopped) connection.drain("fairlead is shutting down");
  }
}

/** The TCP socket below a TLS one. Node keeps it, without a documented name for it. */
function underlying(socket: TLSSocket): Socket {
  return (socket as unknown as { _parent?: Socket })._parent ?? socket;
}

function remoteOf(socket: Socket): string {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined) return "unix";
  return remoteAddress.includes(":")
    ? `[${remoteAddress}]:${remotePort}`
    : `${remoteAddress}:${remotePort}`;
}

/** An address as a user writes it. */
export function listenAddressText(address: ListenAddress): string {
  if ("path" in address) return `unix:${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** Why an address cannot be listened on, in one sentence. */
export class ListenError extends Error {
  constructor(address: ListenAddress, cause: NodeJS.ErrnoException) {
    const reasons: Record<string, string> = {
      EADDRINUSE: "the address is in use",
      EACCES: "permission denied",
      EADDRNOTAVAIL: "this machine does not have the address",
      ENOTFOUND: "the host name is not known",
      ENOENT: "the directory does not exist",
    };
    // Node says EACCES for both, as Windows does.
    const isMissing = "path" in address && !existsSync(dirname(address.path));
    const code = isMissing && cause.code === "EACCES" ? "ENOENT" : (cause.code ?? "");
    const reason = reasons[code] ?? cause.message;
    super(`cannot listen on ${listenAddressText(address)}: ${reason}`);
    this.name = "ListenError";
  }
}

/** A socket file that nobody listens on is left over from a crash: it is removed. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  // Anything else than a socket is somebody's file: binding fails, and nothing is lost.
  if (!lstatSync(path).isSocket()) return;
  const isStale = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
  if (isStale) rmSync(path, { force: true });
}
