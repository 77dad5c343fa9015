/**
 * The gRPC server: listeners, their connections, the methods that are served, and an orderly end.
 *
 * Not a process: signals and flags are put around it, and certificates are given to it.
 */
import { type Clock, type Logger, TimerWheel } from "../base/index.ts";
import { Status } from "../grpc/index.ts";
import { type ConnectionFailure, DEFAULT_CONNECTION_CONFIG } from "../http2/index.ts";
import {
  ConnectionCount,
  type ConnectionUser,
  type ListenAddress,
  Listener,
  type ListenerEvents,
  type RefusedWhy,
  type ServerTls,
  TransportLoop,
} from "../transport/index.ts";
import { type ConnectionOwner, ServerConnection } from "./connection.ts";
import {
  SERVER_CALLS_PER_CONNECTION_MAX,
  SERVER_CONNECTIONS_MAX,
  SERVER_IDLE_TIMEOUT_MS,
  SERVER_KEEPALIVE_TIME_MS,
  SERVER_KEEPALIVE_TIMEOUT_MS,
} from "./limits.ts";
import type { GrpcMethod } from "./method.ts";

/** What a gRPC server is told at birth. */
export interface GrpcServerOptions {
  readonly addresses: readonly ListenAddress[];
  /** Null for plaintext. Whoever loaded it closes it. */
  readonly tls: ServerTls | null;
  /** Default SERVER_CONNECTIONS_MAX. */
  readonly maxConnections?: number;
  /** Default SERVER_CALLS_PER_CONNECTION_MAX. */
  readonly maxCallsPerConnection?: number;
  /** Default SERVER_IDLE_TIMEOUT_MS; 0 for never. */
  readonly idleTimeoutMs?: number;
}

/** What it has done so far. */
export interface GrpcServerFigures {
  readonly connections: number;
  readonly accepted: number;
  readonly refused: number;
  readonly calls: number;
}

/** What clients are told at the end. */
const SHUTTING_DOWN = "fairlead is shutting down";
const KEEPALIVE = {
  timeMs: SERVER_KEEPALIVE_TIME_MS,
  timeoutMs: SERVER_KEEPALIVE_TIMEOUT_MS,
  permitWithoutCalls: false,
};
/** Connections that are refused are logged at most this often. */
const REFUSAL_LOG_MS = 1_000;

/** See the head of this file. */
export class GrpcServer implements ListenerEvents, ConnectionOwner {
  readonly wheel: TimerWheel;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #loop: TransportLoop;
  readonly #methods = new Map<string, GrpcMethod>();
  readonly #count = new ConnectionCount();
  readonly #connections = new Set<ServerConnection>();
  readonly #listeners: readonly Listener[];
  #accepted = 0;
  #refused = 0;
  #calls = 0;
  #loggedMs = Number.NEGATIVE_INFINITY;
  #onIdle: (() => void) | null = null;

  constructor(
    options: GrpcServerOptions,
    methods: readonly GrpcMethod[],
    system: { readonly clock: Clock; readonly log: Logger },
  ) {
    this.#clock = system.clock;
    this.#log = system.log;
    this.wheel = new TimerWheel(system.clock);
    this.#loop = new TransportLoop(system.clock);
    for (const method of methods) this.#methods.set(method.path, method);
    this.#listeners = options.addresses.map((address) => this.#newListener(address, options));
  }

  #newListener(address: ListenAddress, options: GrpcServerOptions): Listener {
    const maxStreams = options.maxCallsPerConnection ?? SERVER_CALLS_PER_CONNECTION_MAX;
    const listener = {
      address,
      tls: options.tls,
      config: { ...DEFAULT_CONNECTION_CONFIG, maxStreams },
      maxConnections: options.maxConnections ?? SERVER_CONNECTIONS_MAX,
      idleTimeoutMs: options.idleTimeoutMs ?? SERVER_IDLE_TIMEOUT_MS,
      count: this.#count,
      keepalive: KEEPALIVE,
    };
    return new Listener(listener, this, this.#loop);
  }

  /**
   * Binds all addresses, or none; resolves with them as text, in order. Rejects with ListenError.
   */
  async listen(): Promise<string[]> {
    const bound: string[] = [];
    try {
      for (const listener of this.#listeners) bound.push(await listener.listen());
    } catch (error) {
      this.close();
      throw error;
    }
    return bound;
  }

  /** What it has done so far. */
  figures(): GrpcServerFigures {
    const [connections, accepted] = [this.#count.value, this.#accepted];
    return { connections, accepted, refused: this.#refused, calls: this.#calls };
  }

  /**
   * Accepts nothing more, tells clients to go elsewhere (GOAWAY in two steps, RFC 9113 §6.8), and
   * resolves when their calls have ended, or at `timeoutMs`, when those that are left are cut.
   */
  async drain(timeoutMs: number): Promise<void> {
    for (const listener of this.#listeners) listener.stop();
    for (const connection of this.#connections) connection.drain(SHUTTING_DOWN);
    await this.#waitIdle(timeoutMs);
    this.close();
  }

  #waitIdle(timeoutMs: number): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(timeoutMs, resolve);
      this.#onIdle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Ends everything at once. */
  close(): void {
    for (const listener of this.#listeners) listener.stop();
    for (const connection of this.#connections) connection.cut(Status.UNAVAILABLE, SHUTTING_DOWN);
    // What was just said must reach the kernel before anybody ends the process.
    this.#loop.flushNow();
  }

  // ListenerEvents

  onConnection(remote: string): ConnectionUser {
    this.#accepted += 1;
    return new ServerConnection(this, remote);
  }

  onRefused(remote: string, why: RefusedWhy, reason: string): void {
    this.#refused += 1;
    this.#warn("connection refused", { remote, why, reason });
  }

  /** At most one line in REFUSAL_LOG_MS: peers decide how many there could be. */
  #warn(msg: string, fields: Record<string, unknown>): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#loggedMs < REFUSAL_LOG_MS) return;
    this.#loggedMs = nowMs;
    this.#log.warn(msg, fields);
  }

  // ConnectionOwner

  methodOf(path: string): GrpcMethod | null {
    return this.#methods.get(path) ?? null;
  }

  onCall(): void {
    this.#calls += 1;
  }

  onAccepted(connection: ServerConnection): void {
    this.#connections.add(connection);
  }

  onEnded(connection: ServerConnection, failure: ConnectionFailure): void {
    if (failure.by !== "library" || failure.code === 0) return;
    this.#warn("connection cut", { remote: connection.remote, reason: failure.reason });
  }

  onGone(connection: ServerConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onIdle?.();
  }
}
