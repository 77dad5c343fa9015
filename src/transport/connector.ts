/**
 * Opens client connections: TCP or a Unix socket, through an HTTP proxy or not, made secure or not.
 *
 * A connection counts as made when the peer's SETTINGS arrived, so a port that merely accepts is no
 * success. Retrying is not its business.
 */

import { connect, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Timer } from "../base/index.ts";
import { ErrorCode } from "../http2/index.ts";
import { KeepalivePace, sparingPace } from "./keepalive-pace.ts";
import type { TransportLoop } from "./loop.ts";
import type { ConnectHints, ConnectorOptions, SocketSecurity } from "./options.ts";
import { placeOf } from "./place.ts";
import { SharedRead } from "./shared-read.ts";
import {
  type ClientConnection,
  SocketConnection,
  type SocketConnectionEvents,
  socketReason,
} from "./socket-connection.ts";
import { alpnFailureReason, tlsFailureReason } from "./tls/index.ts";
import { assertTunnel, openTunnel } from "./tunnel.ts";

/** From the first SYN to the open socket, TLS included: gRPC's minimum; SETTINGS have 10 s more. */
export const CONNECT_TIMEOUT_MS = 20_000;
/** The kernel's own probes, for a peer that dies while nothing is asked of it. */
const TCP_KEEPALIVE_MS = 60_000;

/** The user of a connection that is being made. */
export interface ConnectUser extends SocketConnectionEvents {
  /** The socket is open; `onReady` or `onClosed` follows. */
  onConnected(connection: ClientConnection): void;
}

/** A connection attempt; `cancel` ends it silently before `onConnected`. */
export interface ConnectAttempt {
  cancel(): void;
}

/** What opens connections: `Connector`, or what a simulation has in its place. */
export interface ConnectionSource {
  /** See `Connector.connect`. */
  connect(address: string, user: ConnectUser): ConnectAttempt;
}

/** Opens connections with one set of options. */
export class Connector implements ConnectionSource {
  readonly #options: ConnectorOptions;
  readonly #loop: TransportLoop;
  readonly #pace: KeepalivePace;

  constructor(options: ConnectorOptions, loop: TransportLoop) {
    this.#options = options;
    this.#loop = loop;
    const { keepalive } = options;
    this.#pace = keepalive === null ? sparingPace() : new KeepalivePace(keepalive);
    if (options.tunnel !== null) assertTunnel(options.tunnel);
  }

  /**
   * Connects to "ip:port", "[ip6]:port" or "unix:PATH". Exactly one `onClosed` follows sooner or
   * later, also when the connection was never made.
   */
  connect(address: string, user: ConnectUser): ConnectAttempt {
    return new Attempt(address, user, this.#options, this.#pace, this.#loop);
  }
}

/** From the first SYN to the socket that HTTP/2 begins on, or to the reason why there is none. */
class Attempt implements ConnectAttempt {
  readonly #user: ConnectUser;
  readonly #options: ConnectorOptions;
  readonly #pace: KeepalivePace;
  readonly #loop: TransportLoop;
  readonly #read: SharedRead | null;
  readonly #socket: Socket;
  readonly #timer: Timer;
  readonly #onError = (error: Error): void => this.#fail(plainReason(error));
  readonly #onClose = (): void => this.#fail("the peer closed before the connection was made");
  #isOver = false;

  constructor(
    address: string,
    user: ConnectUser,
    options: ConnectorOptions,
    pace: KeepalivePace,
    loop: TransportLoop,
  ) {
    this.#user = user;
    this.#options = options;
    this.#pace = pace;
    this.#loop = loop;
    const { path, host, port } = placeOf(address);
    // What is done to a socket before HTTP/2 begins reads it in the ordinary way.
    const isPlain = options.secure === null && options.tunnel === null;
    this.#read = isPlain ? new SharedRead() : null;
    const onread = this.#read?.options();
    const how = onread === undefined ? {} : { onread };
    const socket =
      path === null ? connect({ host, port, noDelay: true, ...how }) : connect({ path, ...how });
    this.#socket = socket;
    if (options.isUnref) socket.unref();
    this.#timer = loop.clock.setTimer(CONNECT_TIMEOUT_MS, () => this.#fail("connection timed out"));
    socket.once("error", this.#onError);
    socket.once("close", this.#onClose);
    socket.once("connect", () => this.#onConnected(host));
  }

  cancel(): void {
    this.#giveUp();
  }

  #onConnected(host: string): void {
    if (this.#isOver) return;
    const { tunnel } = this.#options;
    this.#socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    if (tunnel === null) {
      this.#begin(host);
      return;
    }
    openTunnel(this.#socket, tunnel).then(
      () => this.#begin(tunnel.host),
      (error: Error) => this.#fail(error.message),
    );
  }

  /** The socket leads to the endpoint. */
  #begin(host: string): void {
    if (this.#isOver) return;
    const { secure } = this.#options;
    if (secure === null) this.#finish(this.#socket);
    else this.#secure(secure, host);
  }

  #secure(secure: SocketSecurity, host: string): void {
    const socket = this.#socket;
    socket.off("error", this.#onError);
    socket.off("close", this.#onClose);
    // The handshake knows better why; one that says nothing must not be waited for.
    socket.on("error", () => {});
    socket.once("close", () => setImmediate(this.#onClose));
    // One that throws is as one that rejects.
    new Promise<Socket>((resolve) => resolve(secure.connect(socket, host))).then(
      (made) => this.#onSecured(made),
      (error: unknown) => this.#fail(handshakeReason(error, this.#options.hints)),
    );
  }

  #onSecured(socket: Socket): void {
    // Node 24 crashes when a TLS socket is destroyed in the turn of its handshake, after the socket
    // below it: so that one is destroyed second, or this one in a later turn.
    if (this.#isOver) {
      socket.on("error", () => {});
      setImmediate(() => socket.destroy());
      return;
    }
    const problem = socket instanceof TLSSocket ? alpnFailureReason(socket) : null;
    if (problem === null) {
      this.#finish(socket);
      return;
    }
    socket.on("error", () => {});
    socket.destroy();
    this.#fail(problem);
  }

  #finish(socket: Socket): void {
    this.#isOver = true;
    this.#timer.cancel();
    this.#socket.off("error", this.#onError);
    this.#socket.off("close", this.#onClose);
    const { connection, hints } = this.#options;
    const made = new SocketConnection(
      socket,
      "client",
      this.#user,
      connection,
      this.#loop,
      this.#read,
      this.#pace,
      hints,
    );
    this.#user.onConnected(made);
  }

  #fail(reason: string): void {
    if (this.#giveUp()) {
      this.#user.onClosed({ code: ErrorCode.CONNECT_ERROR, by: "transport", reason });
    }
  }

  /** Returns whether there was something to give up. */
  #giveUp(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#timer.cancel();
    this.#socket.on("error", () => {});
    this.#socket.destroy();
    return true;
  }
}

function plainReason(error: NodeJS.ErrnoException): string {
  return error.code === undefined ? error.message : socketReason(error.code);
}

/** Of codes that start with E only the system's have no underscore: "ECONNRESET", "ERR_SSL_...". */
function handshakeReason(error: unknown, { authority }: ConnectHints): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const isSystem = code?.startsWith("E") === true && !code.includes("_");
  return isSystem ? plainReason(error) : tlsFailureReason(error, authority);
}
