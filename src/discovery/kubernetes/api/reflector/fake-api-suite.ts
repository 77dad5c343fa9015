/**
 * For the tests of reflectors: an API server of one kind in memory, on a virtual clock, and a
 * listener that keeps what it hears.
 *
 * It answers as kube-apiserver 1.36 does (measured): lists in pages of one revision, watches from a
 * revision, streaming lists, bookmarks, 410 for what was compacted. Faults are switches.
 */
import assert from "node:assert/strict";
import { RecordingLogger, type Rng, seededRng, type VirtualClock } from "../../../../base/index.ts";
import type { KubernetesObject } from "../../objects.ts";
import type { ObjectChange, ObjectListener, ObjectQuery } from "../../source.ts";
import { type ApiFailure, newFailure } from "../http/failure.ts";
import { failureOfStatus } from "../http/status.ts";
import type { ApiRequest, ApiTransport, DocumentHandler, WatchHandler } from "../http/transport.ts";
import { ApiMetrics } from "../metrics.ts";
import type { Decode } from "./objects.ts";
import { Reflector } from "./reflector.ts";

export const QUERY: ObjectQuery = {
  kind: "EndpointSlice",
  namespace: "prod",
  name: null,
  label: null,
};

/** An object as JSON. */
export function json(name: string, uid: string, revision: number, content = ""): FakeObject {
  const metadata = { name, namespace: "prod", uid, resourceVersion: String(revision) };
  return { metadata: { ...metadata, labels: { content } } };
}

interface FakeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels: { readonly content: string };
  };
}

interface FakeEvent {
  readonly revision: number;
  readonly type: string;
  readonly object: FakeObject;
}

interface OpenWatch {
  readonly handler: WatchHandler;
  isOpen: boolean;
  sentRevision: number;
}

/** Takes any object that is not marked "malformed". */
export const decode: Decode = (kind, value) => {
  const { metadata } = value as FakeObject;
  if (metadata.labels.content === "malformed") {
    return { object: null, problem: `${kind} ${metadata.name}: is malformed` };
  }
  return { object: { kind, metadata }, dropped: null };
};

/** See the head of this file. */
export class FakeApi implements ApiTransport {
  readonly clock: VirtualClock;
  readonly requests: { atMs: number; path: string }[] = [];
  readonly objects = new Map<string, FakeObject>();
  readonly #watches = new Set<OpenWatch>();
  #events: FakeEvent[] = [];
  #pages: FakeObject[] = [];
  #revision = 10;
  #compactedTo = 0;
  #uidCount = 0;
  /** What every request fails with; null: none does. */
  failure: ApiFailure | null = null;
  hasStreamLists = true;
  sendsListEnd = true;
  pageSize = 3;
  latencyMs = 1;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  get openCount(): number {
    return this.#watches.size;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Requests of lists and of watches so far: "list", "stream", "watch@10". */
  get kinds(): string[] {
    return this.requests.map(({ path }) => {
      const params = new URL(path, "http://api").searchParams;
      if (!params.has("watch")) return params.has("continue") ? "next" : "list";
      return params.has("sendInitialEvents") ? "stream" : `watch@${params.get("resourceVersion")}`;
    });
  }

  set(name: string, content = String(this.#revision)): void {
    const known = this.objects.get(name);
    const uid = known?.metadata.uid ?? `uid-${++this.#uidCount}`;
    const object = json(name, uid, ++this.#revision, content);
    this.objects.set(name, object);
    this.#append(known === undefined ? "ADDED" : "MODIFIED", object);
  }

  delete(name: string): void {
    const known = this.objects.get(name);
    if (known === undefined) return;
    this.objects.delete(name);
    const { uid, labels } = known.metadata;
    this.#append("DELETED", json(name, uid, ++this.#revision, labels.content));
  }

  /** Forgets its history, as etcd does in a compaction. */
  compact(): void {
    this.#events = [];
    this.#compactedTo = this.#revision;
  }

  bookmark(): void {
    const metadata = { resourceVersion: String(this.#revision) };
    this.inject([{ type: "BOOKMARK", object: { metadata } }]);
  }

  /** Sends anything on all open watches, in one read. */
  inject(values: readonly unknown[]): void {
    for (const watch of [...this.#watches]) if (watch.isOpen) watch.handler.onEvents(values);
  }

  /** Breaks all watches. */
  cut(failure = newFailure({ reason: "api:6443: the connection was reset" })): void {
    for (const watch of [...this.#watches]) {
      this.#watches.delete(watch);
      watch.handler.onFailure(failure);
    }
  }

  /** Ends all watches in order. */
  end(): void {
    for (const watch of [...this.#watches]) {
      this.#watches.delete(watch);
      watch.handler.onEnd();
    }
  }

  get(path: string, handler: DocumentHandler): ApiRequest {
    return this.#answer(path, handler, (params) => {
      const [revision, at] = (params.get("continue") ?? `${this.#revision}:0`).split(":");
      if (params.has("continue") && Number(revision) < this.#compactedTo) return expired();
      const start = Number(at);
      if (start === 0) this.#pages = [...this.objects.values()]; // all pages are of one moment
      const all = this.#pages;
      const next = start + this.pageSize;
      handler.onDocument({
        kind: "EndpointSliceList",
        metadata: {
          resourceVersion: revision,
          continue: next < all.length ? `${revision}:${next}` : "",
        },
        items: all.length === 0 ? null : all.slice(start, next),
      });
      return null;
    });
  }

  watch(path: string, handler: WatchHandler): ApiRequest {
    const watch: OpenWatch = { handler, isOpen: false, sentRevision: 0 };
    const request = this.#answer(path, handler, (params) => {
      if (params.has("sendInitialEvents")) return this.#stream(watch);
      const from = Number(params.get("resourceVersion"));
      if (from < this.#compactedTo) return expired();
      watch.sentRevision = from;
      this.#watches.add(watch);
      watch.isOpen = true;
      handler.onOpen();
      this.#flush(watch);
      return null;
    });
    return {
      close: () => {
        request.close();
        this.#watches.delete(watch);
      },
    };
  }

  #stream(watch: OpenWatch): ApiFailure | null {
    if (!this.hasStreamLists) {
      const message = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch";
      return failureOfStatus({ kind: "Status", reason: "Invalid", message }, 422);
    }
    this.#watches.add(watch);
    watch.isOpen = true;
    watch.sentRevision = this.#revision;
    const { handler } = watch;
    handler.onOpen();
    const initial = [...this.objects.values()].map((object) => ({ type: "ADDED", object }));
    if (initial.length > 0) handler.onEvents(initial);
    if (!this.sendsListEnd || !this.#watches.has(watch)) return null;
    const metadata = {
      resourceVersion: String(watch.sentRevision),
      annotations: { "k8s.io/initial-events-end": "true" },
    };
    handler.onEvents([{ type: "BOOKMARK", object: { metadata } }]);
    return null;
  }

  #append(type: string, object: FakeObject): void {
    this.#events.push({ revision: this.#revision, type, object });
    for (const watch of [...this.#watches]) this.#flush(watch);
  }

  #flush(watch: OpenWatch): void {
    const due = this.#events.filter(({ revision }) => revision > watch.sentRevision);
    if (due.length === 0) return;
    watch.sentRevision = this.#revision;
    watch.handler.onEvents(due.map(({ type, object }) => ({ type, object })));
  }

  #answer(
    path: string,
    handler: { onFailure(failure: ApiFailure): void },
    answer: (params: URLSearchParams) => ApiFailure | null,
  ): ApiRequest {
    this.requests.push({ atMs: this.clock.nowMs(), path });
    const timer = this.clock.setTimer(this.latencyMs, () => {
      const failure = this.failure ?? answer(new URL(path, "http://api").searchParams);
      if (failure !== null) handler.onFailure(failure);
    });
    return { close: () => timer.cancel() };
  }
}

export function expired(): ApiFailure {
  const message = "The resourceVersion for the provided watch is too old.";
  return failureOfStatus({ kind: "Status", code: 410, reason: "Expired", message }, 410);
}

/** What a listener hears, in short, and the state that it makes of it. */
export class Listener implements ObjectListener {
  readonly heard: string[] = [];
  readonly state = new Map<string, KubernetesObject>();
  isSynced = false;
  problem: string | null = null;

  onChanges(changes: readonly ObjectChange[], isSynced: boolean): void {
    this.isSynced = isSynced;
    this.heard.push(`${changes.map(textOf).join(" ")}${isSynced ? " synced" : ""}`.trim());
    for (const { type, object } of changes) {
      const { name, uid } = object.metadata;
      const known = this.state.get(name);
      if (type === "upsert") {
        assert.ok(known === undefined || known.metadata.uid === uid, "the old one goes first");
        this.state.set(name, object);
      } else {
        assert.equal(known?.metadata.uid, uid, "what goes was there");
        this.state.delete(name);
      }
    }
  }

  onProblem({ kind, reason }: { kind: string; reason: string }): void {
    assert.notEqual(this.problem, reason, "a reason is told once");
    this.problem = reason;
    this.heard.push(`! ${kind}: ${reason}`);
  }

  onRecovered(): void {
    assert.notEqual(this.problem, null, "recovered follows a problem");
    this.problem = null;
    this.heard.push("recovered");
  }

  /** Takes what was heard since the last call. */
  take(): string[] {
    return this.heard.splice(0);
  }

  /** The state as it can be compared. */
  get known(): string[] {
    return [...this.state.values()].map(stateText).sort();
  }
}

export function stateText({ metadata }: { metadata: FakeObject["metadata"] | object }): string {
  const { name, uid, labels } = metadata as FakeObject["metadata"];
  return `${name}/${uid}=${labels.content}`;
}

function textOf({ type, object }: ObjectChange): string {
  return `${type === "upsert" ? "+" : "-"}${object.metadata.name}`;
}

/** A reflector of `api` with a listener, and what it counted and logged. */
export function reflect(
  api: FakeApi,
  rng: Rng = seededRng(1),
  listener = new Listener(),
  query: ObjectQuery = QUERY,
) {
  const log = new RecordingLogger();
  const counters = new ApiMetrics(null, () => 0).of(query.kind);
  const traits = { canStreamLists: true, sendsBookmarks: false };
  const deps = { clock: api.clock, rng, log, decode, counters, traits, transport: api };
  const reflector = new Reflector(query, listener, deps);
  /** Closes it and sees that nothing is left. */
  const end = () => {
    reflector.close();
    reflector.close();
    assert.equal(api.openCount, 0, "no watch is left");
    assert.equal(api.clock.pendingCount, 0, "no timer is left");
  };
  return { log, counters, traits, listener, reflector, end };
}
