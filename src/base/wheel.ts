/**
 * One wheel for all deadlines of a process: a hashed timing wheel (Varghese and Lauck, scheme 6).
 *
 * Time is cut into ticks. An entry hangs in the slot `tick % SLOTS`, in a doubly linked list that
 * runs through the entries themselves; so adding and removing are O(1) and allocate nothing. An
 * entry further away than one turn of the wheel (10 s at 10 ms a tick) stays in its slot and is
 * looked at once a turn. A bitmap of used slots lets the wheel sleep until the next used one, so
 * that an idle process is not woken a hundred times a second.
 *
 * Not for short or exact intervals: an entry fires up to one tick late. It never fires early.
 */
import { assert } from "./assert.ts";
import type { Clock, Timer } from "./clock.ts";

const SLOT_BITS = 10;
const SLOTS = 1 << SLOT_BITS;
const SLOT_MASK = SLOTS - 1;
/** The list after the last slot: entries that are due and about to be called. */
const FIRING = SLOTS;
const NO_SLOT = -1;
const TICK_MS_DEFAULT = 10;

/**
 * Something with a deadline: extend it and hand it to `TimerWheel.add`. An entry is in at most one
 * wheel at a time, and may be used again after it fired or was removed.
 */
export abstract class WheelEntry {
  /** The wheel's own: the list that runs through the entries. */
  wheelNext: WheelEntry | null = null;
  /** The wheel's own, see `wheelNext`; null at the head of a list. */
  wheelPrev: WheelEntry | null = null;
  /** The wheel's own: which list the entry is in, or -1. */
  wheelSlot: number = NO_SLOT;
  /** The wheel's own: the first tick at which the entry may fire. */
  wheelTick = 0;

  /**
   * Called once, when the deadline has passed, from a timer of the wheel's clock. The entry is out
   * of the wheel by then; it may add itself or others, and remove others, also those due now.
   */
  abstract onDeadline(nowMs: number): void;
}

/** See the head of this file. Uses one timer of its clock, and only while it has entries. */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #keepsTimer: boolean;
  readonly #heads: (WheelEntry | null)[] = new Array(SLOTS + 1).fill(null);
  readonly #used = new Int32Array(SLOTS / 32);
  readonly #onTimer = (): void => this.#wake();
  /** All slots up to and including this tick have been looked at. */
  #tick = 0;
  #size = 0;
  #timer: Timer | null = null;
  /** The tick that `#timer` is set for; `Infinity` without a timer. */
  #timerTick = Number.POSITIVE_INFINITY;
  #isFiring = false;

  /**
   * @param tickMs the resolution: an entry fires up to this much late. Default 10 ms.
   * @param keepsTimer whether the timer of a wheel that became empty is left to fire for nothing:
   *   a wheel that is filled and emptied with every call would make one each time. For clocks whose
   *   timers let the process end.
   */
  constructor(clock: Clock, tickMs: number = TICK_MS_DEFAULT, keepsTimer = false) {
    assert(tickMs > 0, "a tick takes time");
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#keepsTimer = keepsTimer;
  }

  /** Entries that have neither fired nor been removed. */
  get size(): number {
    return this.#size;
  }

  /**
   * Fires `entry` once `clock.nowMs()` has reached `atMs`, up to a tick later; on a later turn of
   * the event loop even when `atMs` has passed already. An entry that is in this wheel is moved.
   * Entries of one tick fire in no particular order.
   */
  add(entry: WheelEntry, atMs: number): void {
    assert(Number.isFinite(atMs), "a deadline is a finite time");
    if (entry.wheelSlot !== NO_SLOT) this.#unlink(entry);
    else this.#size += 1;
    if (this.#timer === null && !this.#isFiring) {
      this.#tick = this.#tickBefore(this.#clock.nowMs());
    }
    const tick = Math.max(this.#tickAfter(atMs), this.#tick + 1);
    entry.wheelTick = tick;
    this.#link(entry, slotOf(tick));
    if (tick < this.#timerTick && !this.#isFiring) this.#arm(tick);
  }

  /** Takes `entry` out, so that it does not fire. No-op when it is not in the wheel. */
  remove(entry: WheelEntry): void {
    if (entry.wheelSlot === NO_SLOT) return;
    this.#unlink(entry);
    this.#size -= 1;
    if (this.#size === 0 && !this.#isFiring && !this.#keepsTimer) this.#disarm();
  }

  /** Forgets all entries without firing them. The wheel may be used again. */
  close(): void {
    for (let slot = 0; slot <= FIRING; slot += 1) {
      for (let entry = this.#heads[slot]; entry !== null; entry = this.#heads[slot]) {
        this.#unlink(entry);
      }
    }
    this.#size = 0;
    this.#disarm();
  }

  #wake(): void {
    this.#timer = null;
    this.#timerTick = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.nowMs();
    this.#collect(this.#tickBefore(nowMs));
    this.#isFiring = true;
    try {
      for (let entry = this.#heads[FIRING]; entry !== null; entry = this.#heads[FIRING]) {
        this.#unlink(entry);
        this.#size -= 1;
        entry.onDeadline(nowMs);
      }
    } finally {
      // Also when an entry threw: the others must not lose their deadlines.
      this.#isFiring = false;
      if (this.#size > 0) this.#arm(this.#nextTick());
    }
  }

  /** Moves what is due at `nowTick` from its slots to the firing list, oldest tick first. */
  #collect(nowTick: number): void {
    // After a sleep of more than a turn each slot is looked at once.
    const from = Math.max(this.#tick + 1, nowTick - SLOTS + 1);
    let tail = this.#heads[FIRING];
    while (tail !== null && tail.wheelNext !== null) tail = tail.wheelNext;
    for (let tick = from; tick <= nowTick; tick += 1) {
      let entry = this.#heads[slotOf(tick)];
      while (entry !== null) {
        const next: WheelEntry | null = entry.wheelNext;
        if (entry.wheelTick <= nowTick) tail = this.#moveToFiring(entry, tail);
        entry = next;
      }
    }
    this.#tick = Math.max(this.#tick, nowTick);
  }

  #moveToFiring(entry: WheelEntry, tail: WheelEntry | null): WheelEntry {
    this.#unlink(entry);
    entry.wheelSlot = FIRING;
    entry.wheelPrev = tail;
    if (tail === null) this.#heads[FIRING] = entry;
    else tail.wheelNext = entry;
    return entry;
  }

  #link(entry: WheelEntry, slot: number): void {
    const head = this.#heads[slot];
    entry.wheelSlot = slot;
    entry.wheelNext = head;
    if (head === null) this.#used[slot >> 5] |= 1 << (slot & 31);
    else head.wheelPrev = entry;
    this.#heads[slot] = entry;
  }

  #unlink(entry: WheelEntry): void {
    const { wheelNext: next, wheelPrev: prev, wheelSlot: slot } = entry;
    if (next !== null) next.wheelPrev = prev;
    if (prev !== null) {
      prev.wheelNext = next;
    } else {
      assert(this.#heads[slot] === entry, "an entry is removed from the wheel that it is in");
      this.#heads[slot] = next;
      if (next === null && slot !== FIRING) this.#used[slot >> 5] &= ~(1 << (slot & 31));
    }
    entry.wheelNext = null;
    entry.wheelPrev = null;
    entry.wheelSlot = NO_SLOT;
  }

  /** The next tick at which some slot is used: an entry may be due then, none is before. */
  #nextTick(): number {
    if (this.#heads[FIRING] !== null) return this.#tick;
    const first = slotOf(this.#tick + 1);
    for (let i = 0; i <= this.#used.length; i += 1) {
      const word = ((first >> 5) + i) & (this.#used.length - 1);
      let bits = this.#used[word];
      if (i === 0) bits &= -1 << (first & 31);
      if (bits === 0) continue;
      const slot = (word << 5) + (31 - Math.clz32(bits & -bits));
      return this.#tick + 1 + ((slot - first) & SLOT_MASK);
    }
    assert(false, "a wheel with entries has a used slot");
  }

  /** The last tick that has begun at `ms`. A quotient may be rounded up to a whole number. */
  #tickBefore(ms: number): number {
    const tick = Math.floor(ms / this.#tickMs);
    return tick * this.#tickMs > ms ? tick - 1 : tick;
  }

  /** The first tick that begins at or after `ms`. */
  #tickAfter(ms: number): number {
    const tick = Math.ceil(ms / this.#tickMs);
    return tick * this.#tickMs < ms ? tick + 1 : tick;
  }

  #arm(tick: number): void {
    this.#timer?.cancel();
    this.#timerTick = tick;
    const delayMs = tick * this.#tickMs - this.#clock.nowMs();
    this.#timer = this.#clock.setTimer(Math.max(0, delayMs), this.#onTimer);
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerTick = Number.POSITIVE_INFINITY;
  }
}

/** Not `tick & SLOT_MASK`: after 248 days a tick no longer fits into 31 bits. */
function slotOf(tick: number): number {
  return tick % SLOTS;
}
