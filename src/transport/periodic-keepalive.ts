/**
 * The keepalive that users of gRPC set: a PING after so much silence, whatever the server thinks of
 * it. gRFC A8.
 *
 * For those who know their servers; without settings there is the sparing probe of `Keepalive`.
 */

import { type Connection, ErrorCode } from "../http2/index.ts";
import type { KeepaliveConfig } from "./options.ts";

/** A8: "The client will not send pings more often than every 10 seconds", whatever is set. */
export const KEEPALIVE_TIME_MS_MIN = 10_000;

const PING = new Uint8Array(Buffer.from("flalive\0", "latin1"));

/**
 * The settings as all connections of a connector share them: a server that finds one of them too
 * eager slows the others down too. "Double the KEEPALIVE_TIME on that channel" (A8).
 */
export class KeepalivePace {
  #timeMs: number;
  readonly timeoutMs: number;
  readonly permitWithoutCalls: boolean;

  constructor({ timeMs, timeoutMs, permitWithoutCalls }: KeepaliveConfig) {
    this.#timeMs = Math.max(KEEPALIVE_TIME_MS_MIN, timeMs);
    this.timeoutMs = timeoutMs;
    this.permitWithoutCalls = permitWithoutCalls;
  }

  /** Silence before a PING. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /**
   * A server cut a connection that had this pace with `too_many_pings`. Twice that, not twice what
   * other servers have made of it meanwhile: twenty pods with one setting are one lesson.
   */
  slowDown(timeMs: number): void {
    this.#timeMs = Math.max(this.#timeMs, 2 * timeMs);
  }
}

/** The PINGs of one client connection. */
export class PeriodicKeepalive {
  readonly #http2: Connection;
  readonly #pace: KeepalivePace;
  /** The pace that it began with. */
  readonly #timeMs: number;
  /** 0 before the first bytes: until then the peer's SETTINGS have their own time limit. */
  #lastRecvMs = 0;
  /** When the PING went out that nothing has come after; 0 for none. */
  #pingedMs = 0;

  constructor(http2: Connection, pace: KeepalivePace) {
    this.#http2 = http2;
    this.#pace = pace;
    this.#timeMs = pace.timeMs;
  }

  /** Anything came: whoever sends is there. */
  onRecv(nowMs: number): void {
    this.#lastRecvMs = nowMs;
    this.#pingedMs = 0;
  }

  /** The ACK came as bytes before: `onRecv` knows. */
  onPong(): void {}

  /** The peer finds us too eager. */
  onTooManyPings(): void {
    this.#pace.slowDown(this.#timeMs);
  }

  /** Sends or judges a PING. @param calls that are open. */
  onTick(nowMs: number, calls: number): void {
    const { timeMs, timeoutMs, permitWithoutCalls } = this.#pace;
    if (this.#pingedMs !== 0) {
      if (nowMs - this.#pingedMs < timeoutMs) return;
      this.#http2.fail(ErrorCode.NO_ERROR, "the peer does not answer (keepalive)", "library");
      return;
    }
    if (this.#lastRecvMs === 0 || nowMs - this.#lastRecvMs < timeMs) return;
    if (calls === 0 && !permitWithoutCalls) return;
    this.#pingedMs = nowMs;
    this.#http2.ping(PING);
  }
}
