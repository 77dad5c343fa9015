/**
 * Which endpoints of a cluster hold a connection: every one; the first that can be reached, in
 * their order or a random one (pick_first, gRFC A62); or those that were picked (ring_hash, A42).
 */

import type { Policy } from "../balancing/index.ts";
import { type Rng, shuffled, unreachable } from "../base/index.ts";
import type { Picking } from "./picking.ts";
import type { Subchannel } from "./subchannel.ts";

/** See the head of this file. */
export class ConnectOrder {
  readonly #rng: Rng;
  #connects: Policy["connects"] = "all";
  /** The current endpoints in the order in which they are tried. */
  #order: readonly Subchannel[] = [];

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /**
   * The endpoints are these now, or the policy is; `connect` acts on it.
   *
   * @param picking knows the policy, and which endpoints are near: these are tried first.
   */
  set(current: readonly Subchannel[], picking: Picking): void {
    const { policy } = picking;
    this.#connects = policy.connects;
    this.#order = policy.shuffleAddressList ? shuffled(current, this.#rng) : current;
    if (policy.connects !== "first") return;
    this.#order = [...this.#order].sort((a, b) => picking.levelOf(a) - picking.levelOf(b));
  }

  /** Connects what is to be connected, and lets the others rest. */
  connect(): void {
    if (this.#connects === "all") for (const each of this.#order) each.connect();
    if (this.#connects !== "first") return;
    const chosen = this.#order.find((each) => each.isReady);
    if (chosen === undefined) this.#connectNext();
    else this.#restAllBut(chosen);
  }

  /** The state of an endpoint changed. */
  onState(subchannel: Subchannel): void {
    switch (this.#connects) {
      case "all":
        // It was lost: whoever is there is connected to.
        if (subchannel.state === "IDLE") subchannel.connect();
        break;
      case "first":
        if (subchannel.isReady) this.#restAllBut(subchannel);
        else this.#connectNext();
        break;
      case "picked":
        if (subchannel.connectivity === "TRANSIENT_FAILURE") this.#connectNext();
        break;
      default:
        unreachable(this.#connects);
    }
  }

  /**
   * Another one in order, while none is ready or about to be. For ring_hash too: when it fails as a
   * whole it must try another by itself, as no pick may ever come to one that is IDLE (A42).
   */
  #connectNext(): void {
    const all = this.#order;
    const isBusy = all.some((each) => each.state === "READY" || each.state === "CONNECTING");
    if (!isBusy) all.find((each) => each.state === "IDLE")?.connect();
  }

  #restAllBut(chosen: Subchannel): void {
    for (const each of this.#order) if (each !== chosen) each.rest();
  }
}
