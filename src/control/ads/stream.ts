/**
 * One stream of discovery: a node, its subscriptions, and the order in which they are answered.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol ("Eventual consistency
 * considerations")
 *
 * Make before break: what others refer to goes first (CDS, EDS, SDS), LDS is sent when that is
 * acknowledged, and RDS after LDS; what has gone of the first three is said last. Of each type one
 * answer is on its way; what changes meanwhile goes with the next.
 */
import type { Status } from "../../grpc/index.ts";
import type { ServerCall } from "../../server/index.ts";
import { RESOURCE_TYPES, type ResourceType, shortTypeName } from "../../xds/index.ts";
import type { NodeInfo, SnapshotChange } from "../resources.ts";
import { ABSENT_TOLD_MAX, ACK_WAIT_MS, ORDER_WAIT_MS, REFUSED_TOLD_MAX } from "./limits.ts";
import { NameLedger } from "./name-ledger.ts";
import type { Hold, Paced, Pacer } from "./pacer.ts";
import type { SharedSets } from "./shared-sets.ts";
import { type Due, Subscription, type VisibleView, WILDCARD } from "./subscription.ts";
import { deltaResponse, sotwResponse } from "./wire.ts";

const { CDS, EDS, SDS, LDS, RDS } = RESOURCE_TYPES;
/** What others refer to goes first. */
const ORDER: readonly ResourceType[] = [CDS, EDS, SDS, LDS, RDS];
/** What has gone of these is said last, in this order. */
const REFERRED: readonly ResourceType[] = [SDS, EDS, CDS];

/** What happened on a stream, for whoever counts. */
export interface StreamObserver {
  onPushed(type: ResourceType, bytes: number): void;
  onAcked(type: ResourceType, lagMs: number): void;
  onNacked(stream: AdsStream, type: ResourceType, error: string): void;
  /** It asked for what does not exist. Told once of each name. */
  onAbsent(stream: AdsStream, type: ResourceType, name: string, reason: string): void;
  /** Something waits for an acknowledgement: look again in a while. */
  onWaiting(stream: AdsStream): void;
}

/** Names that were asked for and lead nowhere. */
export interface Absences {
  readonly shown: readonly (readonly [name: string, reason: string])[];
  /** Of all, those that are not shown included. */
  readonly count: number;
}

/** What a stream needs of the service. */
export interface StreamDeps {
  readonly pacer: Pacer;
  readonly observer: StreamObserver;
  readonly shared: SharedSets;
  nowMs(): number;
  /** Counts the names of all streams of a connection. */
  ledgerOf(connection: object): NameLedger;
  /** Null while not all objects are known. */
  viewFor(stream: AdsStream): VisibleView | null;
}

/** See the head of this file. */
export class AdsStream implements Paced {
  readonly call: ServerCall;
  readonly isDelta: boolean;
  readonly startedMs: number;
  /** Null before the first request. */
  node: NodeInfo | null = null;
  viewKey = "";
  /** The generation whose changes were noted last. */
  notedGeneration = 0;
  readonly subscriptions = new Map<ResourceType, Subscription>();
  /** Namespaces of its certificate; null when nobody asks for them. */
  namespaces: readonly string[] | null = null;
  /** What the names cost that it asks for. */
  readonly ledger: NameLedger;
  /** Names that exist and that it may not have, by type: for its status. */
  readonly refused = new Map<ResourceType, Set<string>>();
  readonly #deps: StreamDeps;
  readonly #absentTold = new Set<string>();
  readonly #refusedTold = new Set<string>();
  #nonce = 0;
  #hold: Hold | null = null;
  #isOver = false;

  constructor(call: ServerCall, isDelta: boolean, deps: StreamDeps) {
    this.call = call;
    this.isDelta = isDelta;
    this.#deps = deps;
    this.startedMs = deps.nowMs();
    this.ledger = new NameLedger(deps.ledgerOf(call.connection));
  }

  /** Whether something may be due. */
  get isDirty(): boolean {
    for (const { isDirty } of this.subscriptions.values()) if (isDirty) return true;
    return false;
  }

  /** Whether something waits for the node's acknowledgement. */
  get isWaiting(): boolean {
    for (const { push } of this.subscriptions.values()) if (push !== null) return true;
    return false;
  }

  /** The subscription of a type, made by its first request. */
  subscription(type: ResourceType): Subscription {
    let known = this.subscriptions.get(type);
    if (known === undefined) {
      known = new Subscription(type, this.isDelta, this.#deps.shared, this.ledger);
      this.subscriptions.set(type, known);
    }
    return known;
  }

  /** Notes what a new generation changes, as far as it is subscribed to. */
  noteChanged(change: SnapshotChange): void {
    for (const [type, names] of change.names) this.subscriptions.get(type)?.noteChanged(names);
  }

  /** The node sees another view: everything is looked at again. */
  noteEverything(): void {
    for (const subscription of this.subscriptions.values()) subscription.isAllDirty = true;
  }

  /** The node has answered a push. @param error "" for an ACK. */
  noteAnswer(subscription: Subscription, error: string): void {
    const { push } = subscription;
    if (push === null) return;
    subscription.push = null;
    subscription.ackLagMs = this.#deps.nowMs() - push.sentMs;
    subscription.error = error;
    if (error === "") {
      subscription.ackedVersion = push.version;
      this.#deps.observer.onAcked(subscription.type, subscription.ackLagMs);
    } else {
      subscription.nacks += 1;
      this.#deps.observer.onNacked(this, subscription.type, error);
    }
  }

  /** Sends what is due and may go now. */
  pump(): void {
    if (this.#isOver || this.#hold !== null) return;
    const view = this.#deps.viewFor(this);
    if (view === null) return;
    if (!this.#pumpInOrder(view, ORDER, false)) return;
    this.#pumpInOrder(view, REFERRED, true);
  }

  /**
   * Endpoints and secrets go without waiting for an answer to their clusters: Envoy keeps it back
   * until these are warm, which takes just that. Listeners and routes wait for all of it.
   *
   * @returns whether all is sent, and answered or given up waiting for.
   */
  #pumpInOrder(view: VisibleView, order: readonly ResourceType[], isLast: boolean): boolean {
    let isWaiting = false;
    for (const type of order) {
      const subscription = this.subscriptions.get(type);
      if (subscription === undefined) continue;
      if (isWaiting && (isLast || !REFERRED.includes(type))) return false;
      const isDue = isLast ? subscription.hasDeferred : subscription.isDirty;
      if (isDue && !this.#isAwaited(subscription, ACK_WAIT_MS)) {
        // It has its turn when others have been taken.
        if (!this.#deps.pacer.mayPush(this)) return false;
        this.#send(subscription, view, isLast);
        if (this.#hold !== null) return false;
      }
      if (this.#isAwaited(subscription, ORDER_WAIT_MS)) isWaiting = true;
    }
    return !isWaiting;
  }

  #isAwaited({ push }: Subscription, waitMs: number): boolean {
    return push !== null && this.#deps.nowMs() - push.sentMs < waitMs;
  }

  #send(subscription: Subscription, view: VisibleView, isLast: boolean): void {
    const { type } = subscription;
    const due = subscription.takeDue(view, isLast);
    if (this.#absentTold.size < ABSENT_TOLD_MAX) this.#tellAbsent(subscription);
    if (due === null) return;
    const refused = this.refused.get(type);
    for (const { name } of due.fresh) refused?.delete(name);
    this.#nonce += 1;
    const nonce = String(this.#nonce);
    const { version } = subscription;
    const { parts, bytes } = this.isDelta
      ? deltaResponse(type, version, nonce, due.resources, due.removed)
      : sotwResponse(type, version, nonce, due.resources);
    const nowMs = this.#deps.nowMs();
    subscription.push = { nonce, version, sentMs: nowMs };
    subscription.lastNonce = nonce;
    subscription.messages += 1;
    subscription.bytes += bytes;
    if (type === CDS) this.#warmEndpoints(due);
    this.call.send(parts);
    this.#deps.observer.onPushed(type, bytes);
    this.#deps.observer.onWaiting(this);
    const { queuedBytes } = this.call;
    if (queuedBytes > 0) this.#hold = this.#deps.pacer.hold(queuedBytes);
  }

  /**
   * Names that it asks for and that lead nowhere, as far as they were looked at.
   *
   * @param max so many with why: to find that out costs more than to count the others.
   */
  absences(subscription: Subscription, max: number): Absences {
    const { type, names, sent, isWildcard, isAllDirty, dirty } = subscription;
    const view = type === LDS && !isAllDirty ? this.#deps.viewFor(this) : null;
    if (view?.absenceOf === undefined) return { shown: [], count: 0 };
    const refused = this.refused.get(type);
    const shown: [string, string][] = [];
    let count = 0;
    const look = (name: string): void => {
      const reason = shown.length < max ? view.absenceOf!(type, name) : "";
      if (reason === null) return;
      count += 1;
      if (shown.length < max) shown.push([name, reason]);
    };
    if (isWildcard) look(WILDCARD);
    for (const name of names) {
      if (!sent.has(name) && !dirty.has(name) && refused?.has(name) !== true) look(name);
    }
    return { shown, count };
  }

  #tellAbsent(subscription: Subscription): void {
    for (const [name, reason] of this.absences(subscription, ABSENT_TOLD_MAX).shown) {
      if (this.#absentTold.has(name) || this.#absentTold.size >= ABSENT_TOLD_MAX) continue;
      this.#absentTold.add(name);
      this.#deps.observer.onAbsent(this, subscription.type, name, reason);
    }
  }

  /**
   * Envoy warms a cluster that changed until its endpoints come, although they have not changed: a
   * node that is not told of them again never uses it.
   */
  #warmEndpoints({ fresh }: Due): void {
    if (this.node?.agent !== "envoy") return;
    const endpoints = this.subscriptions.get(EDS);
    if (endpoints === undefined) return;
    for (const { name } of fresh) if (endpoints.sent.has(name)) endpoints.forced.add(name);
  }

  /** From the pacer. */
  onTurn(): void {
    this.pump();
  }

  /** The connection has taken everything. */
  onDrained(): void {
    this.#release();
    this.pump();
  }

  #release(): void {
    if (this.#hold === null) return;
    const hold = this.#hold;
    this.#hold = null;
    this.#deps.pacer.release(hold);
  }

  /** Ends it with a status. */
  end(status: Status, message: string): void {
    this.call.end(status, message);
  }

  /** It is over. */
  close(): void {
    this.#isOver = true;
    this.ledger.close();
    this.#deps.pacer.forget(this);
    this.#release();
  }

  /** Notes a name that it may not have. Returns whether that is to be told: each once, and few. */
  noteRefused(type: ResourceType, name: string): boolean {
    const known = this.refused.get(type) ?? new Set();
    this.refused.set(type, known.add(name));
    if (this.#refusedTold.has(name) || this.#refusedTold.size >= REFUSED_TOLD_MAX) return false;
    this.#refusedTold.add(name);
    return true;
  }

  /** Forgets refusals of names that it has given up. */
  forgetUnnamed({ type, names }: Subscription): void {
    const refused = this.refused.get(type) ?? [];
    for (const name of refused) if (!names.has(name)) this.refused.get(type)?.delete(name);
  }

  /** For logs: who, and of which type. */
  fieldsOf(type: ResourceType): Record<string, unknown> {
    return { node: this.node?.id, remote: this.call.remote, type: shortTypeName(type) };
  }
}
