/**
 * Watches: which events a watch sends, seen through its selector, with bookmarks and an end.
 *
 * Sans-I/O: events leave as lines of JSON through a sink. The rules are those of the API server's
 * cacher (1.36): without a resourceVersion, or with "0", a watch begins with an ADDED for every
 * object; with N it begins after N, and when history begins later, with an ERROR 410; a streaming
 * list (`sendInitialEvents`) ends its first part with a bookmark that says so.
 */
import type { Clock, Json, Timer } from "../../base/index.ts";
import { inNamespace, type ListScope, untilFresh } from "./list.ts";
import type { ListOptions } from "./list-options.ts";
import { type ApiObject, textOf } from "./object.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import { type ApiError, expired } from "./status.ts";
import type { Store, StoreEvent } from "./store.ts";

/** Between bookmarks (cacher.go, defaultBookmarkFrequency). */
export const BOOKMARK_MS = 60_000;
/** The last bookmark comes so long before the end (cache_watcher.go). */
const BOOKMARK_BEFORE_END_MS = 2000;
/** The annotation of the bookmark that ends the first part of a streaming list. */
const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

/** Where the lines of a watch go. */
export interface WatchSink {
  /**
   * One event as JSON text with its line break.
   *
   * @param name key of the object, or "" for bookmarks and errors.
   */
  event(line: string, name: string): void;
  /** The watch is over, as agreed: the answer ends in order. */
  end(): void;
}

/** What a watch needs beside its query. */
export interface WatchDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** False while the server is to send no bookmarks; asked each time one is due. */
  readonly sendsBookmarks: () => boolean;
}

/** One watch, from `start` to `close`. */
export class Watch {
  readonly #deps: WatchDeps;
  readonly #scope: ListScope;
  readonly #options: ListOptions;
  readonly #sink: WatchSink;
  #stop: () => void = () => {};
  #bookmark: Timer | null = null;
  #end: Timer | null = null;
  #endsAtMs = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor(deps: WatchDeps, scope: ListScope, options: ListOptions, sink: WatchSink) {
    this.#deps = deps;
    this.#scope = scope;
    this.#options = options;
    this.#sink = sink;
  }

  /** What is watched. */
  get resource(): Resource {
    return this.#scope.resource;
  }

  /** Sends what there is and follows from there. */
  async start(): Promise<void> {
    const { store, clock } = this.#deps;
    const { timeoutSeconds, resourceVersion, sendInitialEvents } = this.#options;
    if (timeoutSeconds !== null && timeoutSeconds > 0) {
      this.#endsAtMs = clock.nowMs() + timeoutSeconds * 1000;
      this.#end = clock.setTimer(timeoutSeconds * 1000, () => this.finish());
      this.#end.unref();
    }
    if (sendInitialEvents === true && resourceVersion !== null) {
      try {
        await untilFresh(store, clock, resourceVersion);
      } catch (error) {
        this.fail(error as ApiError);
        return;
      }
      if (this.#isClosed) return;
    }
    const isInitial = sendInitialEvents ?? (resourceVersion === null || resourceVersion === 0);
    if (isInitial) this.#sendState();
    else if (resourceVersion !== null && !this.#sendSince(resourceVersion)) return;
    this.#stop = store.onEvent((event) => this.#onEvent(event));
    this.#planBookmark();
  }

  /** Ends with an ERROR event, as the server does when something goes wrong under way. */
  fail(error: ApiError): void {
    if (this.#isClosed) return;
    this.#sink.event(`{"type":"ERROR","object":${JSON.stringify(error.body)}}\n`, "");
    this.finish();
  }

  /** Ends the watch in order, as at its time-out. */
  finish(): void {
    if (this.#isClosed) return;
    this.close();
    this.#sink.end();
  }

  /** Forgets the watch: nothing is sent any more. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
    this.#bookmark?.cancel();
    this.#end?.cancel();
  }

  #sendState(): void {
    const { store, sendsBookmarks } = this.#deps;
    const { resource, namespace } = this.#scope;
    const { sendInitialEvents, allowWatchBookmarks, selector } = this.#options;
    const { revision } = store;
    for (const object of store.at(resource.kind, revision)!) {
      if (inNamespace(object, namespace) && selector(object)) this.#send("ADDED", object);
    }
    if (sendInitialEvents === true && allowWatchBookmarks && sendsBookmarks()) {
      this.#sendBookmark({ [INITIAL_EVENTS_END]: "true" });
    }
  }

  /** False when history does not reach back so far; the watch is over then. */
  #sendSince(revision: number): boolean {
    const { store } = this.#deps;
    const events = store.since(this.#scope.resource.kind, revision);
    if (events === null) {
      this.fail(expired(`too old resource version: ${revision} (${store.compacted})`));
      return false;
    }
    for (const event of events) this.#onEvent(event);
    return true;
  }

  /** As seen through the selector: what begins to match is ADDED, what ceases to is DELETED. */
  #onEvent(event: StoreEvent): void {
    const { resource, namespace } = this.#scope;
    const { selector, resourceVersion } = this.#options;
    if (event.kind !== resource.kind || !inNamespace(event.object, namespace)) return;
    // A watch from a revision that is yet to come is silent until then.
    if (resourceVersion !== null && event.revision <= resourceVersion) return;
    const was = event.before !== null && selector(event.before);
    const is = event.type !== "DELETED" && selector(event.object);
    if (is) this.#send(was ? "MODIFIED" : "ADDED", event.object);
    else if (was) this.#send("DELETED", withRevision(event.before!, event.revision));
  }

  #send(type: string, object: ApiObject): void {
    const { name, namespace = "" } = object.metadata;
    this.#sink.event(`{"type":"${type}","object":${textOf(object)}}\n`, `${namespace}/${name}`);
  }

  #sendBookmark(annotations?: Readonly<Record<string, string>>): void {
    const { resource } = this.#scope;
    const version = { resourceVersion: String(this.#deps.store.revision) };
    const metadata = { ...version, ...(annotations ? { annotations } : {}) };
    const object = bookmarkOf(resource, metadata);
    this.#sink.event(`${JSON.stringify({ type: "BOOKMARK", object })}\n`, "");
  }

  #planBookmark(): void {
    if (!this.#options.allowWatchBookmarks) return;
    const { clock, sendsBookmarks } = this.#deps;
    const lastMs = this.#endsAtMs - BOOKMARK_BEFORE_END_MS - clock.nowMs();
    if (lastMs <= 0) return;
    this.#bookmark = clock.setTimer(Math.min(BOOKMARK_MS, lastMs), () => {
      if (sendsBookmarks()) this.#sendBookmark();
      this.#planBookmark();
    });
    this.#bookmark.unref();
  }
}

function withRevision(object: ApiObject, revision: number): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** An object of the kind with nothing in it: fields that are never left out are null or empty. */
function bookmarkOf(resource: Resource, metadata: Json): Json {
  const head = { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata };
  if (resource.kind === "EndpointSlice") {
    return { ...head, addressType: "", endpoints: null, ports: null };
  }
  if (resource.kind === "Pod") return { ...head, spec: { containers: null }, status: {} };
  return { ...head, spec: {}, status: resource.kind === "Service" ? { loadBalancer: {} } : {} };
}
