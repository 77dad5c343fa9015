/**
 * One write per socket and turn of the event loop.
 *
 * Connections with output register here; what one turn produced for a connection leaves together
 * when the turn ends. It also ticks all connections about once a second, so that none has a timer
 * of its own.
 */

import type { Clock, Timer } from "../base/index.ts";

/** Something that has output to write at the end of the turn. */
export interface Flushable {
  flush(): void;
}

/** Something with coarse deadlines. */
export interface Ticking {
  onTick(nowMs: number): void;
}

/** Calls a function once, when what runs now has returned. */
export type TurnEnd = (fn: () => void) => unknown;

/** How often `Ticking.onTick` is called. */
export const TICK_MS = 1_000;

/** The turn's end, and the coarse tick, for all connections of a process. */
export class TransportLoop {
  readonly clock: Clock;
  readonly #atTurnEnd: TurnEnd;
  #dirty: Flushable[] = [];
  #spare: Flushable[] = [];
  #isScheduled = false;
  readonly #ticking = new Set<Ticking>();
  #timer: Timer | null = null;
  readonly #onTurnEnd = () => this.#flushAll();

  /** @param atTurnEnd by default the end of the event loop's turn. */
  constructor(clock: Clock, atTurnEnd: TurnEnd = (fn) => setImmediate(fn)) {
    this.clock = clock;
    this.#atTurnEnd = atTurnEnd;
  }

  /** Calls `flush` of the connection at the end of this turn. */
  schedule(connection: Flushable): void {
    this.#dirty.push(connection);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#atTurnEnd(this.#onTurnEnd);
  }

  /** Writes what waits now, for the last words of a process. */
  flushNow(): void {
    if (this.#isScheduled) this.#flushAll();
  }

  #flushAll(): void {
    this.#isScheduled = false;
    const dirty = this.#dirty;
    this.#dirty = this.#spare;
    this.#spare = dirty;
    for (let i = 0; i < dirty.length; i++) dirty[i]!.flush();
    dirty.length = 0;
  }

  /** Begins to tick `connection`. */
  add(connection: Ticking): void {
    this.#ticking.add(connection);
    if (this.#timer === null) this.#arm();
  }

  /** Ends the ticking; the timer goes with the last connection. */
  remove(connection: Ticking): void {
    this.#ticking.delete(connection);
    if (this.#ticking.size > 0 || this.#timer === null) return;
    this.#timer.cancel();
    this.#timer = null;
  }

  #arm(): void {
    this.#timer = this.clock.setTimer(TICK_MS, () => this.#tick());
  }

  #tick(): void {
    this.#timer = null;
    const nowMs = this.clock.nowMs();
    for (const connection of [...this.#ticking]) connection.onTick(nowMs);
    if (this.#ticking.size > 0 && this.#timer === null) this.#arm();
  }
}
