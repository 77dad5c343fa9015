/**
 * What is done to a lab without anybody at its keys: the numbers of `--scale` and the actions of
 * `--events`, each at its time; and when the run is over.
 */
import type { Clock } from "../base/index.ts";
import { type Action, newAction, type TimedAction } from "./actions.ts";
import { INTERVAL_MS } from "./figures/history.ts";
import { type LabOptions, SECONDS_AFTER_EVENTS } from "./options.ts";

/** An outcome that has not come so long after the last event is not waited for any more. */
export const OUTCOME_SECONDS_MAX = 300;

/** Both as one list, in the order of time. */
export function scheduleOf(
  options: Pick<LabOptions, "scale" | "scaleEverySeconds" | "events">,
): readonly TimedAction[] {
  const steps = options.scale.slice(1).map((count, index) => ({
    atMs: (index + 1) * options.scaleEverySeconds * 1000,
    action: newAction("scale", { count }),
  }));
  return [...steps, ...options.events].toSorted((a, b) => a.atMs - b.atMs);
}

/**
 * When something that is done every `everyMs` is due again. What is late is done once, and keeps to
 * the times that there were from the first on.
 *
 * @param dueMs when it was due the last time; `nowMs` is then or later.
 */
export function nextDueMs(dueMs: number, nowMs: number, everyMs: number): number {
  return dueMs + everyMs * Math.max(1, Math.floor((nowMs - dueMs) / everyMs) + 1);
}

/** Does each action when its time has come. */
export class Schedule {
  readonly #clock: Clock;
  #toCome: readonly TimedAction[];
  /** Null before. */
  #beganMs: number | null = null;

  /** @param actions in the order of time. */
  constructor(clock: Clock, actions: readonly TimedAction[]) {
    this.#clock = clock;
    this.#toCome = actions;
  }

  /** Calls `act` for each, from now on. Answers how to call off the rest. */
  start(act: (action: Action) => void): () => void {
    this.#beganMs = this.#clock.nowMs();
    const timers = this.#toCome.map(({ atMs, action }) =>
      this.#clock.setTimer(atMs, () => {
        this.#toCome = this.#toCome.slice(1);
        act(action);
      }),
    );
    return () => {
      for (const timer of timers) timer.cancel();
    };
  }

  /** What is not done yet, by the time of a lab whose load has run `elapsedMs` since its reset. */
  toCome(elapsedMs: number): readonly TimedAction[] {
    const ranMs = this.#beganMs === null ? 0 : this.#clock.nowMs() - this.#beganMs;
    return this.#toCome.map(({ atMs, action }) => ({ atMs: atMs - ranMs + elapsedMs, action }));
  }
}

/**
 * When a run is over: after its seconds, or when what its events brought about has been seen for
 * long enough. A rolling update takes as long as it takes.
 */
export class RunEnd {
  readonly #awaitsOutcomes: boolean;
  readonly #lastEventMs: number;
  readonly #leastMs: number;
  #ranMs = 0;
  /** Since when nothing is under way; null while something is. */
  #settledAtMs: number | null = 0;

  constructor(options: Pick<LabOptions, "seconds" | "awaitsOutcomes" | "events">) {
    const { seconds, awaitsOutcomes, events } = options;
    this.#awaitsOutcomes = awaitsOutcomes;
    this.#lastEventMs = events.at(-1)?.atMs ?? 0;
    this.#leastMs = (seconds ?? Number.POSITIVE_INFINITY) * 1000;
  }

  /** Looks at the run `ranMs` after its begin. `isSettled`: nothing that was done is under way. */
  look(ranMs: number, isSettled: boolean): void {
    this.#ranMs = ranMs;
    if (isSettled) this.#settledAtMs ??= ranMs;
    else this.#settledAtMs = null;
  }

  /** When it is over, in ms of the run, by what was seen so far; never later than that. */
  get endMs(): number {
    if (!this.#awaitsOutcomes) return this.#leastMs;
    const most = Math.max(this.#leastMs, this.#lastEventMs + OUTCOME_SECONDS_MAX * 1000);
    if (this.#settledAtMs === null) return most;
    return Math.min(most, Math.max(this.#leastMs, this.#settledAtMs + SECONDS_AFTER_EVENTS * 1000));
  }

  /** The same where it is sure; null while an event or its outcome is to come, and without one. */
  get knownMs(): number | null {
    const isSure = this.#settledAtMs !== null && this.#ranMs > this.#lastEventMs + INTERVAL_MS;
    return (isSure || !this.#awaitsOutcomes) && this.endMs < Number.POSITIVE_INFINITY
      ? this.endMs
      : null;
  }

  /** It was over before the outcome of an event. */
  get isGivenUp(): boolean {
    return this.#awaitsOutcomes && this.#settledAtMs === null && this.#ranMs >= this.endMs;
  }
}
