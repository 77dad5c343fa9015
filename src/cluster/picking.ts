/**
 * What calls are picked by: the picker of the policy over the endpoints that are candidates now,
 * and when a new one is made.
 *
 * Work on change, not on pick. Large pickers are built in pieces between turns of the event loop,
 * while the one before stays in use. Where a call goes that finds its pick full is the cluster's.
 */

import type { Picker, PickerBuild, PickRequest, Policy } from "../balancing/index.ts";
import type { Clock, Rng, Timer } from "../base/index.ts";
import { Candidates } from "./candidates.ts";
import type { Subchannel } from "./subchannel.ts";

/** With fewer ready endpoints than this, a change is in the next pick. */
const PUBLISH_AT_ONCE_MAX = 256;
/** Otherwise it is this much later. */
const PUBLISH_DELAY_MS = 1;

/** What picking needs of its cluster. */
export interface PickingOwner {
  /** The endpoints of the current set. */
  readonly subchannels: readonly Subchannel[];
  /** There is a new picker; `wasReady` endpoints were ready before. */
  onPicker(wasReady: number): void;
}

/** See the head of this file. */
export class Picking {
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #owner: PickingOwner;
  readonly #candidates = new Candidates();
  #policy: Policy;
  #picker: Picker<Subchannel> | null = null;
  /** A picker in the making, and whether something changed since it was begun. */
  #build: PickerBuild<Subchannel> | null = null;
  #isOutdated = false;
  #readyCount = 0;
  /** The next publication, or the next piece of a build. */
  #timer: Timer | null = null;
  #refresh: Timer | null = null;
  /** The last that was connected because a pick had passed it over. */
  #joining: Subchannel | null = null;

  constructor(policy: Policy, clock: Clock, rng: Rng, owner: PickingOwner) {
    this.#policy = policy;
    this.#clock = clock;
    this.#rng = rng;
    this.#owner = owner;
  }

  /** The policy in force. */
  get policy(): Policy {
    return this.#policy;
  }

  /** For those who pick many at once or show it; null before the first. */
  get picker(): Picker<Subchannel> | null {
    return this.#picker;
  }

  /** Endpoints that were ready when the picker was made. */
  get readyCount(): number {
    return this.#readyCount;
  }

  /** See `Picker.pick`; null also before there is a picker. */
  pick(exclude: Subchannel | null, request: PickRequest | null, nowMs: number): Subchannel | null {
    const picker = this.#picker;
    if (picker === null) return null;
    const target = picker.pick(exclude, request, nowMs);
    if (picker.passedOver != null) this.#connectBeside(picker.passedOver);
    return target;
  }

  /** One after the other, as A76 has it. */
  #connectBeside(passedOver: Subchannel): void {
    if (this.#joining?.connectivity === "CONNECTING") return;
    this.#joining = passedOver;
    passedOver.connect();
  }

  /** From now on calls are spread by `policy`; `publish` acts on it. */
  setPolicy(policy: Policy): void {
    this.#policy = policy;
    this.#build = null;
    this.#refresh?.cancel();
    this.#refresh = null;
    for (const each of this.#owner.subchannels) each.usePolicy(policy);
  }

  /**
   * With many endpoints a new picker for each that comes would be the square of their number; a
   * picker that is a moment old costs a second pick at most.
   */
  publishSoon(): void {
    // During a build its timer is taken: `publish` notes that something changed.
    if (this.#readyCount < PUBLISH_AT_ONCE_MAX || this.#build !== null) this.publish();
    else this.#timer ??= this.#clock.setTimer(PUBLISH_DELAY_MS, () => this.#onTimer());
  }

  /** A new picker for the endpoints that are candidates now. */
  publish(): void {
    const { subchannels } = this.#owner;
    const isAny = subchannels.some((each) => each.isReady);
    if (this.#build !== null && isAny) {
      this.#isOutdated = true;
      return;
    }
    this.#timer?.cancel();
    this.#timer = null;
    this.#isOutdated = false;
    this.#build = null;
    const wasReady = this.#readyCount;
    for (const each of subchannels) each.isPublished = each.isReady;
    const candidates = this.#candidates.of(subchannels);
    this.#readyCount = candidates.length;
    const all = this.#policy.connects === "picked" ? subchannels : candidates;
    this.#make(all, wasReady);
  }

  #make(all: readonly Subchannel[], wasReady: number): void {
    const policy = this.#policy;
    const nowMs = this.#clock.nowMs();
    if (policy.beginPicker === undefined || all.length === 0) {
      this.#use(policy.newPicker(all, this.#rng, this.#picker, nowMs), wasReady);
      return;
    }
    this.#build = policy.beginPicker(all, this.#rng, this.#picker, nowMs);
    this.#step(wasReady);
  }

  #step(wasReady: number): void {
    const picker = this.#build!.step();
    if (picker === null) {
      this.#timer = this.#clock.setTimer(0, () => this.#onTimer(wasReady));
      return;
    }
    this.#build = null;
    this.#use(picker, wasReady);
  }

  #onTimer(wasReady = 0): void {
    this.#timer = null;
    if (this.#build === null) this.publish();
    else this.#step(wasReady);
  }

  #use(picker: Picker<Subchannel>, wasReady: number): void {
    this.#picker = picker;
    const { refreshMs } = this.#policy;
    if (refreshMs !== undefined && this.#readyCount > 1) {
      this.#refresh ??= this.#clock.setTimer(refreshMs, () => this.#onRefresh());
    }
    this.#owner.onPicker(wasReady);
    if (this.#isOutdated) this.publish();
  }

  #onRefresh(): void {
    this.#refresh = null;
    this.publish();
  }

  /** Nothing follows. */
  close(): void {
    this.#timer?.cancel();
    this.#refresh?.cancel();
    this.#build = null;
  }
}
