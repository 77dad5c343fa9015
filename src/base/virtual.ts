/**
 * A clock that stands still until a test or a simulation moves it.
 *
 * Timers wait in a binary heap ordered by due time, then by age; cancelled ones leave it at once,
 * so that `pendingCount` tells the truth.
 */
import { assert } from "./assert.ts";
import type { Clock, Timer } from "./clock.ts";

/** 2026-01-01T00:00:00Z: what `wallMs()` says while `nowMs()` is 0. */
const WALL_START_MS = 1_767_225_600_000;

class VirtualTimer implements Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly fn: () => void;
  readonly #clock: VirtualClock;
  /** Position in the heap, or -1 when not in it. */
  index = -1;

  constructor(clock: VirtualClock, dueMs: number, order: number, fn: () => void) {
    this.#clock = clock;
    this.dueMs = dueMs;
    this.order = order;
    this.fn = fn;
  }

  cancel(): void {
    this.#clock.drop(this);
  }

  unref(): void {
    // A virtual timer keeps no process alive.
  }

  ref(): void {
    // Nor this.
  }
}

/**
 * Virtual time: begins at 0 ms, moves only by `advance`, and fires each timer at its own due time
 * in order. Every test that uses one ends with `pendingCount === 0`.
 */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #heap: VirtualTimer[] = [];

  /** Milliseconds since this clock was made. */
  nowMs(): number {
    return this.#nowMs;
  }

  /** Milliseconds since 1970; begins on 2026-01-01 and moves with `nowMs()`. */
  wallMs(): number {
    return WALL_START_MS + this.#nowMs;
  }

  /** See `Clock`: `fn` runs inside a later `advance`, never inside this call. */
  setTimer(delayMs: number, fn: () => void): Timer {
    assert(!Number.isNaN(delayMs), "a delay is a number");
    const timer = new VirtualTimer(this, this.#nowMs + Math.max(0, delayMs), this.#order++, fn);
    this.#heap.push(timer);
    this.#up(this.#heap.length - 1, timer);
    return timer;
  }

  /** Timers that neither fired nor were cancelled. */
  get pendingCount(): number {
    return this.#heap.length;
  }

  /** When the next timer is due, by `nowMs()`, or `Infinity` when none is pending. */
  get nextDueMs(): number {
    return this.#heap.length === 0 ? Number.POSITIVE_INFINITY : this.#heap[0].dueMs;
  }

  /**
   * Moves time on by `ms` and fires, each at its own due time, all timers due until then, also
   * those that are set meanwhile. What a timer throws comes out here, with time standing still.
   */
  advance(ms: number): void {
    assert(ms >= 0, "time does not go back");
    const endMs = this.#nowMs + ms;
    while (this.#heap.length > 0 && this.#heap[0].dueMs <= endMs) {
      const timer = this.#heap[0];
      this.drop(timer);
      this.#nowMs = timer.dueMs;
      timer.fn();
    }
    this.#nowMs = endMs;
  }

  /** Takes a timer out of the heap: for `Timer.cancel` only. No-op when it is not in it. */
  drop(timer: VirtualTimer): void {
    const index = timer.index;
    if (index < 0) return;
    timer.index = -1;
    const last = this.#heap.pop()!;
    if (last === timer) return;
    if (index > 0 && isBefore(last, this.#heap[(index - 1) >> 1])) this.#up(index, last);
    else this.#down(index, last);
  }

  #up(from: number, timer: VirtualTimer): void {
    let index = from;
    while (index > 0) {
      const parent = this.#heap[(index - 1) >> 1];
      if (!isBefore(timer, parent)) break;
      this.#put(index, parent);
      index = (index - 1) >> 1;
    }
    this.#put(index, timer);
  }

  #down(from: number, timer: VirtualTimer): void {
    const size = this.#heap.length;
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(this.#heap[child + 1], this.#heap[child])) child += 1;
      if (!isBefore(this.#heap[child], timer)) break;
      this.#put(index, this.#heap[child]);
      index = child;
    }
    this.#put(index, timer);
  }

  #put(index: number, timer: VirtualTimer): void {
    this.#heap[index] = timer;
    timer.index = index;
  }
}

function isBefore(a: VirtualTimer, b: VirtualTimer): boolean {
  return a.dueMs !== b.dueMs ? a.dueMs < b.dueMs : a.order < b.order;
}
