/**
 * A stream of our own that is kept open while its endpoint is connected, and opened again with
 * backoff: what gRFC A17 says of `Watch` and A51, in the same words, of `StreamCoreMetrics`.
 */

import type { Clock, Timer } from "../base/index.ts";
import { Status } from "../grpc/index.ts";
import type { Backoff } from "./backoff.ts";
import { type OwnRequest, OwnStream, type OwnStreamUser } from "./own-stream.ts";
import type { Upstream } from "./upstream.ts";

/** A stream that lived this long may be followed by another at once, again and again. */
const STREAM_PROVEN_MS = 1_000;

/** Where streams of our own are opened: a subchannel. */
export interface OwnStreamPlace {
  /** A usable connection, with room where one has some; null when there is none. */
  ownUpstream(): Upstream | null;
}

/** What comes of a kept stream. Each method may stop it. */
export interface KeptStreamUser {
  /** An attempt begins. */
  onAttempt(): void;
  /** Whether the message made sense; when not, the stream is ended as a broken one. */
  onMessage(message: Uint8Array): boolean;
  /** The stream ended, or could not be opened, for this reason. Another attempt follows. */
  onBroken(reason: string): void;
  /** The endpoint does not know the method: no attempt follows on this connection. */
  onUnimplemented(reason: string): void;
}

/** Everything that a kept stream is told. */
export interface KeptStreamDeps {
  readonly place: OwnStreamPlace;
  readonly request: OwnRequest;
  readonly clock: Clock;
  readonly backoff: Backoff;
  /** How long the first message of each attempt may take; Infinity for any time. */
  readonly answerTimeoutMs: number;
}

/** See the head of this file. */
export class KeptStream implements OwnStreamUser {
  readonly #deps: KeptStreamDeps;
  readonly #user: KeptStreamUser;
  #stream: OwnStream | null = null;
  /** The next attempt, or the end of the wait for an answer. */
  #timer: Timer | null = null;
  #openedMs = 0;
  #isAnswered = false;
  /** The stream before was answered and ended at once: one that does so too is backed off from. */
  #isUnproven = false;

  constructor(deps: KeptStreamDeps, user: KeptStreamUser) {
    this.#deps = deps;
    this.#user = user;
  }

  /** The endpoint is connected: begins. Call `stop` first when it has begun before. */
  start(): void {
    this.#deps.backoff.reset();
    this.#isUnproven = false;
    this.#open();
  }

  /** Ends everything; nothing follows. */
  stop(): void {
    this.#setTimer(null);
    this.#stream?.cancel();
    this.#stream = null;
  }

  #setTimer(timer: Timer | null): void {
    this.#timer?.cancel();
    this.#timer = timer;
  }

  #open(): void {
    const { place, request, clock, answerTimeoutMs } = this.#deps;
    const upstream = place.ownUpstream();
    // Without a connection it waits for the next `start`.
    if (upstream === null) return;
    if (!upstream.canOpen()) {
      this.#breakUp("every stream of its connection is taken", false);
      return;
    }
    this.#isAnswered = false;
    this.#openedMs = clock.nowMs();
    this.#user.onAttempt();
    this.#stream = new OwnStream(upstream, request, clock, this);
    if (answerTimeoutMs === Number.POSITIVE_INFINITY) return;
    this.#setTimer(clock.setTimer(answerTimeoutMs, () => this.#onNoAnswer()));
  }

  #onNoAnswer(): void {
    this.#timer = null;
    this.#stream?.cancel();
    this.#breakUp(`no answer within ${this.#deps.answerTimeoutMs / 1_000} s`, false);
  }

  /** Another attempt follows, at once or later. */
  #breakUp(reason: string, isAtOnce: boolean): void {
    this.#stream = null;
    this.#user.onBroken(reason);
    if (isAtOnce) this.#open();
    else {
      const delayMs = this.#deps.backoff.nextMs();
      this.#setTimer(this.#deps.clock.setTimer(delayMs, () => this.#onRetry()));
    }
  }

  #onRetry(): void {
    this.#timer = null;
    this.#open();
  }

  // OwnStreamUser

  onMessage(message: Uint8Array): void {
    if (!this.#isAnswered) {
      this.#isAnswered = true;
      this.#setTimer(null);
      // "When the client receives a message from the server on a given call, the backoff state is
      // reset" (A17, A51).
      if (!this.#isUnproven) this.#deps.backoff.reset();
    }
    if (this.#user.onMessage(message)) return;
    this.#stream?.cancel();
    this.onRefused("a malformed message");
  }

  onRefused(reason: string): void {
    this.#isUnproven = true;
    this.#setTimer(null);
    this.#breakUp(reason, false);
  }

  onEnded(status: Status | null, reason: string): void {
    this.#stream = null;
    this.#setTimer(null);
    if (status === null) {
      // It was the connection: another one of the endpoint, if there is any, takes its place.
      this.#open();
      return;
    }
    // "If the Watch() call fails with status UNIMPLEMENTED, ... it will not retry" (A17); "the
    // client must not retry the call on the same connection" (A51).
    if (status === Status.UNIMPLEMENTED) this.#user.onUnimplemented(reason);
    else this.#breakUp(reason, this.#mayFollowAtOnce());
  }

  /**
   * "... so the next attempt will occur immediately, but any subsequent attempt will be subject to
   * exponential backoff" (A17, A51). Not twice in a row after streams that ended at once: a server
   * that answers and ends would be asked thousands of times a second.
   */
  #mayFollowAtOnce(): boolean {
    const livedMs = this.#deps.clock.nowMs() - this.#openedMs;
    const wasUnproven = this.#isUnproven;
    this.#isUnproven = livedMs < STREAM_PROVEN_MS;
    return this.#isAnswered && !(wasUnproven && this.#isUnproven);
  }
}
