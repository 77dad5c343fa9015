/**
 * What `peak_ewma` keeps of an endpoint: how long it takes to answer, as Finagle's and Linkerd's
 * PeakEwma estimate it.
 *
 * The estimate rises at once to a higher sample, and sinks by time: to 1/e of itself in `decayMs`.
 * A sample is the time to the response headers; how long a stream lasts says nothing. Finagle
 * sinks its figure as it is read; here reads never write, and the same is computed.
 *
 * What Finagle leaves open, and what is done here:
 * - While calls wait for an answer that does not come, time alone proves nothing, and the estimate
 *   sinks four times as slowly; otherwise an endpoint that hangs would get ever more calls.
 * - A failure never lowers the estimate, however quick it was: it is put back to what it was when
 *   an attempt last went well.
 * - An endpoint that never answered gets one call, and the next when that is answered: for
 *   `decayMs` at most, as the headers of a stream may be long in coming. Then `defaultRttMs` is
 *   assumed.
 */
import type { EndpointLoad } from "./policy.ts";

/** Above the cost of whatever has answered. Only others without an answer compare with it. */
const PENALTY_MS = 1e12;
/** No network answers sooner: below it, as after a long rest, only calls in flight count. */
const RTT_MS_MIN = 0.01;
/** See the head of this file. */
const WAITING_DECAY_FACTOR = 4;
/** In place of an estimate. */
const UNKNOWN = -1;
const RTT_US_MAX = 2 ** 31 - 1;

/** See the head of this file. */
export class PeakEwmaLoad implements EndpointLoad {
  readonly #decayMs: number;
  readonly #defaultRttMs: number;
  readonly #bornMs: number;
  // Whole numbers, which V8 keeps in the object: a fraction would be another read, far away.
  /** The estimate as it was at `#atMs`. */
  #rttUs = UNKNOWN;
  #atMs: number;
  /** The estimate when an attempt last went well. */
  #goodRttUs: number;

  constructor(decayMs: number, defaultRttMs: number, nowMs: number) {
    this.#decayMs = decayMs;
    this.#defaultRttMs = defaultRttMs;
    this.#bornMs = Math.floor(nowMs);
    this.#atMs = this.#bornMs;
    this.#goodRttUs = toUs(defaultRttMs);
  }

  /** Goes on with what another one, of other parameters, knows. */
  resume(previous: PeakEwmaLoad): void {
    this.#rttUs = previous.#rttUs;
    this.#atMs = previous.#atMs;
    this.#goodRttUs = previous.#goodRttUs;
  }

  /** What one more call would cost: the estimate, times the calls that there would be. */
  cost(activeCalls: number, nowMs: number): number {
    if (this.#rttUs === UNKNOWN) return this.#unknownCost(activeCalls, nowMs);
    const decayMs = activeCalls === 0 ? this.#decayMs : this.#decayMs * WAITING_DECAY_FACTOR;
    return Math.max(this.#decayed(decayMs, nowMs), RTT_MS_MIN) * (activeCalls + 1);
  }

  #unknownCost(activeCalls: number, nowMs: number): number {
    if (activeCalls === 0) return 0;
    if (nowMs - this.#bornMs < this.#decayMs) return PENALTY_MS * activeCalls;
    return this.#defaultRttMs * (activeCalls + 1);
  }

  onAnswered(latencyMs: number, nowMs: number): void {
    const before = this.#rttUs === UNKNOWN ? 0 : this.#decayed(this.#decayMs, nowMs);
    if (latencyMs >= before) this.#set(latencyMs, nowMs);
    else {
      // A lower sample counts by the time since the pick that led to it, which read the estimate.
      const kept = Math.exp(-latencyMs / this.#decayMs);
      this.#set(before * kept + latencyMs * (1 - kept), nowMs);
    }
  }

  onEnded(isFailure: boolean, latencyMs: number, nowMs: number): void {
    if (!isFailure) {
      if (this.#rttUs !== UNKNOWN) this.#goodRttUs = this.#rttUs;
      return;
    }
    const known = Math.max(this.#rttUs, this.#goodRttUs);
    this.#rttUs = Math.max(known, toUs(latencyMs));
    this.#atMs = Math.floor(nowMs);
  }

  /** Its own figures are not asked for. */
  onReport(): void {}

  #set(rttMs: number, nowMs: number): void {
    this.#rttUs = toUs(rttMs);
    this.#atMs = Math.floor(nowMs);
  }

  #decayed(decayMs: number, nowMs: number): number {
    return (this.#rttUs / 1_000) * Math.exp(-Math.max(0, nowMs - this.#atMs) / decayMs);
  }
}

function toUs(ms: number): number {
  return Math.min(Math.round(ms * 1_000), RTT_US_MAX);
}
