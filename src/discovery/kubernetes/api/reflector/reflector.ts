/**
 * A reflector: keeps a copy of the objects of one query by a list and a watch, through any outage.
 *
 * ```
 *                 +-> streaming list --(end bookmark)--+
 *   no version ---+          | refused                 +--> watch, from the last version seen
 *      ^          +-> paged list --(last page)---------+      |
 *      +-------------------- 410 Gone, or out of order -------+-- cut, ended: watch again
 * ```
 *
 * Sans-I/O: requests go to an `ApiTransport`, time and chance are arguments. "API Concepts",
 * "Efficient detection of changes": a watch resumes from the last resourceVersion, that of a
 * bookmark too; 410 Gone means that it is too old, and only then is everything listed again.
 * Whatever fails, the objects stay, and listeners hear only of what really changed.
 */
import type { Timer } from "../../../../base/index.ts";
import { KINDS } from "../../objects.ts";
import type { ObjectListener, ObjectQuery, SourceProblem, Subscription } from "../../source.ts";
import { type Access, type ApiFailure, isGone, problemOf } from "../http/failure.ts";
import type { ApiRequest } from "../http/transport.ts";
import { Absence } from "./absence.ts";
import { RetryDelay, STABLE_MS, watchTimeoutS } from "./backoff.ts";
import type { ReflectorDeps } from "./deps.ts";
import {
  ENDED_EARLY,
  isNoStreamList,
  LIST_ENDED_EARLY,
  LIST_SLOW,
  LIST_TOLD_MS,
  NO_STREAM_LIST,
  OUT_OF_ORDER,
} from "./endings.ts";
import { ReflectedObjects } from "./objects.ts";
import { PAGE_LIMIT, PAGE_LIMIT_MIN, PagedList } from "./paged-list.ts";
import { streamListPath, watchPath } from "./paths.ts";
import { isOlder } from "./store.ts";
import { LIST_SILENT, WatchSession } from "./watch-session.ts";
import { readEvent, type WatchEvent } from "./wire.ts";

/** A watch that resumed is believed after this long without an event: the backlog comes first. */
export const RECOVERED_AFTER_MS = 1000;
/** A list in pages that takes longer is given up and begun again. */
export const LIST_MS_MAX = 300_000;
/** Answers of 410 in a row, with no whole list between them, before that is reported. */
const GONE_MAX = 2;
/** Watches in a row that end early before that is reported. */
const EARLY_ENDS_MAX = 2;
/** When another watch of the same server is back, the next attempt comes within this time. */
export const HURRY_MS = 1000;

/** See the head of this file. */
export class Reflector implements Subscription {
  readonly #query: ObjectQuery;
  readonly #listener: ObjectListener;
  readonly #deps: ReflectorDeps;
  readonly #objects: ReflectedObjects;
  readonly #delay: RetryDelay;
  readonly #absence: Absence;
  /** The attempt under way: a paged list, or a watch. */
  #list: ApiRequest | null = null;
  #watch: WatchSession | null = null;
  /** The watch under way tells its initial events. */
  #isListing = false;
  /** Where to resume; null: everything has to be listed. */
  #version: string | null = null;
  #isSynced = false;
  #isSyncTold = false;
  #pageLimit = PAGE_LIMIT;
  /** A watch has been open once. */
  #hasWatched = false;
  #reported: string | null = null;
  #retryTimer: Timer | null = null;
  #retryAtMs = 0;
  /** Watches that the server ended in order, but early, since one stood for `STABLE_MS`. */
  #earlyEndCount = 0;
  /** Answers of 410, and the like, since the last whole list. */
  #goneCount = 0;
  /** Runs while a list does. */
  #listTimer: Timer | null = null;
  /** The last attempt failed without an answer. */
  #isUnreached = false;
  #recoveredTimer: Timer | null = null;
  #isClosed = false;

  /** Begins at once; the listener is called on later turns. */
  constructor(query: ObjectQuery, listener: ObjectListener, deps: ReflectorDeps) {
    this.#query = query;
    this.#listener = listener;
    this.#deps = deps;
    this.#objects = new ReflectedObjects(query.kind, deps.decode, deps.counters, deps.log);
    this.#delay = new RetryDelay(deps.rng);
    this.#absence = new Absence(KINDS[query.kind]);
    this.#begin();
  }

  /** See `Subscription`: no timer and no request after it. */
  close(): void {
    this.#isClosed = true;
    this.#endAttempt();
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
  }

  /** The server was reached by another watch: no need to wait for long. */
  hurry(): void {
    const { clock, rng } = this.#deps;
    if (!this.#isUnreached || this.#retryTimer === null) return;
    this.#retryIn(Math.min(rng.next() * HURRY_MS, this.#retryAtMs - clock.nowMs()));
  }

  #begin(): void {
    this.#retryTimer = null;
    if (this.#version !== null) this.#openWatch(this.#version);
    else if (this.#deps.traits.canStreamLists) this.#openStreamList();
    else this.#openPagedList();
  }

  #openPagedList(): void {
    this.#countList();
    this.#list = new PagedList(this.#deps.transport, this.#query, this.#pageLimit, {
      onPage: (items) => {
        for (const item of items) this.#objects.list(item);
        this.#tell();
      },
      onListed: (items, version) => {
        this.#list = null;
        for (const item of items) this.#objects.list(item);
        this.#onListed(version);
        if (!this.#isClosed) this.#openWatch(version);
      },
      onFailure: (failure) => this.#onFailure(failure, "list"),
    });
  }

  #openStreamList(): void {
    this.#countList();
    this.#isListing = true;
    const timeoutS = watchTimeoutS(this.#deps.rng);
    this.#startWatch(streamListPath(this.#query, timeoutS), timeoutS);
  }

  #openWatch(version: string): void {
    const timeoutS = watchTimeoutS(this.#deps.rng);
    this.#startWatch(watchPath(this.#query, version, timeoutS), timeoutS);
  }

  #startWatch(path: string, timeoutS: number): void {
    if (this.#hasWatched) this.#deps.counters.restarts.add();
    this.#watch = new WatchSession(this.#deps, path, timeoutS * 1000, this.#isListing, {
      onOpen: () => this.#onOpen(),
      onEvents: (events) => this.#onEvents(events),
      onEnd: () => this.#onEnd(),
      onFailure: (failure) => this.#onFailure(failure, "watch"),
    });
  }

  #countList(): void {
    if (this.#isSynced) this.#deps.counters.relists.add();
    this.#objects.store.beginList();
    this.#listTimer = this.#deps.clock.setTimer(LIST_TOLD_MS, () => this.#onSlowList());
    this.#listTimer.unref();
  }

  /** Silence has limits elsewhere; this is for what comes drop by drop and never ends. */
  #onSlowList(): void {
    this.#report(LIST_SLOW, "list");
    if (this.#isClosed) return;
    if (this.#isListing) {
      this.#onFailure(LIST_SLOW, "watch");
      return;
    }
    const leftMs = LIST_MS_MAX - LIST_TOLD_MS;
    this.#listTimer = this.#deps.clock.setTimer(leftMs, () => this.#onFailure(LIST_SLOW, "list"));
    this.#listTimer.unref();
  }

  #onOpen(): void {
    this.#hasWatched = true;
    this.#absence.reset();
    if (this.#isListing || this.#reported === null) return;
    const delayMs = this.#isCutShort ? STABLE_MS : RECOVERED_AFTER_MS;
    this.#recoveredTimer = this.#deps.clock.setTimer(delayMs, () => this.#recovered());
    this.#recoveredTimer.unref();
  }

  #onEvents(values: readonly unknown[]): void {
    this.#deps.counters.events.add(values.length);
    let hasBookmark = false;
    for (const value of values) {
      const event = readEvent(value);
      const failure = this.#apply(event);
      hasBookmark ||= event.type === "bookmark";
      if (failure === null) continue;
      this.#tell();
      if (!this.#isClosed) this.#onFailure(failure, "watch");
      return;
    }
    this.#tell();
    // A bookmark comes after all that happened until then: the backlog has been told.
    if (hasBookmark && !this.#isCutShort && !this.#isClosed) this.#recovered();
  }

  /** Returns why the watch cannot go on, or null when it can. */
  #apply(event: WatchEvent): ApiFailure | null {
    switch (event.type) {
      case "error":
        return event.failure;
      case "nonsense":
        this.#objects.strange("it is no event of a watch");
        return null;
      case "bookmark":
        return this.#applyBookmark(event);
      default: {
        const position = this.#isListing ? null : this.#version;
        if (!this.#objects.apply(event, position)) return OUT_OF_ORDER;
        if (position !== null && event.id !== null) this.#advance(event.id.resourceVersion);
        return null;
      }
    }
  }

  #applyBookmark(event: WatchEvent & { type: "bookmark" }): ApiFailure | null {
    const { resourceVersion, isListEnd } = event;
    this.#deps.traits.sendsBookmarks = true;
    if (this.#isListing) {
      // A bookmark of another kind: a server that does not know streaming lists.
      if (!isListEnd) return NO_STREAM_LIST;
      this.#isListing = false;
      this.#watch?.endList();
      this.#onListed(resourceVersion);
      return null;
    }
    if (this.#version !== null && isOlder(resourceVersion, this.#version)) {
      this.#objects.strange("the server's resourceVersion went back");
      return OUT_OF_ORDER; // a cluster that was restored from a backup
    }
    this.#advance(resourceVersion);
    return null;
  }

  /** Never back: to resume from before would only bring what is known again. */
  #advance(version: string): void {
    if (this.#version === null || !isOlder(version, this.#version)) this.#version = version;
  }

  #onListed(version: string): void {
    this.#listTimer?.cancel();
    this.#goneCount = 0;
    this.#absence.reset();
    this.#objects.store.endList();
    this.#version = version;
    this.#isSynced = true;
    this.#pageLimit = PAGE_LIMIT;
    this.#tell();
    if (!this.#isClosed) this.#recovered();
  }

  /** The server ended the watch, as it does from time to time. */
  #onEnd(): void {
    const openMs = this.#watch?.openMs ?? -1;
    const isListing = this.#isListing;
    this.#endAttempt();
    if (openMs >= STABLE_MS && !isListing) {
      this.#succeeded();
      this.#begin(); // timeoutSeconds are spread already
      return;
    }
    if (isListing) this.#report(LIST_ENDED_EARLY, "watch");
    else this.#earlyEndCount += 1;
    // Once may be a server that goes; again and again, it is ever later that changes are seen.
    if (this.#isCutShort) this.#report(ENDED_EARLY, "watch");
    if (!this.#isClosed) this.#retryIn(this.#delay.nextMs(0));
  }

  #onFailure(failure: ApiFailure, verb: "list" | "watch"): void {
    const openMs = this.#watch?.openMs ?? -1;
    const wasListing = this.#isListing;
    this.#endAttempt();
    if (wasListing && failure.code === LIST_SILENT) {
      // It may be slow, or something in between holds this one back: the next may come.
      this.#deps.log.info("a streaming list does not end; this one comes in pages", this.#fields);
      this.#openPagedList();
      return;
    }
    if (wasListing && isNoStreamList(failure)) {
      this.#deps.traits.canStreamLists = false;
      this.#deps.log.info("the API server has no streaming lists; lists come in pages");
      this.#begin();
      return;
    }
    this.#deps.counters.failures.add();
    this.#isUnreached = failure.status === 0;
    if (openMs >= STABLE_MS) this.#succeeded();
    if (failure.isTooLarge && verb === "list") {
      this.#pageLimit = Math.max(PAGE_LIMIT_MIN, this.#pageLimit >> 2);
    }
    if (this.#absence.isSaidBy(failure, this.#objects.store.size > 0)) {
      this.#onAbsent(failure, verb);
      return;
    }
    if (isGone(failure) || failure === OUT_OF_ORDER) {
      this.#version = null;
      this.#goneCount += 1;
      if (this.#goneCount >= GONE_MAX) this.#report(failure, verb);
      if (!this.#isClosed) this.#retryIn(this.#delay.relistMs());
      return;
    }
    // A watch that was cut is no news as long as the next one stands.
    if (openMs < STABLE_MS || failure.isSilent) this.#report(failure, verb);
    if (!this.#isClosed) this.#retryIn(this.#delay.nextMs(failure.retryAfterMs));
  }

  /** There is no such kind: all there is to know, until it is there. */
  #onAbsent(failure: ApiFailure, verb: "list" | "watch"): void {
    this.#version = null;
    this.#isSynced = true;
    this.#objects.store.beginList();
    this.#objects.store.endList();
    this.#tell();
    this.#report(failure, verb);
    if (!this.#isClosed) this.#retryIn(this.#absence.retryMs(this.#deps.rng));
  }

  /** A watch stood for `STABLE_MS`. */
  #succeeded(): void {
    this.#delay.reset();
    this.#earlyEndCount = 0;
  }

  /** The server, or something in between, ends each watch as soon as it stands. */
  get #isCutShort(): boolean {
    return this.#earlyEndCount >= EARLY_ENDS_MAX;
  }

  #retryIn(delayMs: number): void {
    this.#retryTimer?.cancel();
    this.#retryAtMs = this.#deps.clock.nowMs() + delayMs;
    this.#retryTimer = this.#deps.clock.setTimer(delayMs, () => this.#begin());
  }

  #endAttempt(): void {
    this.#list?.close();
    this.#watch?.close();
    this.#list = null;
    this.#watch = null;
    this.#isListing = false;
    this.#recoveredTimer?.cancel();
    this.#recoveredTimer = null;
    this.#listTimer?.cancel();
    this.#listTimer = null;
  }

  /** Passes on what changed; the first time also that nothing is there. */
  #tell(): void {
    const changes = this.#objects.store.takeChanges();
    const isNews = changes.length > 0 || (this.#isSynced && !this.#isSyncTold);
    if (!isNews || this.#isClosed) return;
    this.#isSyncTold = this.#isSynced;
    this.#call(() => this.#listener.onChanges(changes, this.#isSynced));
  }

  #report(failure: ApiFailure, verb: Access["verb"]): void {
    const { kind, namespace } = this.#query;
    const problem: SourceProblem = problemOf(failure, { verb, kind: KINDS[kind], namespace });
    if (this.#reported === problem.reason || this.#isClosed) return;
    this.#reported = problem.reason;
    this.#deps.onProblem?.(problem);
    this.#call(() => this.#listener.onProblem(problem));
  }

  #recovered(): void {
    this.#recoveredTimer?.cancel();
    this.#recoveredTimer = null;
    if (this.#reported === null) return;
    this.#reported = null;
    this.#call(() => this.#listener.onRecovered());
    this.#deps.onBack?.();
  }

  get #fields(): Record<string, unknown> {
    const { kind, namespace } = this.#query;
    return namespace ? { kind, namespace } : { kind };
  }

  /** A listener that throws has a bug; the watch goes on for the next event. */
  #call(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#deps.log.error("a listener of objects failed", {
        ...this.#fields,
        error: String(error),
      });
    }
  }
}
