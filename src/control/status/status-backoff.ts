/**
 * When a status that could not be written is tried again, and which others go first meanwhile.
 *
 * A failure is that of its object before it is anything else: an admission webhook may break one
 * write while all others go through. So each has a pause of its own. A right that is missing
 * concerns all of its kind in its namespace, which is how RBAC grants; credentials that are refused
 * concern everything, and so does a server that answers several one after the other with nothing.
 */
import type { Clock } from "../../base/index.ts";
import type { WriteFailure } from "../../discovery/index.ts";
import type { StatusTask } from "./tasks.ts";

/** The first pause after a failure; each one after it is twice as long. */
const RETRY_MS_FIRST = 1000;
/** The longest. */
export const STATUS_RETRY_MS_MAX = 30_000;
/** The pause after the server said that we may not. */
export const STATUS_FORBIDDEN_MS = 60_000;
/** So many objects in a row without an answer, and it is the server that is away. */
export const STATUSES_IN_ROW = 4;

/** An object whose status could not be written. */
interface Failing {
  readonly failure: WriteFailure;
  /** The pause after the next failure. */
  readonly retryMs: number;
  /** Its own failures so far. */
  readonly count: number;
  readonly dueMs: number;
}

/** See the head of this file. */
export class StatusBackoff {
  readonly #clock: Clock;
  /** By id; the one that failed last comes last. */
  readonly #failing = new Map<string, Failing>();
  /** When a kind in a namespace that is forbidden is tried again. */
  readonly #forbidden = new Map<string, number>();
  /** Failures since something there was last answered, of a kind and of one in a namespace. */
  readonly #inRow = new Map<string, number>();
  /** Objects without an answer since the server last gave one. */
  readonly #unanswered = new Set<string>();
  #allRetryMs = RETRY_MS_FIRST;
  #allDueMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Nothing at all is tried before this; 0 without a reason to wait. */
  get allDueMs(): number {
    return this.#allDueMs;
  }

  /** Why statuses are not written: of what fails now, what failed last. Null when nothing does. */
  get problem(): WriteFailure | null {
    return [...this.#failing.values()].at(-1)?.failure ?? null;
  }

  /** An object is not tried before this. */
  dueMs({ id, target }: StatusTask): number {
    const own = this.#failing.get(id)?.dueMs ?? 0;
    return Math.max(own, this.#forbidden.get(placeOf(target)) ?? 0);
  }

  /** Of those that are due, the one with the lowest goes first. */
  rank({ id, target }: StatusTask): number {
    const own = this.#failing.get(id)?.count ?? 0;
    return own + (this.#inRow.get(target.plural) ?? 0) + (this.#inRow.get(placeOf(target)) ?? 0);
  }

  /** @returns whether nothing else fails in this way: news for the log. */
  noteFailure({ id, target }: StatusTask, failure: WriteFailure): boolean {
    const { kind, retryAfterMs } = failure;
    const nowMs = this.#clock.nowMs();
    const isNews = ![...this.#failing.values()].some((one) => one.failure.kind === kind);
    const { retryMs = RETRY_MS_FIRST, count = 0 } = this.#failing.get(id) ?? {};
    const pauseMs = kind === "forbidden" ? STATUS_FORBIDDEN_MS : retryMs;
    const dueMs = nowMs + Math.max(pauseMs, retryAfterMs);
    this.#failing.delete(id);
    this.#failing.set(id, { failure, retryMs: doubled(retryMs), count: count + 1, dueMs });
    for (const scope of [target.plural, placeOf(target)]) {
      this.#inRow.set(scope, (this.#inRow.get(scope) ?? 0) + 1);
    }
    if (kind === "forbidden") this.#forbidden.set(placeOf(target), dueMs);
    else if (kind !== "conflict") this.#noteUnanswered(id, failure, nowMs);
    return isNews;
  }

  #noteUnanswered(id: string, { kind, retryAfterMs }: WriteFailure, nowMs: number): void {
    this.#unanswered.add(id);
    this.#allDueMs = Math.max(this.#allDueMs, nowMs + retryAfterMs);
    const isAll = kind === "unauthorized" || this.#unanswered.size >= STATUSES_IN_ROW;
    // What was under way together fails together: that is one reason to wait longer, not four.
    if (!isAll || nowMs < this.#allDueMs) return;
    this.#allDueMs = nowMs + this.#allRetryMs;
    this.#allRetryMs = doubled(this.#allRetryMs);
  }

  /** The server has dealt with it. @returns whether this ends the last failure that there was. */
  noteGood({ id, target }: StatusTask): boolean {
    this.#unanswered.clear();
    this.#allRetryMs = RETRY_MS_FIRST;
    this.#allDueMs = 0;
    this.#forbidden.delete(placeOf(target));
    for (const scope of [target.plural, placeOf(target)]) this.#inRow.delete(scope);
    return this.#failing.delete(id) && this.#failing.size === 0;
  }

  /** Forgets what is not to be written any more. Of nothing, every reason to wait goes too. */
  retain(pending: ReadonlyMap<string, StatusTask>): void {
    const scopes = new Set<string>();
    for (const { target } of pending.values()) scopes.add(target.plural).add(placeOf(target));
    for (const id of this.#failing.keys()) if (!pending.has(id)) this.#failing.delete(id);
    for (const id of this.#unanswered) if (!pending.has(id)) this.#unanswered.delete(id);
    for (const scope of this.#inRow.keys()) if (!scopes.has(scope)) this.#inRow.delete(scope);
    for (const place of this.#forbidden.keys()) {
      if (!scopes.has(place)) this.#forbidden.delete(place);
    }
    if (pending.size > 0) return;
    this.#allDueMs = 0;
    this.#allRetryMs = RETRY_MS_FIRST;
  }
}

function doubled(retryMs: number): number {
  return Math.min(STATUS_RETRY_MS_MAX, retryMs * 2);
}

/** What RBAC grants rights to: a kind in a namespace. */
function placeOf({ plural, namespace }: StatusTask["target"]): string {
  return `${plural} ${namespace}`;
}
