/**
 * `pick_first`: all calls to one endpoint, until that one is lost. gRFC A62.
 *
 * Connecting in turn, and shuffling before it, is the cluster's work (`connects: "first"`).
 */
import type { Rng } from "../base/index.ts";
import type { Picker, PickTarget, Policy } from "./policy.ts";

class PickFirstPicker<T extends PickTarget> implements Picker<T> {
  readonly chosen: T | null;
  /** For the replay of a call that `chosen` refused, should a second one be ready. */
  readonly #other: T | null;

  constructor(chosen: T | null, other: T | null) {
    this.chosen = chosen;
    this.#other = other;
  }

  pick(exclude: T | null): T | null {
    return this.chosen === exclude && this.#other !== null ? this.#other : this.chosen;
  }
}

/** See the head of this file. A chosen endpoint is kept for as long as it stays ready. */
export class PickFirstPolicy implements Policy {
  readonly name = "pick_first";
  readonly connects = "first";
  readonly shuffleAddressList: boolean;

  /** @param shuffleAddressList whether the cluster tries endpoints in random order. */
  constructor(shuffleAddressList = false) {
    this.shuffleAddressList = shuffleAddressList;
  }

  /** See `Policy`. */
  newPicker<T extends PickTarget>(
    ready: readonly T[],
    _rng: Rng,
    previous: Picker<T> | null,
  ): Picker<T> {
    const last = previous instanceof PickFirstPicker ? (previous.chosen as T | null) : null;
    const chosen = last !== null && ready.includes(last) ? last : (ready[0] ?? null);
    const other = ready.find((target) => target !== chosen) ?? null;
    return new PickFirstPicker(chosen, other);
  }
}
