/**
 * What a connector is told beside an address: how its sockets are made secure, by which way they
 * go, and how connections on them behave. Values only; `Connector` does the work.
 */

import type { Socket } from "node:net";
import { type ConnectionConfig, DEFAULT_CONNECTION_CONFIG } from "../http2/index.ts";

/** Makes connected sockets secure: TLS, or whatever else a user brings. */
export interface SocketSecurity {
  /**
   * Takes a socket that is connected, and resolves with the one to use in its place once the
   * handshake is over. It must have agreed on ALPN `h2` when it is a `TLSSocket`. Rejects with the
   * error of the handshake; the caller destroys `socket` then.
   *
   * @param host the host that was asked for, an IP or a name, for SNI and verification.
   */
  connect(socket: Socket, host: string): Promise<Socket>;
}

/** Where an HTTP proxy is asked to lead to (CONNECT, RFC 9110 §9.3.6). */
export interface Tunnel {
  /** A name or an IP, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The value of `Proxy-Authorization`, such as "Basic ..."; a secret. Null for none. */
  readonly authorization: string | null;
}

/** Periodic keepalive of clients, gRFC A8. */
export interface KeepaliveConfig {
  /** Silence after which a PING goes out; raised to `KEEPALIVE_TIME_MS_MIN`. */
  readonly timeMs: number;
  /** How long its ACK may take. */
  readonly timeoutMs: number;
  /** Whether PINGs go out while no call is open. */
  readonly permitWithoutCalls: boolean;
}

/** What reasons of failures tell a person to do: who reads them has flags, or an API. */
export interface ConnectHints {
  /** What turns TLS on, as in "use --to-tls". */
  readonly tls: string;
  /** What names the server that is expected: "--to-authority NAME says which name is expected". */
  readonly authority: string;
}

/** All that a `Connector` is told. */
export interface ConnectorOptions {
  /** Null for plaintext. */
  readonly secure: SocketSecurity | null;
  /** Null for none: addresses are connected to. Otherwise they are those of HTTP proxies. */
  readonly tunnel: Tunnel | null;
  readonly connection: ConnectionConfig;
  /** Null for the sparing probe of `Keepalive`. */
  readonly keepalive: KeepaliveConfig | null;
  /** Whether sockets let the process end although they are open. */
  readonly isUnref: boolean;
  readonly hints: ConnectHints;
}

/** For readers who have the flags of the proxy. */
const FLAG_HINTS: ConnectHints = { tls: "--to-tls", authority: "--to-authority NAME" };

/** Plaintext, no tunnel, our own probe, the words of the proxy. */
export const DEFAULT_CONNECTOR_OPTIONS: ConnectorOptions = {
  secure: null,
  tunnel: null,
  connection: DEFAULT_CONNECTION_CONFIG,
  keepalive: null,
  isUnref: false,
  hints: FLAG_HINTS,
};
