/**
 * Who can be reached at which address, and the connector through which simulated processes do so.
 */

import type { Rng } from "../../../src/base/index.ts";
import {
  type ConnectionFailure,
  DEFAULT_CONNECTION_CONFIG,
  ErrorCode,
} from "../../../src/http2/index.ts";
import {
  CONNECT_TIMEOUT_MS,
  type ConnectAttempt,
  type ConnectionSource,
  type ConnectUser,
  SocketConnection,
  type TransportLoop,
} from "../../../src/transport/index.ts";
import type { Draw } from "./distributions.ts";
import { Line, VirtualSocket } from "./virtual-socket.ts";
import type { World } from "./world.ts";

/** Something that accepts connections. */
export interface Host {
  readonly isListening: boolean;
  readonly isSilent: boolean;
  accept(socket: VirtualSocket, line: Line): void;
}

/** Addresses and what is there. */
export class Network {
  readonly world: World;
  readonly #latencyMs: Draw;
  readonly #rng: Rng;
  readonly #hosts = new Map<string, Host>();

  /** @param latencyMs one way; drawn for each connection, which keeps it. */
  constructor(world: World, latencyMs: Draw) {
    this.world = world;
    this.#latencyMs = latencyMs;
    this.#rng = world.rng("network");
  }

  /** The latency of a new connection. */
  newLatencyMs(): number {
    return this.#latencyMs(this.#rng);
  }

  /** From now on `host` is at `address`. */
  set(address: string, host: Host): void {
    this.#hosts.set(address, host);
  }

  /** What is at an address, or undefined. */
  at(address: string): Host | undefined {
    return this.#hosts.get(address);
  }

  /** The connector of a process with that loop. */
  connector(loop: TransportLoop): ConnectionSource {
    return { connect: (address, user) => new Attempt(this, address, user, loop) };
  }
}

/** One connection attempt: SYN, then SYN-ACK, a reset, or nothing at all. */
class Attempt implements ConnectAttempt {
  readonly #user: ConnectUser;
  #isOver = false;

  constructor(network: Network, address: string, user: ConnectUser, loop: TransportLoop) {
    this.#user = user;
    const { world } = network;
    const latencyMs = network.newLatencyMs();
    world.after(latencyMs, () => {
      const host = network.at(address);
      if (host === undefined || host.isSilent) {
        world.after(CONNECT_TIMEOUT_MS - latencyMs, () => this.#fail("connection timed out"));
      } else if (!host.isListening) {
        world.after(latencyMs, () => this.#fail("connection refused"));
      } else {
        const line = new Line(world.clock, latencyMs);
        const [client, server] = VirtualSocket.pair(line);
        host.accept(server, line);
        world.after(latencyMs, () => this.#finish(client, loop));
      }
    });
  }

  cancel(): void {
    this.#isOver = true;
  }

  #finish(socket: VirtualSocket, loop: TransportLoop): void {
    if (this.#isOver) {
      socket.destroy();
      return;
    }
    this.#isOver = true;
    const user = this.#user;
    const made = new SocketConnection(socket, "client", user, DEFAULT_CONNECTION_CONFIG, loop);
    user.onConnected({
      http2: made.http2,
      socket: null,
      get callCount() {
        return made.callCount;
      },
      get ownStreams() {
        return made.ownStreams;
      },
      set ownStreams(count) {
        made.ownStreams = count;
      },
      drain: (reason) => made.drain(reason),
      close: (code, reason) => made.close(code, reason),
    });
  }

  #fail(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const failure: ConnectionFailure = { code: ErrorCode.CONNECT_ERROR, by: "transport", reason };
    this.#user.onClosed(failure);
  }
}
