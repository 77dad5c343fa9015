/**
 * What a proxy has towards its clients, whatever is behind it: their connections, what is counted
 * and logged of them, and calls that are cut.
 */
import type { Clock, Logger, Rng } from "../base/index.ts";
import type { CallFailure } from "../cluster/index.ts";
import { Status } from "../grpc/index.ts";
import {
  type ConnectionFailure,
  DEFAULT_CONNECTION_CONFIG,
  type HeaderList,
  type Stream,
} from "../http2/index.ts";
import type { Registry } from "../telemetry/index.ts";
import {
  type AcceptorOptions,
  ConnectionCount,
  type ConnectionUser,
  type ListenerEvents,
  type RefusedWhy,
  type SocketConnection,
} from "../transport/index.ts";
import { answer } from "./answers.ts";
import type { FrontConfig } from "./config.ts";
import { type CallStarter, Downstream, type DownstreamOwner } from "./downstream.ts";
import { ProxyMetrics } from "./metrics.ts";
import { type DownstreamConnection, Downstreams } from "./nesting/index.ts";
import { RefusalLog } from "./refusal-log.ts";
import { Relay, type RelayOwner } from "./relay.ts";

/** The real things that a proxy needs. */
export interface FrontSystem {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Where its figures go; what others have counted there is shown with them. */
  readonly registry: Registry;
}

/** See the head of this file. */
export class Front implements DownstreamOwner, RelayOwner {
  readonly count = new ConnectionCount();
  readonly metrics: ProxyMetrics;
  readonly refusals: RefusalLog;
  readonly downstreams: Downstreams;
  /** Set in a drain: called when a connection has gone. */
  onGone: (() => void) | null = null;
  readonly #config: FrontConfig;

  /** @param activeCalls how many calls are in flight. */
  constructor(config: FrontConfig, system: FrontSystem, activeCalls: () => number) {
    const { clock, rng, log, registry } = system;
    this.#config = config;
    this.refusals = new RefusalLog(log, clock);
    this.metrics = new ProxyMetrics(registry, () => this.count.value, activeCalls);
    this.downstreams = new Downstreams(config, {
      ...{ clock, rng, log, registry },
      cut: (connection, reason) => {
        this.cutCallsOf(connection, reason);
        connection.close(0, reason);
      },
    });
  }

  /** How every connection behaves. */
  acceptorOptions(): AcceptorOptions {
    const { maxStreams, maxConnections, idleTimeoutMs } = this.#config;
    const config = { ...DEFAULT_CONNECTION_CONFIG, maxStreams };
    return { config, maxConnections, idleTimeoutMs, count: this.count };
  }

  /** For a listener all of whose calls `calls` starts. */
  eventsFor(calls: CallStarter): ListenerEvents {
    return {
      onConnection: (remote) => this.connected(remote, calls),
      onRefused: (remote, why, reason) => this.onRefused(remote, why, reason),
    };
  }

  /** A connection was accepted. */
  connected(remote: string, calls: CallStarter): ConnectionUser {
    this.metrics.accepted.add();
    return new Downstream(this, calls, remote);
  }

  /** One was not. */
  onRefused(remote: string, why: RefusedWhy, reason: string): void {
    this.metrics.refusedConnection(why);
    this.refusals.warn("connection refused", `connection ${reason}`, () => ({ remote, reason }));
  }

  /** Answers a call whose header list is too large. */
  refuseOversized(stream: Stream, list: HeaderList): void {
    this.metrics.oversized.add();
    const reason = `the header list is larger than ${DEFAULT_CONNECTION_CONFIG.headerListBytesMax} bytes or has more than ${DEFAULT_CONNECTION_CONFIG.headerFieldsMax} fields`;
    this.refusals.warn("call refused", "oversized", () => ({ reason, path: list.path?.value }));
    answer(stream, list, Status.RESOURCE_EXHAUSTED, reason);
  }

  // DownstreamOwner

  onDownstreamClosed(remote: string, failure: ConnectionFailure): void {
    if (failure.by === "library" && failure.code !== 0) {
      this.metrics.glitched.add();
      this.refusals.warn("connection cut", `cut ${failure.reason}`, () => ({
        remote,
        reason: failure.reason,
      }));
    }
  }

  track(connection: SocketConnection, remote: string): DownstreamConnection {
    return this.downstreams.add(connection, remote);
  }

  onDownstreamGone(tracked: DownstreamConnection): void {
    this.downstreams.remove(tracked);
    this.onGone?.();
  }

  // RelayOwner

  onRelayFailed(failure: CallFailure, list: HeaderList): void {
    this.metrics.failed(failure.kind);
    this.refusals.warn("call failed", `${failure.kind} ${failure.status}`, () => ({
      kind: failure.kind,
      reason: failure.reason,
      path: list.path?.value,
    }));
  }

  /** Ends the calls of a connection with a reason; returns how many there were. */
  cutCallsOf(connection: SocketConnection, reason: string): number {
    const relays = connection.http2.openStreams().map(({ events }) => events);
    let calls = 0;
    for (const relay of relays) {
      if (!(relay instanceof Relay)) continue;
      relay.cut("drained", Status.UNAVAILABLE, reason);
      calls += 1;
    }
    return calls;
  }
}
