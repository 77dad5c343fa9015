/**
 * A connection that passes through as it is: TCP on both sides, every byte in order, each direction
 * ended on its own, neither read faster than the other is written.
 *
 * It knows no protocol. A reset on one side is a reset on the other.
 */
import { connect, type Socket } from "node:net";
import type { Clock, Timer } from "../../base/index.ts";
import type { Destination } from "./sockaddr.ts";

/** How long a destination may take to accept a connection that passes through. */
export const PASSTHROUGH_CONNECT_TIMEOUT_MS = 20_000;
/** A peer that is silent for this long is asked by TCP whether it is there. */
const TCP_KEEPALIVE_MS = 60_000;

/** Hears of one connection. */
export interface PassthroughEvents {
  /** Its `upstream` has the address that we connect from, for who looks for loops. */
  onConnected(passthrough: Passthrough): void;
  /** Both sides are closed. `reason` is null after an end in order. Once, and last. */
  onClosed(passthrough: Passthrough, reason: string | null): void;
}

/** See the head of this file. */
export class Passthrough {
  readonly destination: Destination;
  readonly client: Socket;
  readonly upstream: Socket;
  readonly #events: PassthroughEvents;
  readonly #timer: Timer;
  #openSides = 2;
  #reason: string | null = null;

  /**
   * Connects at once.
   * @param first what was read of the client already.
   */
  constructor(
    client: Socket,
    destination: Destination,
    first: Buffer,
    clock: Clock,
    events: PassthroughEvents,
  ) {
    this.client = client;
    this.destination = destination;
    this.#events = events;
    this.upstream = connect({
      host: destination.ip,
      port: destination.port,
      allowHalfOpen: true,
      noDelay: true,
    });
    this.#timer = clock.setTimer(PASSTHROUGH_CONNECT_TIMEOUT_MS, () => this.cut("ETIMEDOUT"));
    client.setNoDelay(true);
    client.setKeepAlive(true, TCP_KEEPALIVE_MS);
    this.upstream.setKeepAlive(true, TCP_KEEPALIVE_MS);
    this.upstream.once("connect", () => {
      this.#timer.cancel();
      events.onConnected(this);
    });
    this.#watch(client, this.upstream);
    this.#watch(this.upstream, client);
    if (first.length > 0) this.upstream.write(first);
    client.pipe(this.upstream);
    this.upstream.pipe(client);
  }

  /** Bytes that came from the client. */
  get bytesUp(): number {
    return this.client.bytesRead;
  }

  /** Bytes that came from the destination. */
  get bytesDown(): number {
    return this.upstream.bytesRead;
  }

  /** Ends both sides at once, as a reset. */
  cut(reason: string): void {
    this.#reason ??= reason;
    reset(this.client);
    reset(this.upstream);
  }

  #watch(side: Socket, other: Socket): void {
    side.on("error", (error: NodeJS.ErrnoException) => {
      this.#reason ??= error.code ?? error.message;
      reset(other);
    });
    side.once("close", () => {
      // What the other side still has to say has nowhere to go.
      if (!side.readableEnded || !side.writableFinished) reset(other);
      this.#openSides -= 1;
      if (this.#openSides > 0) return;
      this.#timer.cancel();
      this.#events.onClosed(this, this.#reason);
    });
  }
}

/** What was closed in order stays that. */
function reset(socket: Socket): void {
  if (socket.destroyed) return;
  // Node resets a socket once it is connected, however long that takes; here it has no time left.
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
