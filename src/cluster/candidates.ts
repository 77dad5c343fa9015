/**
 * Which endpoints of a set may be picked at all, in which level each is, and what share of calls
 * each level gets.
 *
 * Candidates are those that are ready. But when too few are, our conclusions are not believed any
 * more: then those that are connected and held back, by ejection or by active checks, are
 * candidates again (Envoy's panic threshold); not those that say of themselves that they do not
 * serve (A17). What a policy makes of them is its own business.
 */

import type { LocalityConfig, Policy } from "../balancing/index.ts";
import type { Locality } from "./locality.ts";
import type { Subchannel } from "./subchannel.ts";

/** Endpoints of one level. */
export interface Level {
  /** All of them, in the order of the set. */
  readonly all: Subchannel[];
  /** Those that may be picked. */
  readonly candidates: Subchannel[];
  /** How many can be, and of how many it is known whether they can. */
  available: number;
  total: number;
  /** Of all calls, from 0 to 1. */
  share: number;
}

/** See the head of this file. */
export class Candidates {
  readonly #locality: Locality;
  #levels: readonly Level[] = [];
  #isPanic = false;
  #heldBack = 0;
  #healthy = 0;
  #known = 0;

  constructor(locality: Locality) {
    this.#locality = locality;
  }

  /** The levels as of the last `update`, from near to far. */
  get levels(): readonly Level[] {
    return this.#levels;
  }

  /** Whether endpoints that are held back are used, because too few are healthy. */
  get isPanic(): boolean {
    return this.#isPanic;
  }

  /** How many of how many are healthy, for people. */
  get health(): string {
    return `${this.#healthy} of ${this.#known}`;
  }

  /** Whether the last `update` does not hold for this one any more. */
  isOutdated(subchannel: Subchannel): boolean {
    const { standing } = subchannel;
    if (subchannel.isReady !== standing.wasReady) return true;
    const isInQuestion = standing.isCandidate !== subchannel.isReady || subchannel.isHeldBack;
    if (isInQuestion) return true;
    // It counts among all: who is left out, and what a level gets, may depend on it.
    const isCounted = this.#heldBack > 0 || this.#levels.length > 1;
    return isCounted && standing.isKnown !== standing.wasKnown;
  }

  /** Looks at all endpoints of a set anew. O(n). */
  update(subchannels: readonly Subchannel[], policy: Policy, config: LocalityConfig): void {
    const isPicked = policy.connects === "picked";
    this.#heldBack = 0;
    this.#healthy = 0;
    this.#known = 0;
    for (const each of subchannels) {
      const { standing, isReady } = each;
      standing.wasReady = isReady;
      if (isReady) this.#healthy += 1;
      else if (each.isHeldBack) this.#heldBack += 1;
      if (standing.isKnown) this.#known += 1;
    }
    // A policy that connects what it picks sees states by itself, and passes over what is down.
    const isTooFew = this.#healthy * 100 < config.panicThresholdPercent * this.#known;
    this.#isPanic = this.#heldBack > 0 && isTooFew && !isPicked;
    const levels = Array.from(
      { length: this.#locality.levelCount },
      (): Level => ({ all: [], candidates: [], available: 0, total: 0, share: 0 }),
    );
    for (const each of subchannels) this.#place(each, levels, isPicked);
    const shares = this.#locality.sharesOf(levels, config.overprovisioningPercent / 100);
    for (const [i, share] of shares.entries()) levels[i]!.share = share;
    this.#levels = levels;
  }

  #place(subchannel: Subchannel, levels: readonly Level[], isPicked: boolean): void {
    const { standing } = subchannel;
    standing.level = this.#locality.levelOf(subchannel.endpoint);
    standing.wasKnown = standing.isKnown;
    standing.isCandidate = standing.wasReady || (this.#isPanic && subchannel.isHeldBack);
    const level = levels[standing.level]!;
    level.all.push(subchannel);
    if (standing.isCandidate) level.candidates.push(subchannel);
    // Those that were never picked are IDLE, and as good as ready.
    const isAvailable = isPicked
      ? subchannel.connectivity !== "TRANSIENT_FAILURE"
      : standing.isCandidate;
    if (isAvailable) level.available += 1;
    if (isAvailable || standing.isKnown) level.total += 1;
  }
}
