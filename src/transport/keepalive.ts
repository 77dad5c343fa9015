/**
 * Notices a connection whose peer is gone without a FIN. gRFC A8.
 *
 * Not a periodic ping: grpc-go servers close connections that ping more often than they like. A
 * probe goes out only while calls wait and nothing at all came for a while, and never a third PING
 * without anything but ACKs in between. From then on SETTINGS that change nothing are the probe:
 * they must be acknowledged too (RFC 9113 §6.5.3), and no server counts them as pings. So a call
 * that is made after a long silence does not wait for minutes on a peer that died in it.
 */

import { type Connection, ErrorCode } from "../http2/index.ts";
import type { KeepalivePace } from "./keepalive-pace.ts";
import { Standstill } from "./standstill.ts";

/** PINGs in a row without HEADERS or DATA; grpc-go cuts at the third strike. */
export const KEEPALIVE_PROBES_MAX = 2;

const PROBE = new Uint8Array(Buffer.from("flprobe\0", "latin1"));

/** The probes of one client connection. */
export class Keepalive {
  readonly #http2: Connection;
  readonly #pace: KeepalivePace;
  /** The silence that it began with. */
  readonly #timeMs: number;
  #lastRecvMs = 0;
  /** When the probe went out that was not answered yet; 0 for none. */
  #probedMs = 0;
  /** Whether that was a PING: then nothing but its ACK is the answer. */
  #isPing = false;
  #pings = 0;
  /** `callFrames` at the last probe: a change is progress. */
  #framesAtProbe = 0;
  readonly #standstill = new Standstill();

  constructor(http2: Connection, pace: KeepalivePace) {
    this.#http2 = http2;
    this.#pace = pace;
    this.#timeMs = pace.timeMs;
  }

  /** Anything came. */
  onRecv(nowMs: number): void {
    this.#lastRecvMs = nowMs;
    if (!this.#isPing) this.#probedMs = 0;
  }

  /** Our PING was answered. */
  onPong(): void {
    this.#probedMs = 0;
  }

  /** The peer finds us too eager: half as often from now on, on other connections too. */
  onTooManyPings(): void {
    this.#pace.slowDown(this.#timeMs);
  }

  /** Sends or judges a probe. @param calls that are open. */
  onTick(nowMs: number, calls: number): void {
    const http2 = this.#http2;
    const lateMs = this.#standstill.lateMs(nowMs);
    if (this.#probedMs !== 0) {
      this.#probedMs += lateMs;
      if (nowMs - this.#probedMs < this.#pace.timeoutMs) return;
      http2.fail(ErrorCode.NO_ERROR, "the peer does not answer (keepalive)", "library");
      return;
    }
    if (calls === 0 || this.#lastRecvMs === 0) return;
    if (nowMs - this.#lastRecvMs < this.#pace.timeMs) return;
    if (http2.callFrames !== this.#framesAtProbe) this.#pings = 0;
    this.#framesAtProbe = http2.callFrames;
    this.#probedMs = nowMs;
    this.#isPing = this.#pings < KEEPALIVE_PROBES_MAX;
    if (this.#isPing) {
      this.#pings += 1;
      http2.ping(PROBE);
    } else http2.confirmSettings();
  }
}
