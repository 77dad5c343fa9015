/**
 * Calls of many targets: each finds its route in the table of the connection that it came on, and
 * goes to one of the route's clusters; or is refused with a reason.
 */
import { type Rng, visible } from "../../base/index.ts";
import { isGrpcRequest, withTimeout } from "../../cluster/index.ts";
import { Status } from "../../grpc/index.ts";
import { type HeaderList, NO_EVENTS, type Stream, type StreamEvents } from "../../http2/index.ts";
import type { MeshCluster, MeshClusters } from "../../mesh/index.ts";
import {
  type ForwardAction,
  isSampled,
  type PreparedCluster,
  PreparedForward,
  type Route,
  RouteFinder,
  type RouteTable,
} from "../../routes/index.ts";
import type { Counter, Registry } from "../../telemetry/index.ts";
import { answer } from "../answers.ts";
import { deadlineOf } from "../deadline.ts";
import type { Downstream } from "../downstream.ts";
import type { Front } from "../front.ts";
import { Relay } from "../relay.ts";
import { type MirrorCall, Mirrors } from "./mirrors.ts";
import { RoutedRelay } from "./routed-relay.ts";

/** Why calls are refused before they have a cluster: label values. */
const REFUSALS = ["no_route", "no_cluster", "route"] as const;
type Refusal = (typeof REFUSALS)[number];

/** More of an authority or path is not told. */
const TOLD_CHARS_MAX = 128;

/** A table made ready. */
export class ReadyTable {
  /** For people: where it belongs. */
  readonly name: string;
  readonly finder: RouteFinder;
  readonly #prepared = new Map<Route, PreparedForward>();

  constructor(name: string, table: RouteTable) {
    this.name = name;
    this.finder = new RouteFinder(table);
  }

  /** A route with its action, made ready once. */
  prepared(route: Route, action: ForwardAction): PreparedForward {
    const known = this.#prepared.get(route);
    if (known !== undefined) return known;
    const made = new PreparedForward(route, action);
    this.#prepared.set(route, made);
    return made;
  }
}

/** See the head of this file. */
export class RoutedCalls {
  readonly mirrors: Mirrors;
  readonly #front: Front;
  readonly #clusters: MeshClusters;
  readonly #rng: Rng;
  readonly #refusals: Readonly<Record<Refusal, Counter>>;

  constructor(front: Front, clusters: MeshClusters, rng: Rng, registry: Registry) {
    this.#front = front;
    this.#clusters = clusters;
    this.#rng = rng;
    this.mirrors = new Mirrors(registry);
    const name = "fairlead_route_refusals_total";
    const help = "Calls refused: no route, a route's cluster that does not exist, a route's word.";
    const pairs = REFUSALS.map((reason) => [reason, registry.counter(name, help, { reason })]);
    this.#refusals = Object.fromEntries(pairs) as Record<Refusal, Counter>;
  }

  /** Starts a call that came on a connection of this table; null: of none. */
  start(
    table: ReadyTable | null,
    from: Downstream,
    stream: Stream,
    list: HeaderList,
    isEnd: boolean,
  ): StreamEvents {
    this.#front.metrics.calls.add();
    if (list.isTooLarge) {
      this.#front.refuseOversized(stream, list);
      return NO_EVENTS;
    }
    const authority = list.authority?.value ?? list.host?.value ?? "";
    const path = list.path?.value ?? "";
    const route = table?.finder.find(authority, path, list, this.#rng) ?? null;
    if (route === null) {
      const where = `no route of ${table?.name ?? "this listener"} matches`;
      const reason = `${where} authority ${told(authority)} and path ${told(path)}`;
      return this.#refuse("no_route", stream, list, Status.UNIMPLEMENTED, 404, reason);
    }
    const { name, action } = route;
    if (action.kind === "refuse") {
      const { status, httpStatus } = action;
      const reason = `${name}: ${action.reason}`;
      const location = action.isMovedToHttps === true ? httpsOf(list) : null;
      return this.#refuse("route", stream, list, status, httpStatus, reason, location);
    }
    const prepared = table!.prepared(route, action);
    const chosen = prepared.choose(this.#rng);
    const cluster = this.#clusters.get(chosen.name);
    if (cluster === undefined) {
      const reason = `cluster ${chosen.name} of ${name} does not exist`;
      return this.#refuse("no_cluster", stream, list, Status.UNAVAILABLE, 503, reason);
    }
    return this.#forward(prepared, chosen, cluster, from, stream, list, isEnd);
  }

  #forward(
    prepared: PreparedForward,
    chosen: PreparedCluster,
    cluster: MeshCluster,
    from: Downstream,
    stream: Stream,
    list: HeaderList,
    isEnd: boolean,
  ): StreamEvents {
    const { action } = prepared;
    const nowMs = stream.openedMs;
    const isGrpc = isGrpcRequest(list);
    const method = isGrpc ? prepared.methodOf(cluster.policies?.find(list) ?? null) : null;
    const limitMs = Math.min(action.timeoutMs ?? Infinity, method?.timeoutMs ?? Infinity);
    let deadlineMs = deadlineOf(list, nowMs);
    let sent = chosen.request === null ? list : chosen.request.apply(list);
    if (nowMs + limitMs < deadlineMs) {
      deadlineMs = nowMs + limitMs;
      if (isGrpc) sent = withTimeout(sent, limitMs);
    }
    const isPlain = chosen.response === null && action.mirrors.length === 0;
    const used = cluster.use();
    const relay = isPlain
      ? new Relay(this.#front, stream, list, used)
      : new RoutedRelay(this.#front, stream, list, used, chosen.response);
    const call = used.call(sent, isEnd, relay, deadlineMs, nowMs, method);
    if (method !== null) call.waitForReady = method.waitForReady !== false;
    call.caller = from;
    call.hashHeader = action.hashHeader;
    relay.join(call);
    if (relay instanceof RoutedRelay && action.mirrors.length > 0) {
      relay.mirrorTo(this.#mirror(prepared, sent, isEnd, deadlineMs, nowMs));
    }
    call.start();
    return relay;
  }

  #mirror(
    { action }: PreparedForward,
    list: HeaderList,
    isEnd: boolean,
    deadlineMs: number,
    nowMs: number,
  ): MirrorCall[] {
    const started: MirrorCall[] = [];
    for (const { cluster: name, perMillion } of action.mirrors) {
      const cluster = this.#clusters.get(name);
      if (cluster === undefined || !isSampled(perMillion, this.#rng)) continue;
      const mirror = this.mirrors.start(cluster.use(), list, isEnd, deadlineMs, nowMs);
      if (mirror !== null) started.push(mirror);
    }
    return started;
  }

  #refuse(
    kind: Refusal,
    stream: Stream,
    list: HeaderList,
    status: Status,
    httpStatus: number,
    reason: string,
    location: string | null = null,
  ): StreamEvents {
    this.#refusals[kind].add();
    this.#front.refusals.warn("call refused", `route ${kind}`, () => ({ kind, reason }));
    answer(stream, list, status, reason, httpStatus, location);
    return NO_EVENTS;
  }
}

/** The same place by https, as Envoy says it. */
function httpsOf({ authority, host, path }: HeaderList): string {
  return `https://${authority?.value ?? host?.value ?? ""}${path?.value ?? "/"}`;
}

/** What a caller chose, short enough for its answer and a log. */
function told(text: string): string {
  return JSON.stringify(visible(text, TOLD_CHARS_MAX));
}
