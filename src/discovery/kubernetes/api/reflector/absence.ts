/**
 * A kind that the server does not have: a custom resource that is not installed, or was taken away.
 *
 * A list of it is answered with 404, and that is no outage: there are no objects. An API server
 * that begins answers 503 until it knows its custom resources ("mux and discovery incomplete"), so
 * 404 can be believed; but where objects are known it may also be a wrong turn on the way, and
 * those are given up only when several answers in a row say so. Kinds that every server has are
 * never absent.
 */
import type { Rng } from "../../../../base/index.ts";
import type { Kind } from "../../objects.ts";
import { type ApiFailure, isBuiltIn } from "../http/failure.ts";

/** Answers of 404 in a row before known objects are given up. */
export const ABSENCES_MAX = 5;
/** How long until it is asked again whether the kind is there, at most; at least half of it. */
export const ABSENT_RETRY_MS = 15_000;

/** Counts absences of the kind of one query. */
export class Absence {
  readonly #kind: Kind;
  #count = 0;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  /**
   * Takes a failure.
   *
   * @param hasObjects some are known.
   * @returns whether it says that there is no such kind, and may be believed.
   */
  isSaidBy({ status }: ApiFailure, hasObjects: boolean): boolean {
    if (status !== 404 || isBuiltIn(this.#kind)) return false;
    this.#count += 1;
    return !hasObjects || this.#count >= ABSENCES_MAX;
  }

  /** A list or a watch was answered: the kind is there. */
  reset(): void {
    this.#count = 0;
  }

  /** When to ask again. */
  retryMs(rng: Rng): number {
    return ABSENT_RETRY_MS * (0.5 + rng.next() / 2);
  }
}
