/**
 * What calls are picked by: the picker of the policy over the endpoints that are candidates now,
 * with what stands around the policy, and when a new one is made.
 *
 * Work on change, not on pick. Large pickers are built in pieces between turns of the event loop,
 * while the one before stays in use. Where a call goes that finds its pick full is the cluster's.
 */

import {
  type LevelPlan,
  LevelsBuild,
  type Picker,
  type PickRequest,
  type Policy,
  SlowStartPicker,
} from "../balancing/index.ts";
import type { Timer } from "../base/index.ts";
import type { EndpointSet } from "../discovery/index.ts";
import type { Reading } from "../telemetry/index.ts";
import { Candidates, type Level } from "./candidates.ts";
import type { ClusterDeps } from "./config.ts";
import { healthSteps, levelSteps, levelText, returnText, slowStartSteps } from "./decision.ts";
import { Locality } from "./locality.ts";
import { Outliers } from "./outliers.ts";
import { PanicLog } from "./panic-log.ts";
import { QueueSpread } from "./queue-spread.ts";
import { Ramp } from "./ramp.ts";
import type { ServiceConfig } from "./service-config.ts";
import type { Subchannel } from "./subchannel.ts";
import type { DecisionStep } from "./view.ts";

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
  readonly #deps: ClusterDeps;
  readonly #owner: PickingOwner;
  readonly #locality = new Locality();
  readonly #candidates = new Candidates(this.#locality);
  readonly #ramp = new Ramp();
  readonly #outliers: Outliers;
  readonly #panicLog: PanicLog;
  readonly #panicGauge: Reading;
  #config: ServiceConfig;
  #picker: Picker<Subchannel> | null = null;
  /** The policy's own pickers by the level that each is for. */
  #leaves: ReadonlyMap<string, Picker<Subchannel>> = new Map();
  /** A picker in the making, and whether something changed since it was begun. */
  #build: LevelsBuild<Subchannel> | null = null;
  #buildNames: readonly string[] = [];
  #isOutdated = false;
  #readyCount = 0;
  /** The next publication, or the next piece of a build. */
  #timer: Timer | null = null;
  #refresh: Timer | null = null;
  /** The last that was connected because a pick had passed it over. */
  #joining: Subchannel | null = null;

  constructor(target: string, config: ServiceConfig, deps: ClusterDeps, owner: PickingOwner) {
    this.#config = config;
    this.#deps = deps;
    this.#owner = owner;
    this.#outliers = new Outliers(target, deps);
    this.#panicLog = new PanicLog(target, deps.log, deps.clock);
    this.#panicGauge = deps.registry.gauge(
      "fairlead_lb_panic",
      "1 while so few endpoints are healthy that health is ignored.",
      { grpc_target: target },
      () => (this.#candidates.isPanic ? 1 : 0),
      "max",
    );
    this.#locality.configure(config);
    this.#outliers.configure(config.balancing.outlierDetection, []);
  }

  /** The policy in force. */
  get policy(): Policy {
    return this.#config.balancing.policy;
  }

  /** For those who pick many at once or show it; null before the first. */
  get picker(): Picker<Subchannel> | null {
    return this.#picker;
  }

  /** The policy's own pickers, one a level. */
  get leaves(): Iterable<Picker<Subchannel>> {
    return this.#leaves.values();
  }

  /** Endpoints that were candidates when the picker was made. */
  get readyCount(): number {
    return this.#readyCount;
  }

  /** Whether endpoints are used in spite of what is known of their health. */
  get isPanic(): boolean {
    return this.#candidates.isPanic && this.#readyCount > 0;
  }

  /**
   * For `calls` that queued and are let go at once; null when they go where they are picked: if the
   * policy does not level, or endpoints of several levels are not to have equal shares.
   */
  spread(calls: number): QueueSpread<Subchannel> | null {
    const used = this.#candidates.levels.filter(({ share }) => share > 0);
    if (this.#picker === null || this.policy.levelsCalls !== true || used.length !== 1) return null;
    const ready = used[0]!.candidates.filter((each) => this.mayTake(each));
    return ready.length === 0 ? null : new QueueSpread(this.#picker, ready, calls);
  }

  /**
   * One that may have a call that no picker gave it: looked for from a random one on, so that not
   * all such calls go to the first; beyond the levels that get calls only when these have none.
   */
  find(isFit: (subchannel: Subchannel) => boolean): Subchannel | null {
    const all = this.#owner.subchannels;
    if (all.length === 0) return null;
    const from = this.#deps.rng.int(all.length);
    let beyond: Subchannel | null = null;
    for (let i = 0; i < all.length; i++) {
      const each = all[(from + i) % all.length]!;
      if (!this.mayTake(each) || !isFit(each)) continue;
      if (this.isUsable(each)) return each;
      beyond ??= each;
    }
    return beyond;
  }

  /** Whether an endpoint may have calls that no picker gave it. */
  mayTake(subchannel: Subchannel): boolean {
    if (subchannel.isReady) return true;
    return this.isPanic && subchannel.standing.isCandidate && subchannel.isConnected;
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

  /** A new endpoint gets what the policy keeps of one. */
  adopt(subchannel: Subchannel): void {
    subchannel.usePolicy(this.policy);
  }

  /** From now on this config holds; `publish` acts on it. */
  configure(config: ServiceConfig): void {
    const before = this.policy;
    this.#config = config;
    this.#locality.configure(config);
    this.#outliers.configure(config.balancing.outlierDetection, this.#owner.subchannels);
    this.#build = null;
    this.#refresh?.cancel();
    this.#refresh = null;
    if (before === this.policy) return;
    for (const each of this.#owner.subchannels) this.adopt(each);
  }

  /** A set came, and its endpoints are the owner's now; `publish` acts on it. */
  onSet(set: EndpointSet): void {
    this.#locality.setSource(set);
    this.#outliers.setTargets(this.#owner.subchannels);
  }

  /** The level of an endpoint, from near to far. */
  levelOf({ endpoint }: Subchannel): number {
    return this.#locality.levelOf(endpoint);
  }

  /** The state of an endpoint changed. Returns whether the picker is to be made anew. */
  onState(subchannel: Subchannel): boolean {
    this.#ramp.onState(subchannel, this.#deps.clock.nowMs());
    return this.#candidates.isOutdated(subchannel);
  }

  /**
   * With many endpoints a new picker for each that comes would be the square of their number; a
   * picker that is a moment old costs a second pick at most.
   */
  publishSoon(): void {
    // During a build its timer is taken: `publish` notes that something changed.
    if (this.#readyCount < PUBLISH_AT_ONCE_MAX || this.#build !== null) this.publish();
    else this.#timer ??= this.#deps.clock.setTimer(PUBLISH_DELAY_MS, () => this.#onTimer());
  }

  /** A new picker for the endpoints that are candidates now. */
  publish(): void {
    const { subchannels } = this.#owner;
    // Of a policy that connects what it picks nothing is ready before there is a picker.
    const isAny = this.policy.connects === "picked" || subchannels.some((each) => each.isReady);
    if (this.#build !== null && isAny) {
      this.#isOutdated = true;
      return;
    }
    this.#timer?.cancel();
    this.#timer = null;
    this.#isOutdated = false;
    const wasReady = this.#readyCount;
    this.#candidates.update(subchannels, this.policy, this.#config.extensions.locality);
    const { levels, isPanic, health } = this.#candidates;
    this.#readyCount = levels.reduce((sum, { candidates }) => sum + candidates.length, 0);
    this.#ramp.judge(subchannels, this.#readyCount);
    this.#panicLog.onState(isPanic, health);
    this.#begin(levels);
    this.#step(wasReady);
  }

  /** Levels without a candidate have no picker; if none has, there is one that picks nothing. */
  #begin(levels: readonly Level[]): void {
    const { clock, rng } = this.#deps;
    const nowMs = clock.nowMs();
    const isPicked = this.policy.connects === "picked";
    const names: string[] = [];
    const plans: LevelPlan<Subchannel>[] = [];
    for (const [i, { all, candidates, share }] of levels.entries()) {
      const targets = isPicked ? all : candidates;
      const isNeeded = targets.length > 0 && (share > 0 || !isPicked);
      if (!isNeeded && i + 1 < levels.length) continue;
      if (!isNeeded && plans.length > 0) continue;
      const name = this.#locality.nameOf(i);
      const previous = this.#leaves.get(name) ?? null;
      const wrap = (leaf: Picker<Subchannel>) => this.#slowStart(leaf, candidates, nowMs);
      names.push(name);
      plans.push({ targets, share, previous, wrap });
    }
    this.#buildNames = names;
    this.#build = new LevelsBuild(this.policy, plans, rng, nowMs);
  }

  /** Around the picker of a level, if it has endpoints that are new. */
  #slowStart(
    leaf: Picker<Subchannel>,
    candidates: readonly Subchannel[],
    nowMs: number,
  ): Picker<Subchannel> {
    const { slowStart } = this.#config.extensions;
    if (slowStart === null || this.policy.connects === "first") return leaf;
    const isNew = ({ rampFromMs }: Subchannel) => nowMs < rampFromMs + slowStart.windowMs;
    if (!candidates.some(isNew)) return leaf;
    return new SlowStartPicker(leaf, candidates, slowStart, this.#deps.rng);
  }

  #step(wasReady: number): void {
    const build = this.#build!;
    const picker = build.step();
    if (picker === null) {
      this.#timer = this.#deps.clock.setTimer(0, () => this.#onTimer(wasReady));
      return;
    }
    this.#build = null;
    this.#leaves = new Map(this.#buildNames.map((name, i) => [name, build.leaves[i]!]));
    this.#use(picker, wasReady);
  }

  #onTimer(wasReady = 0): void {
    this.#timer = null;
    if (this.#build === null) this.publish();
    else this.#step(wasReady);
  }

  #use(picker: Picker<Subchannel>, wasReady: number): void {
    this.#picker = picker;
    const { refreshMs } = this.policy;
    if (refreshMs !== undefined && this.#readyCount > 1) {
      this.#refresh ??= this.#deps.clock.setTimer(refreshMs, () => this.#onRefresh());
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
    this.#outliers.close();
    this.#panicGauge.remove();
  }

  // For people

  /** Rules that hold for all endpoints. */
  get notes(): string[] {
    const { levels, isPanic, health } = this.#candidates;
    const { refusal } = this.#locality;
    const notes = refusal === null ? [] : [refusal];
    if (levels.length > 1) {
      for (const [i, level] of levels.entries()) {
        notes.push(`level ${i}, ${this.#locality.nameOf(i)}: ${levelText(level)}`);
      }
    }
    if (isPanic) notes.push(`only ${health} endpoints are healthy: health is ignored`);
    return notes;
  }

  /** Why an endpoint is in its state. */
  reasonOf(subchannel: Subchannel): string {
    const { reason, state } = subchannel;
    if (state !== "EJECTED") return reason;
    return `${reason}; ${returnText(this.#outliers.returnsInMs(subchannel))}`;
  }

  /** Whether the next call could go there. */
  isUsable(subchannel: Subchannel): boolean {
    const level = this.#candidates.levels[subchannel.standing.level];
    return this.mayTake(subchannel) && level !== undefined && level.share > 0;
  }

  /** The steps between the connection and the policy. */
  stepsOf(subchannel: Subchannel): DecisionStep[] {
    const { isPanic, health, levels } = this.#candidates;
    const returnsInMs = this.#outliers.returnsInMs(subchannel);
    const nowMs = this.#deps.clock.nowMs();
    return [
      ...healthSteps(subchannel, isPanic, health, returnsInMs),
      ...levelSteps(subchannel, levels, this.#locality),
      ...slowStartSteps(subchannel, this.#config.extensions.slowStart, nowMs),
    ];
  }
}
