/**
 * One watch from its request to its end, with the deadlines that the stream itself cannot keep.
 *
 * A stream that says nothing is as a rule fine: nothing happened. That the *server* is there is
 * asked elsewhere (`http/liveness.ts`); here is what is known of this one stream: it sends
 * bookmarks about once a minute if the server sends them at all, and it ends when its
 * `timeoutSeconds` are over.
 */
import type { Clock, Timer } from "../../../../base/index.ts";
import { type ApiFailure, newFailure } from "../http/failure.ts";
import type { ApiRequest, ApiTransport, WatchHandler } from "../http/transport.ts";

/** The initial events of a streaming list may pause this long; then the list comes in pages. */
export const STREAM_LIST_SILENCE_MS = 10_000;
/** A stream of a server that sends bookmarks (36-122 s apart) is opened again after so long. */
export const SILENCE_MS_MAX = 180_000;
/** A stream may outlive its `timeoutSeconds` by this. */
const OVERTIME_MS = 30_000;
/** How often a watch is looked at. */
const CHECK_MS = 30_000;

/** What was learnt of one API server, shared by all its watches. */
export interface ServerTraits {
  /** It has streaming lists; true until it refuses one. */
  canStreamLists: boolean;
  /** It has sent a bookmark once. */
  sendsBookmarks: boolean;
}

/** What a session needs. */
export interface WatchSessionDeps {
  readonly clock: Clock;
  readonly transport: ApiTransport;
  readonly traits: ServerTraits;
}

/** Code of the failure of a streaming list whose initial events do not end in time. */
export const LIST_SILENT = "ListSilent";

/** One watch. Its handler hears nothing after `close`, `onEnd` or `onFailure`. */
export class WatchSession implements ApiRequest {
  readonly #deps: WatchSessionDeps;
  readonly #handler: WatchHandler;
  readonly #timeoutMs: number;
  readonly #request: ApiRequest;
  #isListing: boolean;
  #timer: Timer | null = null;
  #openedAtMs: number | null = null;
  #heardAtMs = 0;

  /** @param isListing it begins with the initial events of a streaming list. */
  constructor(
    deps: WatchSessionDeps,
    path: string,
    timeoutMs: number,
    isListing: boolean,
    handler: WatchHandler,
  ) {
    this.#deps = deps;
    this.#handler = handler;
    this.#timeoutMs = timeoutMs;
    this.#isListing = isListing;
    this.#request = deps.transport.watch(path, {
      onOpen: () => this.#onOpen(),
      onEvents: (events) => {
        this.#heardAtMs = deps.clock.nowMs();
        handler.onEvents(events);
      },
      onEnd: () => {
        this.close();
        handler.onEnd();
      },
      onFailure: (failure) => this.#fail(failure),
    });
  }

  /** How long it has been open; -1 when it never was. */
  get openMs(): number {
    return this.#openedAtMs === null ? -1 : this.#deps.clock.nowMs() - this.#openedAtMs;
  }

  /** The initial events have ended. */
  endList(): void {
    this.#isListing = false;
    this.#arm(CHECK_MS);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#request.close();
  }

  #onOpen(): void {
    this.#openedAtMs = this.#deps.clock.nowMs();
    this.#heardAtMs = this.#openedAtMs;
    this.#arm(this.#isListing ? STREAM_LIST_SILENCE_MS : CHECK_MS);
    this.#handler.onOpen();
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.setTimer(delayMs, () => this.#check());
    this.#timer.unref();
  }

  #check(): void {
    const { clock, traits } = this.#deps;
    const silentMs = clock.nowMs() - this.#heardAtMs;
    if (this.#isListing) {
      if (silentMs < STREAM_LIST_SILENCE_MS) this.#arm(STREAM_LIST_SILENCE_MS - silentMs);
      else {
        const reason = "the API server does not end the initial events of a watch";
        this.#fail(newFailure({ code: LIST_SILENT, reason }));
      }
      return;
    }
    const isSilent = traits.sendsBookmarks && silentMs >= SILENCE_MS_MAX;
    if (!isSilent && this.openMs < this.#timeoutMs + OVERTIME_MS) {
      this.#arm(CHECK_MS);
      return;
    }
    this.close();
    this.#handler.onEnd();
  }

  #fail(failure: ApiFailure): void {
    this.close();
    this.#handler.onFailure(failure);
  }
}
