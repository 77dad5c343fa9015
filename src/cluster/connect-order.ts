/**
 * Which endpoints of a cluster hold a connection: every one, or the first that can be reached, in
 * their order or a random one (pick_first). gRFC A62.
 */

import type { Policy } from "../balancing/index.ts";
import { type Rng, shuffled } from "../base/index.ts";
import type { Subchannel } from "./subchannel.ts";

/** See the head of this file. */
export class ConnectOrder {
  readonly #rng: Rng;
  #isFirst = false;
  /** The current endpoints in the order in which they are tried. */
  #order: readonly Subchannel[] = [];

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** The endpoints are these now, or the policy is; `connect` acts on it. */
  set(current: readonly Subchannel[], policy: Policy): void {
    this.#isFirst = policy.connects === "first";
    this.#order = policy.shuffleAddressList ? shuffled(current, this.#rng) : current;
  }

  /** Connects what is to be connected, and lets the others rest. */
  connect(): void {
    if (!this.#isFirst) {
      for (const each of this.#order) each.connect();
      return;
    }
    const chosen = this.#order.find((each) => each.isReady);
    if (chosen === undefined) this.#connectFirst();
    else this.#restAllBut(chosen);
  }

  /** The state of an endpoint changed. */
  onState(subchannel: Subchannel): void {
    if (!this.#isFirst) return;
    if (subchannel.isReady) this.#restAllBut(subchannel);
    else this.#connectFirst();
  }

  #connectFirst(): void {
    const all = this.#order;
    const isBusy = all.some((each) => each.state === "READY" || each.state === "CONNECTING");
    if (!isBusy) all.find((each) => each.state === "IDLE")?.connect();
  }

  #restAllBut(chosen: Subchannel): void {
    for (const each of this.#order) if (each !== chosen) each.rest();
  }
}
