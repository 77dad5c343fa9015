/**
 * The client connections of one process: their rates of calls, and their end by being shed or by
 * age.
 *
 * Both ends are the two-step GOAWAY (RFC 9113 §6.8): calls in flight finish, and the client
 * connects again through whatever stands before the replicas. How much is to be shed is not decided
 * here.
 */
import { type Clock, jittered, type Logger, type Rng } from "../../base/index.ts";
import type { Counter, Registry } from "../../telemetry/index.ts";
import type { SocketConnection } from "../../transport/index.ts";
import { CallRate, type LoadFigures } from "./load.ts";
import { type ChosenShed, chooseSheds, type ShedOrder } from "./shed-order.ts";
import {
  type ConnectionView,
  type DownstreamsView,
  SHEDS_SHOWN_MAX,
  type ShedView,
} from "./view.ts";

/**
 * "MAX_CONNECTION_AGE ... a random jitter of +/-10 % will be added" (A9), so that connections
 * which came together do not go together.
 */
export const AGE_JITTER = 0.1;

/** Of the log line about sheds. */
const LOGGED_REMOTES_MAX = 5;

/** What a connection's age means; see `ProxyConfig`. */
export interface AgeLimits {
  readonly maxConnectionAgeMs: number;
  readonly maxConnectionAgeGraceMs: number;
}

/** The real things that are needed, and who cuts calls. */
export interface DownstreamsDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly registry: Registry;
  /** Ends a connection at once, its calls with this reason. */
  cut(connection: SocketConnection, reason: string): void;
}

/** One client connection. */
export class DownstreamConnection {
  readonly id: number;
  readonly remote: string;
  readonly socket: SocketConnection;
  readonly acceptedMs: number;
  /** When it is closed in order; Infinity for never. */
  readonly ageOutMs: number;
  readonly rate = new CallRate();
  /** Calls started. */
  calls = 0;
  /** Of these, those that `rate` knows of, and when it heard of them. */
  ratedCalls = 0;
  ratedMs: number;
  /** Why we are closing it; "" when we are not. */
  reason = "";
  /** When its calls are cut; Infinity for never. */
  cutMs = Number.POSITIVE_INFINITY;

  constructor(id: number, remote: string, socket: SocketConnection, nowMs: number, ageMs: number) {
    this.id = id;
    this.remote = remote;
    this.socket = socket;
    this.acceptedMs = nowMs;
    this.ratedMs = nowMs;
    this.ageOutMs = nowMs + ageMs;
  }

  /** Whether it takes calls and goes on doing so. */
  get isOpen(): boolean {
    const { http2 } = this.socket;
    return !http2.isClosed && !http2.isDraining;
  }
}

/** See the head of this file. */
export class Downstreams {
  readonly #limits: AgeLimits;
  readonly #deps: DownstreamsDeps;
  readonly #connections = new Map<number, DownstreamConnection>();
  readonly #sheds: ShedView[] = [];
  readonly #shedCount: Counter;
  readonly #agedCount: Counter;
  #lastId = 0;

  constructor(limits: AgeLimits, deps: DownstreamsDeps) {
    this.#limits = limits;
    this.#deps = deps;
    this.#shedCount = deps.registry.counter(
      "fairlead_downstream_connections_shed_total",
      "Connections closed in order so that their clients move to another replica.",
    );
    this.#agedCount = deps.registry.counter(
      "fairlead_downstream_connections_aged_total",
      "Connections closed in order because of their age.",
    );
  }

  /** A connection was accepted. */
  add(socket: SocketConnection, remote: string): DownstreamConnection {
    const { clock, rng } = this.#deps;
    const { maxConnectionAgeMs } = this.#limits;
    const movedMs = jittered(maxConnectionAgeMs, AGE_JITTER, rng);
    const ageMs = maxConnectionAgeMs === 0 ? Number.POSITIVE_INFINITY : movedMs;
    this.#lastId += 1;
    const one = new DownstreamConnection(this.#lastId, remote, socket, clock.nowMs(), ageMs);
    this.#connections.set(one.id, one);
    return one;
  }

  /** Its socket is closed. */
  remove(connection: DownstreamConnection): void {
    this.#connections.delete(connection.id);
  }

  /** Call about once a second. */
  onTick(nowMs: number): void {
    for (const one of this.#connections.values()) {
      one.rate.add(one.calls - one.ratedCalls, nowMs - one.ratedMs);
      one.ratedCalls = one.calls;
      one.ratedMs = nowMs;
      if (nowMs >= one.ageOutMs && one.isOpen) this.#ageOut(one, nowMs);
      if (nowMs >= one.cutMs) this.#cut(one);
    }
  }

  #ageOut(one: DownstreamConnection, nowMs: number): void {
    const { maxConnectionAgeMs, maxConnectionAgeGraceMs } = this.#limits;
    one.reason = `closed at its age: --max-connection-age ${maxConnectionAgeMs / 1000}`;
    if (maxConnectionAgeGraceMs > 0) one.cutMs = nowMs + maxConnectionAgeGraceMs;
    this.#agedCount.add();
    one.socket.drain("max_age");
  }

  #cut(one: DownstreamConnection): void {
    one.cutMs = Number.POSITIVE_INFINITY;
    const graceMs = this.#limits.maxConnectionAgeGraceMs;
    this.#deps.cut(one.socket, `cut ${graceMs} ms after the end of its connection's age`);
  }

  /** The load of the connections that stay. */
  load(): LoadFigures {
    let connections = 0;
    let callsPerSecond = 0;
    for (const one of this.#connections.values()) {
      if (!one.isOpen) continue;
      connections += 1;
      callsPerSecond += one.rate.callsPerSecond;
    }
    return { connections, callsPerSecond };
  }

  /** Closes the connections that fit the order best. @returns how many. */
  shed(order: ShedOrder): number {
    const { clock, rng, log } = this.#deps;
    const nowMs = clock.nowMs();
    const open = [...this.#connections.values()].filter(({ isOpen }) => isOpen);
    const loads = open.map(({ id, acceptedMs, rate }) => {
      return { id, ageMs: nowMs - acceptedMs, callsPerSecond: rate.callsPerSecond };
    });
    const chosen = chooseSheds(loads, order, rng);
    if (chosen.length === 0) return 0;
    const remotes: string[] = [];
    for (const shed of chosen) {
      const one = this.#connections.get(shed.id)!;
      this.#shedOne(one, shed, order, nowMs);
      remotes.push(one.remote);
    }
    log.info("connections shed", {
      connections: chosen.length,
      of: open.length,
      load: rounded(order.load),
      mean: rounded(order.totalLoad / order.replicas),
      replicas: order.replicas,
      spreadBefore: rounded(chosen[0].spreadBefore),
      spreadAfter: rounded(chosen.at(-1)!.spreadAfter),
      remotesFirst: remotes.slice(0, LOGGED_REMOTES_MAX),
    });
    return chosen.length;
  }

  #shedOne(one: DownstreamConnection, shed: ChosenShed, order: ShedOrder, nowMs: number): void {
    const { replicas, load } = order;
    const mean = order.totalLoad / replicas;
    const callsPerSecond = one.rate.callsPerSecond;
    one.reason =
      `shed: this replica had ${load.toFixed(1)} calls/s where the mean of ${replicas} is ` +
      `${mean.toFixed(1)}; its ${callsPerSecond.toFixed(1)} fit elsewhere`;
    const view: ShedView = {
      worker: 0,
      remote: one.remote,
      at: new Date(this.#deps.clock.wallMs()).toISOString(),
      ageMs: nowMs - one.acceptedMs,
      activeCalls: one.socket.callCount,
      callsPerSecond,
      replicas,
      load,
      mean,
      spreadBefore: shed.spreadBefore,
      spreadAfter: shed.spreadAfter,
      reason: one.reason,
    };
    this.#sheds.push(view);
    if (this.#sheds.length > SHEDS_SHOWN_MAX) this.#sheds.shift();
    this.#shedCount.add();
    one.socket.drain("fairlead: this connection's load is wanted on another replica");
  }

  /** What there is to show. */
  view(): DownstreamsView {
    const nowMs = this.#deps.clock.nowMs();
    const connections = [...this.#connections.values()].map((one): ConnectionView => {
      const { id, remote, calls, acceptedMs, rate, socket, isOpen, reason } = one;
      const state = isOpen ? "OPEN" : "DRAINING";
      const closing = reason === "" ? "closing: by the client, idle, or with the proxy" : reason;
      return {
        worker: 0,
        ...{ id, remote, calls, state },
        ageMs: nowMs - acceptedMs,
        activeCalls: socket.callCount,
        callsPerSecond: rate.callsPerSecond,
        reason: isOpen ? "" : closing,
      };
    });
    return { connections, sheds: [...this.#sheds] };
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
