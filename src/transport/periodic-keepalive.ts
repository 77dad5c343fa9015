/**
 * The keepalive that users of gRPC set: a PING after so much silence, whatever the server thinks of
 * it. gRFC A8.
 *
 * For those who know their servers; without settings there is the sparing probe of `Keepalive`.
 * And for servers whose streams are silent for hours: no client counts their PINGs.
 */

import { type Connection, ErrorCode } from "../http2/index.ts";
import type { KeepalivePace } from "./keepalive-pace.ts";
import { Standstill } from "./standstill.ts";

const PING = new Uint8Array(Buffer.from("flalive\0", "latin1"));

/** The PINGs of one connection. */
export class PeriodicKeepalive {
  readonly #http2: Connection;
  readonly #pace: KeepalivePace;
  /** The pace that it began with. */
  readonly #timeMs: number;
  /** 0 before the first bytes: until then the peer's SETTINGS have their own time limit. */
  #lastRecvMs = 0;
  /** When the PING went out that nothing has come after; 0 for none. */
  #pingedMs = 0;
  readonly #standstill = new Standstill();

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
    const lateMs = this.#standstill.lateMs(nowMs);
    if (this.#pingedMs !== 0) {
      this.#pingedMs += lateMs;
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
