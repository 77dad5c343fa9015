/**
 * AggregatedDiscoveryService: all streams, the changes that they are told of, and when.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 *
 * The first change after a silence goes out within milliseconds, those of a burst together every
 * tenth of a second; only who is subscribed to what changed is told. However many they are, a slice
 * of them has its turn at a time. Without nodes or changes it has no timer.
 */
import { getHeapStatistics } from "node:v8";
import type { Clock, Logger, Timer } from "../../base/index.ts";
import { Status } from "../../grpc/index.ts";
import type { GrpcMethod, ServerCall, ServerCallEvents } from "../../server/index.ts";
import type { Registry } from "../../telemetry/index.ts";
import type { ResourceType } from "../../xds/index.ts";
import type { SnapshotChange, SnapshotListener, SnapshotSource, View } from "../resources.ts";
import { AuthorizedView } from "./authorize.ts";
import {
  ADS_REQUEST_BYTES_MAX,
  BURST_PUSH_MS,
  FIRST_PUSH_MS,
  NAMES_BYTES_PER_CONNECTION_MAX,
  NAMES_HEAP_PERCENT_MAX,
  NODES_MAX,
  STREAMS_PER_CONNECTION_MAX,
} from "./limits.ts";
import { LineBudget } from "./line-budget.ts";
import { AdsMetrics } from "./metrics.ts";
import { NameLedger } from "./name-ledger.ts";
import { shown } from "./node-info.ts";
import { Pacer } from "./pacer.ts";
import { SharedSets } from "./shared-sets.ts";
import { SlicedWork } from "./sliced-work.ts";
import { type NodesView, nodeView } from "./status.ts";
import { AdsStream, type StreamDeps, type StreamObserver } from "./stream.ts";
import { StreamRequests } from "./stream-requests.ts";
import type { VisibleView } from "./subscription.ts";

/** What the service needs. */
export interface AdsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
  readonly source: SnapshotSource;
  /** Nodes may have only what the namespaces of their certificates may. */
  readonly isAuthorized: boolean;
  /** Bytes of the names of all nodes; a share of the heap unless given. */
  readonly namesBytesMax?: number | undefined;
}

const SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";
/** How often those are looked at that wait for an acknowledgement. */
const WAITING_LOOK_MS = 1_000;

/** See the head of this file. */
export class AdsService implements SnapshotListener, StreamObserver, StreamDeps {
  readonly pacer: Pacer;
  readonly shared = new SharedSets();
  readonly #deps: AdsDeps;
  readonly #metrics: AdsMetrics;
  readonly #streams = new Set<AdsStream>();
  readonly #perConnection = new Map<object, number>();
  readonly #lines = new LineBudget();
  readonly #ledger: NameLedger;
  readonly #ledgers = new WeakMap<object, NameLedger>();
  /** Streams that wait for an acknowledgement. */
  readonly #waiting = new Set<AdsStream>();
  readonly #authorized = new WeakMap<View, Map<string, AuthorizedView>>();
  readonly #looking: SlicedWork;
  readonly #pushing: SlicedWork;
  #waitingTimer: Timer | null = null;
  #pushTimer: Timer | null = null;
  readonly #drainTimers: Timer[] = [];
  #pushedMs = Number.NEGATIVE_INFINITY;
  #pending: SnapshotChange[] = [];
  #generation = 0;
  /** Whose names are being looked at, for refusals. */
  #asking: AdsStream | null = null;

  constructor(deps: AdsDeps) {
    this.#deps = deps;
    this.pacer = new Pacer(deps.clock);
    this.#looking = new SlicedWork(deps.clock);
    this.#pushing = new SlicedWork(deps.clock);
    const heapBytes = getHeapStatistics().heap_size_limit;
    const namesBytesMax =
      deps.namesBytesMax ?? Math.floor((heapBytes * NAMES_HEAP_PERCENT_MAX) / 100);
    this.#ledger = new NameLedger(null, namesBytesMax, "by all nodes");
    this.#metrics = new AdsMetrics(deps.registry, {
      nodes: () => this.#streams.size,
      generation: () => this.#generation,
      bytesInFlight: () => this.pacer.bytes,
    });
    deps.source.subscribe(this);
  }

  /** Both methods of the service. */
  methods(): readonly GrpcMethod[] {
    const messageBytesMax = ADS_REQUEST_BYTES_MAX;
    return [
      {
        path: `${SERVICE}StreamAggregatedResources`,
        messageBytesMax,
        open: (call) => this.#open(call, false),
      },
      {
        path: `${SERVICE}DeltaAggregatedResources`,
        messageBytesMax,
        open: (call) => this.#open(call, true),
      },
    ];
  }

  /** The streams, in the order in which they came. */
  get streams(): ReadonlySet<AdsStream> {
    return this.#streams;
  }

  /** How all nodes stand. */
  nodes(): NodesView {
    const nowMs = this.nowMs();
    const rows = [...this.#streams].map((stream) => nodeView(stream, nowMs, this.#deps.source));
    return { generation: this.#generation, nodes: rows.filter((row) => row !== null) };
  }

  /** Ends all streams, evenly over `spreadMs`, so that nodes do not all come back at once. */
  drain(spreadMs: number): void {
    const streams = [...this.#streams];
    for (const [i, stream] of streams.entries()) {
      const end = () => stream.end(Status.UNAVAILABLE, "fairlead is shutting down");
      if (spreadMs === 0) {
        end();
        continue;
      }
      const timer = this.#deps.clock.setTimer((spreadMs * i) / streams.length, end);
      timer.unref();
      this.#drainTimers.push(timer);
    }
  }

  /** Nothing is pushed and no stream is ended any more: no timer is left. */
  close(): void {
    this.#pushTimer?.cancel();
    this.#waitingTimer?.cancel();
    this.#pushing.close();
    this.#looking.close();
    for (const timer of this.#drainTimers.splice(0)) timer.cancel();
    this.#pushTimer = null;
    this.#waitingTimer = null;
    this.pacer.close();
  }

  // A stream's life

  #open(call: ServerCall, isDelta: boolean): ServerCallEvents {
    const stream = new AdsStream(call, isDelta, this);
    const requests = new StreamRequests(stream, this.#deps.isAuthorized, {
      onIntroduced: () => this.#introduce(stream),
      onRefused: (reason) => this.#noteRefusal(stream, reason),
    });
    const { connection } = call;
    const count = (this.#perConnection.get(connection) ?? 0) + 1;
    this.#streams.add(stream);
    this.#perConnection.set(connection, count);
    if (count > STREAMS_PER_CONNECTION_MAX || this.#streams.size > NODES_MAX) {
      const isMany = count > STREAMS_PER_CONNECTION_MAX;
      const limit = isMany
        ? `more than ${STREAMS_PER_CONNECTION_MAX} streams of discovery on a connection`
        : `more than ${NODES_MAX} streams of discovery`;
      this.#noteRefusal(stream, limit);
      stream.end(Status.RESOURCE_EXHAUSTED, limit);
    } else requests.checkCertificate();
    return {
      onMessage: (message) => requests.onMessage(message),
      onHalfClosed: () => stream.end(Status.OK, ""),
      onDrained: () => stream.onDrained(),
      onClosed: () => this.#forget(stream),
    };
  }

  #introduce(stream: AdsStream): void {
    const { node, call } = stream;
    const { id, kind, userAgent, namespace } = node!;
    const fields = { node: id, kind, userAgent, namespace, remote: call.remote };
    this.#deps.log.info("node connected", fields);
    stream.viewKey = this.#deps.source.viewKeyOf(node!);
  }

  #noteRefusal(stream: AdsStream, reason: string): void {
    this.#metrics.refusedStreams.add();
    const { node, call } = stream;
    this.#deps.log.warn("node refused", { node: node?.id, remote: call.remote, reason });
  }

  #forget(stream: AdsStream): void {
    stream.close();
    this.#streams.delete(stream);
    this.#waiting.delete(stream);
    const { remote, connection } = stream.call;
    const left = this.#perConnection.get(connection)! - 1;
    if (left > 0) this.#perConnection.set(connection, left);
    else this.#perConnection.delete(connection);
    if (stream.node === null) return;
    const fields = { node: stream.node.id, remote, afterMs: this.nowMs() - stream.startedMs };
    this.#deps.log.info("node gone", { ...fields, afterMs: Math.round(fields.afterMs) });
  }

  // SnapshotListener

  onSnapshot(change: SnapshotChange): void {
    this.#generation = change.generation;
    this.#pending.push(change);
    this.#armPush();
  }

  #armPush(): void {
    if (this.#pushTimer !== null || this.#pushing.isRunning) return;
    const sinceMs = this.nowMs() - this.#pushedMs;
    const delayMs = Math.max(FIRST_PUSH_MS, BURST_PUSH_MS - sinceMs);
    this.#pushTimer = this.#deps.clock.setTimer(delayMs, () => this.#pushPending());
  }

  #pushPending(): void {
    this.#pushTimer = null;
    this.#pushedMs = this.nowMs();
    const pushed = this.#generation;
    this.#pushing.run(this.#pushToAll(), () => {
      // Of what came meanwhile some streams know, and others do not.
      this.#pending = this.#pending.filter(({ generation }) => generation > pushed);
      if (this.#pending.length > 0) this.#armPush();
    });
  }

  *#pushToAll(): Generator<undefined, void> {
    for (const stream of this.#streams) {
      if (stream.node === null) continue;
      this.#catchUp(stream);
      if (this.#hasMoved(stream) || stream.isDirty) stream.pump();
      yield;
    }
  }

  /**
   * A stream that is asked before the push sees the newest view: it must know all that is new of
   * it, or a route could go out ahead of the cluster that came with it.
   */
  #catchUp(stream: AdsStream): void {
    for (const change of this.#pending) {
      if (change.generation <= stream.notedGeneration) continue;
      stream.notedGeneration = change.generation;
      stream.noteChanged(change);
    }
  }

  /** A node whose zone became known sees other endpoints. */
  #hasMoved(stream: AdsStream): boolean {
    const { node } = stream;
    if (node === null || node.zone !== null || node.nodeName === null) return false;
    const key = this.#deps.source.viewKeyOf(node);
    if (key === stream.viewKey) return false;
    stream.viewKey = key;
    stream.noteEverything();
    return true;
  }

  // StreamDeps

  get observer(): StreamObserver {
    return this;
  }

  nowMs(): number {
    return this.#deps.clock.nowMs();
  }

  ledgerOf(connection: object): NameLedger {
    let ledger = this.#ledgers.get(connection);
    if (ledger === undefined) {
      ledger = new NameLedger(this.#ledger, NAMES_BYTES_PER_CONNECTION_MAX, "on a connection");
      this.#ledgers.set(connection, ledger);
    }
    return ledger;
  }

  viewFor(stream: AdsStream): VisibleView | null {
    const { source } = this.#deps;
    if (!source.isSynced || stream.node === null) return null;
    this.#catchUp(stream);
    const view = source.viewOf(stream.viewKey);
    if (stream.namespaces === null) return view;
    this.#asking = stream;
    return this.#authorizedView(view, stream.namespaces);
  }

  #authorizedView(view: View, namespaces: readonly string[]): AuthorizedView {
    let known = this.#authorized.get(view);
    if (known === undefined) {
      known = new Map();
      this.#authorized.set(view, known);
    }
    const key = namespaces.join(",");
    let visible = known.get(key);
    if (visible === undefined) {
      visible = new AuthorizedView(view, namespaces, (type, name) => this.#refuse(type, name));
      known.set(key, visible);
    }
    return visible;
  }

  #refuse(type: ResourceType, name: string): void {
    const stream = this.#asking;
    if (stream === null || !stream.noteRefused(type, name)) return;
    const reason = "not exported to the namespaces of its certificate";
    this.#deps.log.warn("resource refused", { ...stream.fieldsOf(type), name, reason });
  }

  // StreamObserver

  onPushed(type: ResourceType, bytes: number): void {
    const { pushes, bytes: sum } = this.#metrics.of(type);
    pushes.add();
    sum.add(bytes);
  }

  onAcked(type: ResourceType, lagMs: number): void {
    this.#metrics.of(type).ackLag.record(lagMs / 1_000);
  }

  onNacked(stream: AdsStream, type: ResourceType, error: string): void {
    this.#metrics.of(type).nacks.add();
    this.#warn("node rejected resources", { ...stream.fieldsOf(type), error });
  }

  onAbsent(stream: AdsStream, type: ResourceType, name: string, reason: string): void {
    const fields = { ...stream.fieldsOf(type), name: shown(name), reason: shown(reason) };
    this.#warn("node asks for what does not exist", fields);
  }

  /** What nodes can make us say as often as they like. */
  #warn(msg: string, fields: Record<string, unknown>): void {
    const more = this.#lines.take(this.nowMs());
    if (more !== null) this.#deps.log.warn(msg, { ...fields, ...more });
  }

  onWaiting(stream: AdsStream): void {
    this.#waiting.add(stream);
    this.#armLook();
  }

  #armLook(): void {
    if (this.#looking.isRunning) return;
    this.#waitingTimer ??= this.#deps.clock.setTimer(WAITING_LOOK_MS, () => this.#lookAtWaiting());
  }

  /** Whoever does not answer is not waited for for ever. */
  #lookAtWaiting(): void {
    this.#waitingTimer = null;
    const waiting = [...this.#waiting];
    this.#looking.run(this.#pumpWaiting(waiting), () => {
      if (this.#waiting.size > 0) this.#armLook();
    });
  }

  *#pumpWaiting(waiting: readonly AdsStream[]): Generator<undefined, void> {
    for (const stream of waiting) {
      // Whoever has gone meanwhile is not among them any more.
      if (!this.#waiting.delete(stream) || !stream.isWaiting) continue;
      stream.pump();
      this.#waiting.add(stream);
      yield;
    }
  }
}
