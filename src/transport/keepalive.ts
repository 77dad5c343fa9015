/**
 * Notices a connection whose peer is gone without a FIN. gRFC A8.
 *
 * Not a periodic ping: grpc-go servers close connections that ping more often than they like. A
 * probe goes out only while calls wait and nothing at all came for a while, and never a third one
 * without anything but ACKs in between.
 */

import { type Connection, ErrorCode } from "../http2/index.ts";

/** Silence, while calls wait, before a probe goes out. */
export const KEEPALIVE_SILENCE_MS = 10_000;
/** How long the ACK may take. */
export const KEEPALIVE_TIMEOUT_MS = 5_000;
/** Probes in a row without HEADERS or DATA; grpc-go cuts at the third strike. */
export const KEEPALIVE_PROBES_MAX = 2;
/** After them, one probe in the time that grpc-go's servers allow (MinTime): never a strike. */
export const KEEPALIVE_MIN_TIME_MS = 300_000;

const PROBE = new Uint8Array(Buffer.from("flprobe\0", "latin1"));

/** The probes of one client connection. */
export class Keepalive {
  readonly #http2: Connection;
  #lastRecvMs = 0;
  #probedMs = 0;
  #probes = 0;
  #lastProbeMs = 0;
  /** `callFrames` at the last probe: a change is progress. */
  #framesAtProbe = 0;
  #silenceMs = KEEPALIVE_SILENCE_MS;

  constructor(http2: Connection) {
    this.#http2 = http2;
  }

  /** Anything came. */
  onRecv(nowMs: number): void {
    this.#lastRecvMs = nowMs;
  }

  /** Our probe was answered. */
  onPong(): void {
    this.#probedMs = 0;
  }

  /** The peer finds us too eager: half as often from now on. */
  onTooManyPings(): void {
    this.#silenceMs *= 2;
  }

  /** Sends or judges a probe. @param calls that are open. */
  onTick(nowMs: number, calls: number): void {
    const http2 = this.#http2;
    if (this.#probedMs !== 0) {
      if (nowMs - this.#probedMs < KEEPALIVE_TIMEOUT_MS) return;
      http2.fail(ErrorCode.NO_ERROR, "the peer does not answer (keepalive)", "library");
      return;
    }
    if (calls === 0 || this.#lastRecvMs === 0) return;
    if (nowMs - this.#lastRecvMs < this.#silenceMs) return;
    if (http2.callFrames !== this.#framesAtProbe) this.#probes = 0;
    const isSpent = this.#probes >= KEEPALIVE_PROBES_MAX;
    if (isSpent && nowMs - this.#lastProbeMs < KEEPALIVE_MIN_TIME_MS) return;
    this.#framesAtProbe = http2.callFrames;
    this.#probedMs = nowMs;
    this.#lastProbeMs = nowMs;
    this.#probes += 1;
    http2.ping(PROBE);
  }
}
