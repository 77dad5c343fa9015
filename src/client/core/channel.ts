/**
 * A client's channel to one target: makes calls, knows its connectivity, follows service config.
 *
 * The connections belong to a cluster that it shares with channels of the same settings. What users
 * say (channel arguments, credentials) was parsed by the adapter that made it.
 */
import type { Clock, Timer } from "../../base/index.ts";
import type { ClusterView, Connectivity } from "../../cluster/index.ts";
import {
  type MethodConfig,
  type MethodConfigs,
  Status,
  withAttemptsMax,
} from "../../grpc/index.ts";
import type { Field } from "../../http2/index.ts";
import {
  type CallOptions,
  ClientCall,
  type ClientCallConfig,
  type ClientCallEvents,
} from "./call.ts";
import type { CallPlace, ClusterUser, WireCall } from "./call-place.ts";
import { Method } from "./method.ts";
import type { CallOwner } from "./owner.ts";
import type { ChannelSettings, ClientDeps } from "./settings.ts";
import type { SharedClusters } from "./shared-clusters.ts";

/** Methods whose headers are kept; a program that makes up paths must not fill the memory. */
const METHODS_KEPT_MAX = 4_096;

const CLOSED = "the channel is closed";

/** See the head of this file. */
export class ClientChannel implements CallOwner, ClusterUser {
  readonly settings: ChannelSettings;
  readonly #deps: ClientDeps;
  readonly #place: CallPlace;
  readonly #watchers = new Set<(state: Connectivity) => void>();
  /** Calls that had no endpoint when they began: those that still have none fail at `close`. */
  readonly #waiting = new Set<ClientCall>();
  /** Those of them that no service config has reached, with their metadata. */
  readonly #unconfigured = new Map<ClientCall, readonly Field[] | null>();
  #methods = new Map<string, Method>();
  /** Those of its own service config, and those in force. */
  readonly #ownConfigs: MethodConfigs;
  #methodConfigs: MethodConfigs;
  #isClosed = false;

  constructor(settings: ChannelSettings, deps: ClientDeps, clusters: SharedClusters) {
    this.settings = settings;
    this.#deps = deps;
    this.#ownConfigs = settings.ownConfig.methods;
    this.#methodConfigs = this.#ownConfigs;
    this.#place = clusters.get(settings);
    this.#place.join(this);
  }

  /** The target as it was given. */
  get target(): string {
    return this.settings.target;
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A call that does nothing until it is started. */
  createCall(options: CallOptions, events: ClientCallEvents): ClientCall {
    const { config, sendBytesMax, receiveBytesMax } = this.#configure(options);
    return new ClientCall(this, options, config, events, sendBytesMax, receiveBytesMax);
  }

  /** What its caller says, with what service config adds. */
  #configure(options: CallOptions) {
    const encoding = options.encoding ?? this.settings.encoding;
    const { config } = this.#method(options.path, options.host, encoding);
    return {
      config: withDefaults(options, encoding, config, this.#deps.clock),
      sendBytesMax: least(this.settings.sendBytesMax, config.maxRequestBytes),
      receiveBytesMax: least(this.settings.receiveBytesMax, config.maxResponseBytes),
    };
  }

  /** The state of the connections; `tryToConnect` ends IDLE. */
  connectivity(tryToConnect: boolean): Connectivity {
    if (this.#isClosed) return "SHUTDOWN";
    if (tryToConnect) this.#place.connect();
    return this.#place.connectivity;
  }

  /** Hears of each change of connectivity; returns what ends that. */
  watchConnectivity(watcher: (state: Connectivity) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** What is behind it, endpoint by endpoint; null while it is idle. */
  view(): ClusterView | null {
    return this.#place.view();
  }

  /** No new calls: those that wait fail, those in flight finish. Harmless when repeated. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const call of [...this.#waiting]) {
      if (call.isWaiting) call.cancel(Status.UNAVAILABLE, CLOSED);
    }
    this.#place.leave(this);
    this.onConnectivity("SHUTDOWN");
    this.#watchers.clear();
  }

  // CallOwner

  open(call: ClientCall, metadata: readonly Field[] | null): WireCall | null {
    const { path, host, deadlineMs, waitForReady, encoding } = call.config;
    if (this.#isClosed) {
      call.refuse(Status.UNAVAILABLE, CLOSED);
      return null;
    }
    const nowMs = this.#deps.clock.nowMs();
    // Also what is no time at all.
    if (!(deadlineMs > nowMs)) {
      call.refuse(Status.DEADLINE_EXCEEDED, "the deadline had passed before the call began");
      return null;
    }
    const method = this.#method(path, host, encoding);
    const list = method.headers(deadlineMs - nowMs, metadata);
    const { config } = method;
    const waits = waitForReady === true;
    const request = { list, call, deadlineMs, nowMs, waitForReady: waits, config };
    const inner = this.#place.call(request);
    if ("reason" in inner) {
      call.refuse(inner.status, inner.reason);
      return null;
    }
    inner.waitForReady = waits;
    this.#deps.retain();
    return inner;
  }

  onWaiting(call: ClientCall, metadata: readonly Field[] | null): void {
    this.#waiting.add(call);
    this.#unconfigured.set(call, metadata);
  }

  onEnded(call: ClientCall): void {
    if (this.#waiting.size > 0) {
      this.#waiting.delete(call);
      this.#unconfigured.delete(call);
    }
    this.#deps.release();
  }

  onUnread(call: ClientCall): Timer | null {
    const { deadlineMs } = call.config;
    if (deadlineMs === Number.POSITIVE_INFINITY) return null;
    const { clock } = this.#deps;
    const inMs = Math.max(0, deadlineMs - clock.nowMs());
    return clock.setTimer(inMs, () => call.onUnreadTooLong());
  }

  nowMs(): number {
    return this.#deps.clock.nowMs();
  }

  #method(path: string, host: string | null, encoding: ClientCallConfig["encoding"]): Method {
    const isPlain = host === null && encoding === this.settings.encoding;
    const key = isPlain ? path : `${path}\0${host ?? ""}\0${encoding}`;
    const known = this.#methods.get(key);
    if (known !== undefined) return known;
    const { scheme, authority, userAgent, contentType } = this.settings;
    const request = { scheme, authority: host ?? authority, userAgent, contentType };
    const config = withAttemptsMax(this.#methodConfigs.find(path), this.settings.attemptsMax);
    const method = new Method(path, encoding, request, config);
    if (this.#methods.size >= METHODS_KEPT_MAX) this.#methods.clear();
    this.#methods.set(key, method);
    return method;
  }

  // ClusterUser

  onConnectivity(state: Connectivity): void {
    for (const watcher of [...this.#watchers]) watcher(state);
  }

  onMethodConfigs(methods: MethodConfigs | null): void {
    this.#methodConfigs = methods ?? this.#ownConfigs;
    this.#methods = new Map();
    // Once for each: a time-out that began anew with every change would never end.
    for (const [call, metadata] of this.#unconfigured) this.#reconfigure(call, metadata);
    this.#unconfigured.clear();
  }

  /** A call that began before the target was resolved has the settings of its method after all. */
  #reconfigure(call: ClientCall, metadata: readonly Field[] | null): void {
    const { config, sendBytesMax, receiveBytesMax } = this.#configure(call.options);
    const { path, host, encoding, deadlineMs } = config;
    const remainingMs = deadlineMs - this.#deps.clock.nowMs();
    const method = this.#method(path, host, encoding);
    const list = method.headers(remainingMs, metadata);
    call.reconfigure(list, config, method.config, sendBytesMax, receiveBytesMax);
  }
}

function withDefaults(
  options: CallOptions,
  encoding: ClientCallConfig["encoding"],
  { timeoutMs, waitForReady }: MethodConfig,
  clock: Clock,
): ClientCallConfig {
  const { path, deadlineMs, host } = options;
  return {
    path,
    host,
    encoding,
    // "The actual deadline is the minimum of the value here and the value set by the application."
    deadlineMs: timeoutMs === null ? deadlineMs : Math.min(deadlineMs, clock.nowMs() + timeoutMs),
    waitForReady: options.waitForReady ?? waitForReady,
  };
}

/** "If a client-side limit is set too, the smaller one counts." */
function least(bytesMax: number, configured: number | null): number {
  return configured === null ? bytesMax : Math.min(bytesMax, configured);
}
