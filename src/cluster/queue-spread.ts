/**
 * Picks for calls that queued and are let go at once: many in one turn, before any can end.
 *
 * Two choices by chance are even enough for calls that come one by one; of 60 at once over 12 pods
 * they sometimes give one pod 8. So an endpoint that has its share already is passed over, if the
 * policy aims at equal numbers of calls in flight. All other policies pick as they always do: round
 * robin is even by itself, and `random` is what chance gives.
 */

import type { Picker, PickRequest, PickTarget } from "../balancing/index.ts";

/** Picks for one call before an endpoint with room is looked for in order. */
const PICKS_MAX = 4;

/** See the head of this file. */
export class QueueSpread<T extends PickTarget> {
  readonly #picker: Picker<T>;
  readonly #ready: readonly T[];
  /** Calls in flight on one endpoint when all calls are spread evenly. */
  readonly #share: number;
  /** All before it had their share when they were last looked at. */
  #cursor = 0;

  /**
   * @param ready what the picker picks from, or what is left of it.
   * @param calls how many picks there will be.
   */
  constructor(picker: Picker<T>, ready: readonly T[], calls: number) {
    this.#picker = picker;
    this.#ready = ready;
    const active = ready.reduce((sum, each) => sum + each.activeCalls, 0);
    this.#share = Math.ceil((active + calls) / ready.length);
  }

  /** The endpoint for the next call, which is started on it before the next pick. */
  pick(request: PickRequest | null, nowMs: number): T | null {
    let target: T | null = null;
    for (let i = 0; i < PICKS_MAX; i++) {
      target = this.#picker.pick(target, request, nowMs);
      if (target === null || target.activeCalls < this.#share) return target;
    }
    const ready = this.#ready;
    while (this.#cursor < ready.length && ready[this.#cursor].activeCalls >= this.#share) {
      this.#cursor += 1;
    }
    return this.#cursor < ready.length ? ready[this.#cursor] : target;
  }
}
