/**
 * The pods of a lab in rows, as they are drawn: a row has one pod at a time.
 *
 * Pure. A pod that was scaled away may come back, with its name. One that was killed or replaced
 * does not: its row is the next new pod's, which has a name of its own, as every pod of a
 * Deployment has. So rows are at most as many as there ever were pods at a time. A reset of the lab
 * takes those away that are empty.
 */

import type { PodConduct } from "../messages.ts";
import type { PodState } from "../view.ts";
import type { Pod } from "./pod.ts";
import { podName } from "./pods.ts";

/** As every pod serves that was told nothing. */
export const USUAL: PodConduct = { slowFactor: 1, isServing: true, isSick: false };

type Changing<T> = { -readonly [K in keyof T]: T[K] };

/** One pod. */
export interface PodEntry extends Changing<PodConduct> {
  /** From 1, in the order of their coming; names and addresses go by it. */
  readonly number: number;
  readonly name: string;
  state: PodState;
  /** While it has a process. */
  pod: Pod | null;
  /** To be replaced by a rolling update. */
  isStale: boolean;
  /** Does not come back. */
  isRetired: boolean;
  /** Name of the new pod in its row, once there is one. */
  successor: string | null;
}

/** All rows. */
export class PodRows {
  #rows: PodEntry[] = [];
  #numbered = 0;

  /** The first pods, starting. */
  constructor(count: number) {
    this.take(count);
  }

  /** The pods in the rows, in order. */
  get all(): readonly PodEntry[] {
    return this.#rows;
  }

  /** Those with a process that takes calls, ready or not. */
  get alive(): readonly PodEntry[] {
    return this.#rows.filter(({ state }) => state === "ready" || state === "not-ready");
  }

  /**
   * So many more pods, starting: first new ones in the rows of those that died or were replaced, so
   * that each of these is seen to have a successor; then those that were scaled away; then others.
   */
  take(count: number): readonly PodEntry[] {
    const gone = this.#rows.filter(({ state }) => state === "gone");
    const vacant = gone.filter(({ isRetired }) => isRetired).slice(0, count);
    const back = gone.filter(({ isRetired }) => !isRetired).slice(0, count - vacant.length);
    const coming = [...vacant.map(() => this.#add()), ...back];
    while (coming.length < count) coming.push(this.#add());
    for (const entry of coming) entry.state = "starting";
    return coming;
  }

  /** Its process is gone. `comesBack`: it was scaled away, not replaced. */
  leave(entry: PodEntry, comesBack: boolean): void {
    Object.assign(entry, { state: "gone", pod: null, isRetired: !comesBack });
    Object.assign(entry, { ...USUAL, isStale: false });
  }

  /** No row is kept for a pod that is gone: none of them comes back, not even one scaled away. */
  forgetGone(): void {
    this.#rows = this.#rows.filter(({ state }) => state !== "gone");
  }

  /** Which go when there are `count` too many: the stale ones first, then the latest. */
  surplus(count: number): readonly PodEntry[] {
    const stale = this.alive.filter(({ isStale }) => isStale);
    const fresh = this.alive.filter(({ isStale }) => !isStale).toReversed();
    return [...stale, ...fresh].slice(0, count);
  }

  #add(): PodEntry {
    this.#numbered += 1;
    const number = this.#numbered;
    const name = podName(number);
    const entry: PodEntry = {
      ...{ number, name, state: "gone", pod: null },
      ...{ ...USUAL, isStale: false, isRetired: false, successor: null },
    };
    const free = this.#rows.findIndex(({ state, isRetired }) => state === "gone" && isRetired);
    if (free < 0) {
      this.#rows.push(entry);
      return entry;
    }
    this.#rows[free]!.successor = name;
    this.#rows[free] = entry;
    return entry;
  }
}
