/**
 * What a lab pod says of its load with each answer: an ORCA report in the trailers (gRFC A51,
 * "endpoint-load-metrics-bin"), by which `weighted_round_robin` gives out weights.
 *
 * Pure: times come in. Measured over whole seconds, so that all answers of a second have the same
 * bytes. Written by hand, as in `echo.ts`:
 *
 *     message OrcaLoadReport { double rps_fractional = 6; double application_utilization = 9; }
 */

/** "The metadata key will be endpoint-load-metrics-bin." (A51) */
export const LOAD_REPORT_KEY = "endpoint-load-metrics-bin";

const WINDOW_MS = 1000;
/** Calls at a time that a pod takes for full use of it: utilization 1. */
const FULL_CALLS = 10;
/** Wire type 1: 64 bits, little-endian. */
const FIXED64 = 1;
const RPS_FRACTIONAL = 6;
const APPLICATION_UTILIZATION = 9;

/** Counts calls, and reports the latest whole second. */
export class PodLoad {
  #active = 0;
  #ended = 0;
  /** Sum over time of the calls in flight, in call-ms, up to `#countedAtMs`. */
  #busyMs = 0;
  #countedAtMs: number;
  #windowAtMs: number;
  #report: Buffer | null = null;

  constructor(nowMs: number) {
    this.#countedAtMs = nowMs;
    this.#windowAtMs = nowMs;
  }

  /** A call came. */
  onStart(nowMs: number): void {
    this.#count(nowMs);
    this.#active += 1;
  }

  /** It is answered. */
  onEnd(nowMs: number): void {
    this.#count(nowMs);
    this.#active -= 1;
    this.#ended += 1;
  }

  /** The report, or null in the first second. */
  report(nowMs: number): Buffer | null {
    const passedMs = nowMs - this.#windowAtMs;
    if (passedMs < WINDOW_MS) return this.#report;
    this.#count(nowMs);
    const rps = (this.#ended * 1000) / passedMs;
    const utilization = this.#busyMs / passedMs / FULL_CALLS;
    this.#report = Buffer.concat([
      double(RPS_FRACTIONAL, rps),
      double(APPLICATION_UTILIZATION, utilization),
    ]);
    this.#windowAtMs = nowMs;
    this.#busyMs = 0;
    this.#ended = 0;
    return this.#report;
  }

  #count(nowMs: number): void {
    this.#busyMs += this.#active * (nowMs - this.#countedAtMs);
    this.#countedAtMs = nowMs;
  }
}

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = (field << 3) | FIXED64;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}
