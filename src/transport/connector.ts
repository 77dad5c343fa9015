/**
 * Opens client connections: TCP, TLS with ALPN h2, or a Unix socket.
 *
 * A connection counts as made when the peer's SETTINGS arrived, so a port that merely accepts is no
 * success. Retrying is not its business.
 */

import { connect, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { type ConnectionConfig, type ConnectionFailure, ErrorCode } from "../http2/index.ts";
import type { TransportLoop } from "./loop.ts";
import { SharedRead } from "./shared-read.ts";
import {
  SocketConnection,
  type SocketConnectionEvents,
  socketReason,
} from "./socket-connection.ts";
import { alpnFailureReason, type ClientTls, tlsFailureReason } from "./tls/index.ts";

/** From the first SYN to the open socket, TLS included: gRPC's minimum; SETTINGS have 10 s more. */
export const CONNECT_TIMEOUT_MS = 20_000;
/** The kernel's own probes, for a peer that dies while nothing is asked of it. */
const TCP_KEEPALIVE_MS = 60_000;

/** The user of a connection that is being made. */
export interface ConnectUser extends SocketConnectionEvents {
  /** The socket is open; `onReady` or `onClosed` follows. */
  onConnected(connection: SocketConnection): void;
}

/** A connection attempt; `cancel` ends it silently before `onConnected`. */
export interface ConnectAttempt {
  cancel(): void;
}

/** Opens connections with one set of options. */
export class Connector {
  readonly #tls: ClientTls | null;
  readonly #config: ConnectionConfig;
  readonly #loop: TransportLoop;

  constructor(tls: ClientTls | null, config: ConnectionConfig, loop: TransportLoop) {
    this.#tls = tls;
    this.#config = config;
    this.#loop = loop;
  }

  /**
   * Connects to "ip:port", "[ip6]:port" or "unix:PATH". Exactly one `onClosed` follows sooner or
   * later, also when the connection was never made.
   */
  connect(address: string, user: ConnectUser): ConnectAttempt {
    const read = this.#tls === null ? new SharedRead() : null;
    const socket = this.#open(address, read);
    let isOver = false;
    const timer = this.#loop.clock.setTimer(CONNECT_TIMEOUT_MS, () => {
      socket.destroy(Object.assign(new Error("timed out"), { code: "ETIMEDOUT" }));
    });
    const onFailed = (reason: string): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      socket.destroy();
      user.onClosed(failureOf(reason));
    };
    const onError = (error: NodeJS.ErrnoException): void => onFailed(this.#reasonOf(error));
    const onClose = (): void => onFailed("the peer closed before the connection was made");
    socket.once("error", onError);
    socket.once("close", onClose);
    socket.once(this.#tls === null ? "connect" : "secureConnect", () => {
      if (isOver) return;
      const problem = this.#tls === null ? null : alpnFailureReason(socket as TLSSocket);
      if (problem !== null) {
        onFailed(problem);
        return;
      }
      isOver = true;
      socket.off("error", onError);
      socket.off("close", onClose);
      timer.cancel();
      socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
      const connection = new SocketConnection(
        socket,
        "client",
        user,
        this.#config,
        this.#loop,
        read,
      );
      user.onConnected(connection);
    });
    return {
      cancel: () => {
        if (isOver) return;
        isOver = true;
        timer.cancel();
        socket.on("error", () => {});
        socket.destroy();
      },
    };
  }

  #reasonOf(error: NodeJS.ErrnoException): string {
    const { code } = error;
    if (this.#tls !== null && (code === undefined || !code.startsWith("E") || code.includes("_"))) {
      return tlsFailureReason(error);
    }
    return code === undefined ? error.message : socketReason(code);
  }

  #open(address: string, read: SharedRead | null): Socket {
    if (address.startsWith("unix:")) {
      const path = address.slice("unix:".length);
      if (read !== null) return connect({ path, onread: read.options() });
      return connectTls({ path, ...this.#tls!.connectOptions("localhost") });
    }
    const colon = address.lastIndexOf(":");
    const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
    const port = Number(address.slice(colon + 1));
    if (read !== null) return connect({ host, port, noDelay: true, onread: read.options() });
    return connectTls({ host, port, ...this.#tls!.connectOptions(host) });
  }
}

function failureOf(reason: string): ConnectionFailure {
  return { code: ErrorCode.CONNECT_ERROR, by: "transport", reason };
}
