/**
 * The real clock and the real source of chance: the only file that reads them.
 *
 * Made in `cli`, `lab` and the public entry points, and passed in from there. Node's timers may
 * fire up to a millisecond before `performance.now()` says so, and at once above 2^31-1 ms; both
 * are mended here, so that no caller has to know.
 */
import type { Clock, Timer } from "./clock.ts";
import type { Rng } from "./rng.ts";

/** Node turns a longer delay into 1 ms, with a warning. */
const DELAY_MS_MAX = 2 ** 31 - 1;

class RealTimer implements Timer {
  readonly #dueMs: number;
  readonly #fn: () => void;
  readonly #onTimeout = (): void => this.#wake();
  #handle: NodeJS.Timeout;
  #isRef = true;

  constructor(delayMs: number, fn: () => void) {
    // NaN as 0: what is due at no time would be looked at for ever.
    const inMs = Number.isNaN(delayMs) ? 0 : Math.max(0, delayMs);
    this.#dueMs = performance.now() + inMs;
    this.#fn = fn;
    this.#handle = setTimeout(this.#onTimeout, Math.min(inMs, DELAY_MS_MAX));
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  unref(): void {
    this.#isRef = false;
    this.#handle.unref();
  }

  ref(): void {
    this.#isRef = true;
    this.#handle.ref();
  }

  #wake(): void {
    const remainingMs = this.#dueMs - performance.now();
    if (remainingMs <= 0) {
      this.#fn();
      return;
    }
    // Rounding up: Node cuts fractions off, and would wake us early again.
    this.#handle = setTimeout(this.#onTimeout, Math.min(Math.ceil(remainingMs), DELAY_MS_MAX));
    if (!this.#isRef) this.#handle.unref();
  }
}

const CLOCK: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (delayMs, fn) => new RealTimer(delayMs, fn),
};

const RNG: Rng = {
  next: () => Math.random(),
  int: (n) => Math.floor(Math.random() * n),
};

/** The machine's clock: monotonic time since the start of the process, and Node's timers. */
export function realClock(): Clock {
  return CLOCK;
}

/** The runtime's generator: fast and well spread, but not for secrets. */
export function realRng(): Rng {
  return RNG;
}
