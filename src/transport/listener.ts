/**
 * A listening socket (TCP, TLS or Unix) that makes server connections, up to a limit.
 *
 * What becomes of an accepted socket, and the limit, is `Acceptor`'s.
 */

import { existsSync, lstatSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import {
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import { Acceptor, type AcceptorOptions, type ListenerEvents, remoteOf } from "./acceptor.ts";
import type { TransportLoop } from "./loop.ts";
import { formatAddress } from "./place.ts";
import type { SocketConnection } from "./socket-connection.ts";
import { handshakeFailureReason, type ListenerSecurity } from "./tls/index.ts";

/** Where to listen: a host and port (0 for any), or a Unix socket. */
export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** Options of a listener. */
export interface ListenerOptions extends AcceptorOptions {
  readonly address: ListenAddress;
  readonly tls: ListenerSecurity | null;
  /** Whether a socket file that nobody listens on is removed first; default true. */
  readonly removesStaleSocket?: boolean;
}

/** Pending connections of the kernel; Linux cuts it at net.core.somaxconn. */
const BACKLOG = 4_096;

/** A bound listener. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #events: ListenerEvents;
  readonly #acceptor: Acceptor;
  readonly #server: Server;
  readonly #tlsServer: TlsServer | null;
  /** Peers of TCP sockets that are in or past their TLS handshake: a closed one has no address. */
  readonly #remotes = new WeakMap<Socket, string>();

  constructor(options: ListenerOptions, events: ListenerEvents, loop: TransportLoop) {
    this.#options = options;
    this.#events = events;
    this.#acceptor = new Acceptor(options, events, loop);
    this.#tlsServer = this.#createTlsServer();
    this.#server = this.#createServer();
  }

  /** TLS begins behind the limit, so that handshakes count, over all listeners of a `count`. */
  #createServer(): Server {
    return createServer({ noDelay: true }, (socket) => {
      if (!this.#acceptor.tryAdmit(socket)) return;
      if (this.#tlsServer === null) this.#acceptor.accept(socket, true);
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
    const server = createTlsServer(tls.options(), (socket) => {
      const refusal = tls.refusalOf(socket);
      if (refusal === null) {
        this.#acceptor.accept(socket, false);
        return;
      }
      this.#events.onRefused(remoteOf(socket), "tls", refusal);
      socket.on("error", () => {});
      socket.destroy();
    });
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
    return this.#acceptor.connections;
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
    return formatAddress(bound.address, bound.port);
  }

  /** Stops accepting; open connections stay, and what is still in its handshake is drained. */
  stop(): void {
    this.#acceptor.stop();
    this.#server.close();
    // It never listened, so this ends nothing; it only says so.
    this.#tlsServer?.close();
  }
}

/** The TCP socket below a TLS one. Node keeps it, without a documented name for it. */
function underlying(socket: TLSSocket): Socket {
  return (socket as unknown as { _parent?: Socket })._parent ?? socket;
}

/** An address as a user writes it. */
export function listenAddressText(address: ListenAddress): string {
  if ("path" in address) return `unix:${address.path}`;
  return formatAddress(address.host, address.port);
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
