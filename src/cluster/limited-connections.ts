/**
 * A source of connections that makes no more than a circuit breaker allows at a time.
 *
 * Beyond it an attempt fails like one that was refused by the network: the endpoint shows the
 * reason, and is tried again with its backoff. What is connected stays.
 */

import type { Clock } from "../base/index.ts";
import {
  type ConnectionFailure,
  ErrorCode,
  type HeaderList,
  type Stream,
  type StreamEvents,
} from "../http2/index.ts";
import type {
  ClientConnection,
  ConnectAttempt,
  ConnectionSource,
  ConnectUser,
} from "../transport/index.ts";
import type { CircuitBreakers } from "./circuit-breakers.ts";

/** See the head of this file. */
export class LimitedConnections implements ConnectionSource {
  readonly #source: ConnectionSource;
  readonly #breakers: CircuitBreakers;
  readonly #clock: Clock;
  #count = 0;

  constructor(source: ConnectionSource, breakers: CircuitBreakers, clock: Clock) {
    this.#source = source;
    this.#breakers = breakers;
    this.#clock = clock;
  }

  /** Connections that are open or being made. */
  get count(): number {
    return this.#count;
  }

  /** See `ConnectionSource.connect`. */
  connect(address: string, user: ConnectUser): ConnectAttempt {
    const reason = this.#breakers.refusal("maxConnections", this.#count);
    if (reason !== null) {
      const failure = { code: ErrorCode.NO_ERROR, by: "library", reason } as const;
      return this.#clock.setTimer(0, () => user.onClosed(failure));
    }
    this.#count += 1;
    const counted = new CountedUser(user, () => {
      this.#count -= 1;
    });
    const attempt = this.#source.connect(address, counted);
    return { cancel: () => counted.cancel(attempt) };
  }
}

/** Passes everything on, and tells once that the connection is over or was never made. */
class CountedUser implements ConnectUser {
  readonly #user: ConnectUser;
  readonly #onOver: () => void;
  #isOver = false;
  #isConnected = false;

  constructor(user: ConnectUser, onOver: () => void) {
    this.#user = user;
    this.#onOver = onOver;
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
  }

  /** "`cancel` ends it silently before `onConnected`." */
  cancel(attempt: ConnectAttempt): void {
    if (!this.#isConnected) this.#end();
    attempt.cancel();
  }

  onConnected(connection: ClientConnection): void {
    this.#isConnected = true;
    this.#user.onConnected(connection);
  }

  onReady(): void {
    this.#user.onReady();
  }

  onCapacity(): void {
    this.#user.onCapacity();
  }

  onGoAway(reason: string): void {
    this.#user.onGoAway(reason);
  }

  onStream(stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    return this.#user.onStream(stream, list, isEnd);
  }

  onClosed(failure: ConnectionFailure): void {
    this.#end();
    this.#user.onClosed(failure);
  }
}
