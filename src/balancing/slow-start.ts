/**
 * Slow start: an endpoint that has just become ready gets less than its share, and more and more of
 * it. Envoy's `SlowStartConfig`:
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start
 *
 * Around any policy: a pick of such an endpoint is given up with the chance that its weight is
 * short of 1, and goes to another one, the emptier of two by chance. So a few new endpoints get
 * just their weight; the more of all are new, the more of the picks given up land on new ones
 * again. That is meant: 27 new pods beside 3 old ones came because the old ones have too much.
 */
import type { Rng } from "../base/index.ts";
import { checkNames, durationMsAt, fieldsAt, numberWithin, refuse } from "../grpc/index.ts";
import type { Picker, PickRequest, PickTarget } from "./policy.ts";

/** A day: who warms up for longer has been told something wrong. */
const WINDOW_MS_MAX = 86_400_000;
/** With it an endpoint has 95 % of its share after 0.5 % of the window: hardly a slow start. */
const AGGRESSION_MAX = 100;

/** How long and how steep. */
export interface SlowStartConfig {
  /** How long it takes to get the whole share. */
  readonly windowMs: number;
  /** 1: the share grows evenly with time; above 1 it grows faster at first. */
  readonly aggression: number;
  /** Per cent of the share that even the newest endpoint gets. */
  readonly minWeightPercent: number;
}

/**
 * @param path of the object, for errors.
 * @returns null when there is no object: no slow start.
 * @throws ServiceConfigError
 */
export function parseSlowStart(value: unknown, path: string): SlowStartConfig | null {
  if (value === undefined || value === null) return null;
  const fields = fieldsAt(value, path);
  checkNames(fields, ["window", "aggression", "minWeightPercent"], path);
  const { window } = fields;
  const aggression = fields.aggression ?? 1;
  const windowMs = durationMsAt(window, `${path}.window`);
  if (windowMs === 0 || windowMs > WINDOW_MS_MAX) {
    refuse(`${path}.window`, window, `more than 0s, no more than ${WINDOW_MS_MAX / 1_000}s`);
  }
  // Envoy: "By tuning aggression parameter, one could achieve polynomial or exponential speed";
  // its validation wants a value above 0.
  if (typeof aggression !== "number" || !(aggression > 0 && aggression <= AGGRESSION_MAX)) {
    const allowed = `a number above 0, no more than ${AGGRESSION_MAX}`;
    return refuse(`${path}.aggression`, aggression, allowed);
  }
  return {
    windowMs,
    aggression,
    minWeightPercent: numberWithin(
      fields.minWeightPercent ?? 10,
      `${path}.minWeightPercent`,
      0,
      100,
    ),
  };
}

/** An endpoint that may be new. */
export interface RampTarget extends PickTarget {
  /** Since when it is ready, if it is to be slowed at first; -Infinity when it is not. */
  readonly rampFromMs: number;
}

/**
 * The share of an endpoint, from 0 to 1, that became ready at `fromMs`: Envoy's
 * "max(min_weight_percent, time_factor ^ (1 / aggression))".
 */
export function rampWeight(config: SlowStartConfig, fromMs: number, nowMs: number): number {
  const elapsed = (nowMs - fromMs) / config.windowMs;
  if (elapsed >= 1) return 1;
  return Math.max(config.minWeightPercent / 100, Math.max(0, elapsed) ** (1 / config.aggression));
}

/** How many times a pick may be given up. */
const GIVEN_UP_MAX = 2;

/** See the head of this file. Nothing is to be made anew while endpoints grow old. */
export class SlowStartPicker<T extends RampTarget> implements Picker<T> {
  readonly #inner: Picker<T>;
  readonly #others: readonly T[];
  readonly #config: SlowStartConfig;
  readonly #rng: Rng;
  /** From then on nobody is slowed. */
  readonly #endMs: number;

  /**
   * @param inner the policy's own.
   * @param others the ready endpoints among those that it picks from: where the picks go that are
   *   given up. Kept, not copied.
   */
  constructor(inner: Picker<T>, others: readonly T[], config: SlowStartConfig, rng: Rng) {
    this.#inner = inner;
    this.#others = others;
    this.#config = config;
    this.#rng = rng;
    let endMs = Number.NEGATIVE_INFINITY;
    for (const { rampFromMs } of others) endMs = Math.max(endMs, rampFromMs + config.windowMs);
    this.#endMs = endMs;
  }

  /** See `Picker`. */
  get passedOver(): T | null {
    return this.#inner.passedOver ?? null;
  }

  /** See `Picker`. */
  pick(exclude: T | null, request: PickRequest | null, nowMs: number): T | null {
    let target = this.#inner.pick(exclude, request, nowMs);
    if (nowMs >= this.#endMs || target === null) return target;
    for (let i = 0; i < GIVEN_UP_MAX; i += 1) {
      if (!this.#isGivenUp(target, nowMs)) return target;
      const other = this.#other(target);
      if (other === null || other === exclude) return target;
      target = other;
    }
    return target;
  }

  #isGivenUp({ rampFromMs }: T, nowMs: number): boolean {
    if (rampFromMs === Number.NEGATIVE_INFINITY) return false;
    const weight = rampWeight(this.#config, rampFromMs, nowMs);
    return weight < 1 && this.#rng.next() >= weight;
  }

  /** The emptier of two others by chance; null when there is none. */
  #other(target: T): T | null {
    const a = this.#draw(target);
    if (a === null) return null;
    const b = this.#draw(target)!;
    return b.activeCalls < a.activeCalls ? b : a;
  }

  /** One other by chance: the last of the list stands in for `target` itself. */
  #draw(target: T): T | null {
    const count = this.#others.length - 1;
    if (count < 1) return null;
    const drawn = this.#others[this.#rng.int(count)];
    return drawn === target ? this.#others[count] : drawn;
  }
}
