/**
 * One lookup, repeated for all who want to know: when to ask again, and who is told.
 *
 * Polling, because DNS has no watch, and because a lost connection is no sign that a pod *came*.
 * However many listen, there is one timer and one lookup at a time. What was found stays while the
 * source is away.
 */
import { assert, type Clock, jittered, type Rng, type Timer } from "../../base/index.ts";
import type { Found, Lookup, LookupResult } from "./found.ts";

/** Between lookups when no TTL is known: CoreDNS gives records of Services 5 s. */
const POLL_MS_DEFAULT = 5000;
/** No two lookups begin closer together, whatever TTL or `refresh` say. */
const LOOKUP_INTERVAL_MS_MIN = 1000;
/** The longest that a TTL makes us wait. */
const POLL_MS_MAX = 30_000;
/** A lookup that takes longer is reported, but still waited for: lookups never overlap. */
const LOOKUP_SLOW_MS = 10_000;
/** Each wait is up to this share shorter or longer, so that many clients do not ask at once. */
const POLL_JITTER = 0.1;

/** What is known of a name at one time. Immutable. */
export interface NameState {
  /** Null until the first answer. The same object as long as it says the same. */
  readonly found: Found | null;
  /** Why `found` may be out of date; null when it is not, and then there is something found. */
  readonly failure: string | null;
  /** Why a part of `found` may be out of date; null when none is. */
  readonly partial: string | null;
}

/** Is told each new state. Never called after it was removed. */
export type NameListener = (state: NameState) => void;

/** What a `NameWatch` needs. */
export interface WatchDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  /** A fixed time between lookups; null to follow the TTL. */
  readonly pollMs: number | null;
}

/** See the head of this file. */
export class NameWatch {
  readonly #lookup: Lookup;
  readonly #deps: WatchDeps;
  readonly #listeners = new Set<NameListener>();
  #isClosed = false;
  #timer: Timer | null = null;
  #isLookingUp = false;
  /** `refresh` came while a lookup was under way, whose answer may be older. */
  #isAgainWanted = false;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  /** Null until there is something to tell. */
  #state: NameState | null = null;

  constructor(lookup: Lookup, deps: WatchDeps) {
    this.#lookup = lookup;
    this.#deps = deps;
  }

  /** How many listen. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Tells at once what is known already; the first listener begins the first lookup. */
  add(listener: NameListener): void {
    assert(!this.#isClosed, "nobody joins a watch that is closed");
    this.#listeners.add(listener);
    if (this.#startedAtMs === Number.NEGATIVE_INFINITY) this.#lookUp();
    if (this.#state !== null) listener(this.#state);
  }

  /** No call of the listener after this. */
  remove(listener: NameListener): void {
    this.#listeners.delete(listener);
  }

  /** Looks up now, or a second after the last lookup began. */
  refresh(): void {
    if (this.#isClosed) return;
    if (this.#isLookingUp) this.#isAgainWanted = true;
    else this.#lookUpIn(0);
  }

  /** Stops. A lookup under way ends unheard. */
  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #lookUpIn(delayMs: number): void {
    const earliestMs = this.#startedAtMs + LOOKUP_INTERVAL_MS_MIN - this.#deps.clock.nowMs();
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.setTimer(Math.max(delayMs, earliestMs), () => this.#lookUp());
  }

  #lookUp(): void {
    const { clock } = this.#deps;
    this.#isLookingUp = true;
    this.#isAgainWanted = false;
    this.#startedAtMs = clock.nowMs();
    this.#timer = clock.setTimer(LOOKUP_SLOW_MS, () => {
      // In an outage every lookup is slow: the reason that is known already says more.
      if (this.#state !== null && this.#state.failure !== null) return;
      const failure = this.#told(`no answer within ${LOOKUP_SLOW_MS / 1000} s`);
      this.#set({ found: this.#found, failure, partial: null });
    });
    this.#lookup.run().then((result) => this.#onResult(result));
  }

  #onResult(result: LookupResult): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    this.#isLookingUp = false;
    const { failure, partial } = result;
    const found = result.found === null ? this.#found : sorted(result.found);
    this.#set({ found, failure: failure === null ? null : this.#told(failure), partial });
    if (this.#isClosed) return; // by a listener
    this.#lookUpIn(this.#isAgainWanted ? 0 : this.#pollMs(result));
  }

  get #found(): Found | null {
    return this.#state?.found ?? null;
  }

  #told(failure: string): string {
    return `lookup of ${this.#lookup.name}: ${failure}`;
  }

  /** Tells what is new. `found` stays the same object while it says the same. */
  #set({ found: next, failure, partial }: NameState): void {
    const isSame = JSON.stringify(next) === JSON.stringify(this.#found);
    const found = isSame ? this.#found : next;
    const before = this.#state;
    if (isSame && failure === before?.failure && partial === before.partial) return;
    const state = { found, failure, partial };
    this.#state = state;
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) listener(state);
    }
  }

  #pollMs({ ttlMs }: LookupResult): number {
    const { pollMs, rng } = this.#deps;
    const ms = pollMs ?? Math.min(ttlMs ?? POLL_MS_DEFAULT, POLL_MS_MAX);
    return jittered(ms, POLL_JITTER, rng);
  }
}

/** By address, without repetitions: DNS servers answer in any order. */
function sorted(found: Found): Found {
  return { ...found, used: inOrder(found.used), skipped: inOrder(found.skipped) };
}

function inOrder<T extends { readonly ip: string; readonly port: number | null }>(
  all: readonly T[],
): readonly T[] {
  const byKey = new Map(all.map((each) => [`${each.ip} ${each.port}`, each]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}
