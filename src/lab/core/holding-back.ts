/**
 * When the machine is short, and what load it can carry: the rule by which the lab lowers the load
 * of all lanes alike rather than show figures that are the machine's. Pure; asked once a second.
 *
 * A client that gives calls up is a sign of it only when its own timers are late: then nobody had
 * the processor for them. One whose timers are on time waits for its pods, and that is a finding
 * of the lane, not a shortage.
 */

/** What a lane's client told in the second before. */
export interface LaneStrain {
  /** Calls that were due and not made. */
  readonly givenUp: number;
  /** How late its timers were, on average. */
  readonly lagMs: number;
}

/** Of the calls that are due: fewer given up are no sign. */
const GIVEN_UP_PART = 0.05;
/** Timers of an idle machine are late by 1 ms. */
const LAG_MS = 8;
/** Two bad seconds happen: processes start, and are slow until they are warm. */
const SHORT_CHECKS = 3;
/** From a step to the next one up; doubled each time that the step up was too much. */
const CALM_CHECKS = 5;
const CALM_CHECKS_MAX = 80;
/** Steps down go a little below what was carried, and never to less than half. */
const STEP_DOWN = 0.9;
const STEP_DOWN_MIN = 0.5;
const STEP_UP = 1.1;
/** Below that no figure becomes firm. */
const LOWEST = 10;

/** The rule, with what it remembers. */
export class HoldingBack {
  #wanted: number;
  #limit: number | null = null;
  #shortChecks = 0;
  #calmChecks = 0;
  #calmNeeded = CALM_CHECKS;
  /** The step before this was one up. */
  #hasRaised = false;

  /** @param wanted calls per second of each lane that were asked for. */
  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  /** Calls per second that all lanes were lowered to, or null. */
  get heldBackTo(): number | null {
    return this.#limit;
  }

  /** What was asked for is another from now on, and is tried. */
  setWanted(wanted: number): void {
    this.#wanted = wanted;
    this.#limit = null;
    this.#shortChecks = 0;
    this.#calmChecks = 0;
    this.#calmNeeded = CALM_CHECKS;
    this.#hasRaised = false;
  }

  /** A second is over; one of the lanes that have a client each. */
  check(lanes: readonly LaneStrain[]): void {
    const now = this.#limit ?? this.#wanted;
    const short = lanes.filter(
      ({ givenUp, lagMs }) => givenUp >= now * GIVEN_UP_PART && lagMs >= LAG_MS,
    );
    if (short.length === 0) this.#onCalm(now);
    else this.#onShort(now, Math.max(...short.map(({ givenUp }) => givenUp)));
  }

  #onShort(now: number, givenUp: number): void {
    this.#calmChecks = 0;
    this.#shortChecks += 1;
    if (this.#shortChecks < SHORT_CHECKS) return;
    this.#shortChecks = 0;
    if (this.#hasRaised) this.#calmNeeded = Math.min(this.#calmNeeded * 2, CALM_CHECKS_MAX);
    this.#hasRaised = false;
    const carried = Math.max((now - givenUp) * STEP_DOWN, now * STEP_DOWN_MIN);
    this.#limit = Math.min(this.#wanted, Math.max(LOWEST, Math.floor(carried)));
    if (this.#limit === this.#wanted) this.#limit = null;
  }

  #onCalm(now: number): void {
    this.#shortChecks = 0;
    if (this.#limit === null) return;
    this.#calmChecks += 1;
    if (this.#calmChecks < this.#calmNeeded) return;
    this.#calmChecks = 0;
    this.#hasRaised = true;
    const raised = Math.ceil(now * STEP_UP);
    this.#limit = raised < this.#wanted ? raised : null;
  }
}
