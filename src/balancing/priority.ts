/**
 * `priority`: endpoints in levels, the nearest first, and how calls are split between levels when
 * one is not healthy enough. gRFC A56 for the config, Envoy for the split:
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/priority
 *
 * A56 uses one level at a time, and the next only when the one before has failed as a whole. Here,
 * as in Envoy, what a level lacks spills over bit by bit. Which endpoint is in which level is the
 * cluster's to say: it knows where we run.
 */
import { assert, type Rng } from "../base/index.ts";
import type { Picker, PickerBuild, PickRequest, PickTarget, Policy } from "./policy.ts";

/** The levels that there can be, from near to far. Each has what the ones before it have not. */
export const LEVELS = ["node", "zone", "any"] as const;
/** On our node, in our zone, or wherever. */
export type LevelName = (typeof LEVELS)[number];

/** The config of the policy. */
export interface PriorityConfig {
  /** From near to far; the last is "any". */
  readonly priorities: readonly LevelName[];
}

/** Endpoints of a level, as far as the split depends on them. */
export interface LevelCount {
  /** That can be picked. */
  readonly available: number;
  /** Of which it is known whether they can be. */
  readonly total: number;
}

/**
 * The share of calls of each level; together 1, or all 0 when nothing is available.
 *
 * @param overprovisioning 1.4: a level keeps all its calls until less than 1/1.4 of it, 71.4 %, is
 *   available.
 */
export function levelShares(levels: readonly LevelCount[], overprovisioning: number): number[] {
  // Envoy: "health(P_X) = min(100, 1.4 * 100 * healthy_P_X_backends / total_P_X_backends)"
  const health = levels.map(({ available, total }) =>
    available === 0 ? 0 : Math.min(1, (overprovisioning * available) / total),
  );
  // "normalized_total_health = min(100, Σ(health(P_0)...health(P_X)))"
  const normalized = Math.min(
    1,
    health.reduce((sum, one) => sum + one, 0),
  );
  if (normalized === 0) return health;
  // "priority_load(P_X) = min(100 - Σ(priority_load(P_0)..priority_load(P_X-1)),
  // health(P_X) * 100 / normalized_total_health)"
  let rest = 1;
  return health.map((one) => {
    const share = Math.min(rest, one / normalized);
    rest -= share;
    return share;
  });
}

/** A level that has something to pick, with its share of calls and its own picker. */
export interface PickerLevel<T extends PickTarget> {
  readonly picker: Picker<T>;
  /** From 0 to 1. */
  readonly share: number;
}

/** Chooses a level by its share, and in it as its policy does. O(levels): they are few. */
class PriorityPicker<T extends PickTarget> implements Picker<T> {
  readonly #pickers: readonly Picker<T>[];
  /** Up to where each level goes, of 0 to 1. */
  readonly #ends: Float64Array;
  /** The last level that gets anything: rounding must not lead beyond it. */
  readonly #last: number;
  readonly #rng: Rng;
  /** Of the level that was asked last: what another one passed over is long ago. */
  passedOver: T | null = null;

  /** @param levels at least one, at least one of them with a share above 0. */
  constructor(levels: readonly PickerLevel<T>[], rng: Rng) {
    assert(
      levels.some(({ share }) => share > 0),
      "a level has a share",
    );
    this.#pickers = levels.map(({ picker }) => picker);
    this.#ends = new Float64Array(levels.length);
    let end = 0;
    let last = 0;
    for (const [i, { share }] of levels.entries()) {
      end += share;
      this.#ends[i] = end;
      if (share > 0) last = i;
    }
    this.#last = last;
    this.#rng = rng;
  }

  /** See `Picker`. */
  pick(exclude: T | null, request: PickRequest | null, nowMs: number): T | null {
    const level = this.#drawLevel();
    const target = this.#pickIn(level, exclude, request, nowMs);
    if (exclude === null || target !== exclude) return target;
    // The level has nothing else: another one may.
    for (let i = 0; i < this.#pickers.length; i += 1) {
      if (i === level) continue;
      const other = this.#pickIn(i, exclude, request, nowMs);
      if (other !== exclude && other !== null) return other;
    }
    return target;
  }

  #pickIn(level: number, exclude: T | null, request: PickRequest | null, nowMs: number): T | null {
    const picker = this.#pickers[level];
    const target = picker.pick(exclude, request, nowMs);
    this.passedOver = picker.passedOver ?? null;
    return target;
  }

  #drawLevel(): number {
    const drawn = this.#rng.next();
    let level = 0;
    while (level < this.#last && drawn >= this.#ends[level]) level += 1;
    return level;
  }
}

/** A level whose picker is to be made. */
export interface LevelPlan<T extends PickTarget> {
  readonly share: number;
  /** What the policy is given. */
  readonly targets: readonly T[];
  /** The policy's picker of this level that is in use; null for the first. */
  readonly previous: Picker<T> | null;
  /** Puts around the policy's picker what else stands there; the same one when nothing does. */
  wrap(leaf: Picker<T>): Picker<T>;
}

/**
 * The pickers of all levels, one after the other, each in pieces if the policy wants it. With one
 * level the picker is that level's own.
 */
export class LevelsBuild<T extends PickTarget> implements PickerBuild<T> {
  readonly #policy: Policy;
  readonly #plans: readonly LevelPlan<T>[];
  readonly #rng: Rng;
  readonly #nowMs: number;
  /** The policy's own pickers, one a level, as far as they are made. */
  readonly leaves: Picker<T>[] = [];
  #build: PickerBuild<T> | null = null;

  /** @param plans at least one. */
  constructor(policy: Policy, plans: readonly LevelPlan<T>[], rng: Rng, nowMs: number) {
    this.#policy = policy;
    this.#plans = plans;
    this.#rng = rng;
    this.#nowMs = nowMs;
  }

  /** See `PickerBuild`. A policy without pieces is done at the first step. */
  step(): Picker<T> | null {
    while (this.leaves.length < this.#plans.length) {
      const { targets, previous } = this.#plans[this.leaves.length];
      if (this.#policy.beginPicker === undefined || targets.length === 0) {
        this.leaves.push(this.#policy.newPicker(targets, this.#rng, previous, this.#nowMs));
        continue;
      }
      this.#build ??= this.#policy.beginPicker(targets, this.#rng, previous, this.#nowMs);
      const leaf = this.#build.step();
      if (leaf === null) return null;
      this.#build = null;
      this.leaves.push(leaf);
    }
    const levels = this.#plans.map((plan, i) => ({
      picker: plan.wrap(this.leaves[i]),
      share: plan.share,
    }));
    return levels.length === 1 ? levels[0].picker : new PriorityPicker(levels, this.#rng);
  }
}
