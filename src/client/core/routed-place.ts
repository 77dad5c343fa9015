/**
 * Where the calls of an `xds` channel go: each to a cluster that its route names. gRFC A27.
 *
 * Channels of the same settings share one, and so one xDS client and its connections. What speaks
 * xDS is loaded by the first call; until routes are known, calls wait. It rests after a time
 * without calls.
 */
import { jittered, type Timer } from "../../base/index.ts";
import type { ClusterView, Connectivity } from "../../cluster/index.ts";
import { Status } from "../../grpc/index.ts";
import type { ScopedStatus } from "../../mesh/index.ts";
import { type MetricsSnapshot, mergeSnapshots } from "../../telemetry/index.ts";
import type { Ticking } from "../../transport/index.ts";
import type { CallPlace, ClusterUser, PlacedRequest, Refusal, WireCall } from "./call-place.ts";
import { IdleWatch } from "./idle-watch.ts";
import { PendingCall, type PendingOwner } from "./pending-call.ts";
import type { Router, RouterUser } from "./router.ts";
import type { ChannelSettings, ClientDeps } from "./settings.ts";

/** Between attempts to open a bootstrap that could not be used: it may be mended meanwhile. */
const ROUTER_RETRY_MS = 5_000;
const RETRY_JITTER = 0.2;

/** See the head of this file. */
export class RoutedPlace implements CallPlace, PendingOwner, RouterUser, Ticking {
  readonly #settings: ChannelSettings;
  readonly #deps: ClientDeps;
  readonly #onUnused: () => void;
  readonly #users = new Set<ClusterUser>();
  readonly #pending = new Set<PendingCall>();
  #router: Router | null = null;
  /** Counts openings, so that one that was given up does not come back. */
  #opening = 0;
  #isOpen = false;
  #retry: Timer | null = null;
  /** Why there are no routes; null while that is not known. */
  #failure: string | null = null;
  #state: Connectivity = "IDLE";
  readonly #idle: IdleWatch;

  constructor(settings: ChannelSettings, deps: ClientDeps, onUnused: () => void) {
    this.#settings = settings;
    this.#idle = new IdleWatch(settings.idleTimeoutMs);
    this.#deps = deps;
    this.#onUnused = onUnused;
  }

  get connectivity(): Connectivity {
    return this.#state;
  }

  snapshot(): MetricsSnapshot {
    return this.#router?.snapshot() ?? mergeSnapshots([]);
  }

  view(): ClusterView | null {
    return this.#router?.view() ?? null;
  }

  /** How its xDS client stands; null while there is none. */
  xdsStatus(): ScopedStatus | null {
    return this.#router?.xdsStatus() ?? null;
  }

  call(request: PlacedRequest): WireCall | Refusal {
    this.#idle.countCall();
    this.#open();
    const router = this.#router;
    if (router === null || !router.isConfigured) return new PendingCall(request, this);
    const found = router.call(request);
    if (!("reason" in found && found.isPassing && request.waitForReady)) return found;
    const waiting = new PendingCall(request, this);
    waiting.waitsFor = found.reason;
    return waiting;
  }

  connect(): void {
    this.#idle.touch(this.#deps.clock.nowMs());
    this.#open();
  }

  join(user: ClusterUser): void {
    this.#users.add(user);
  }

  leave(user: ClusterUser): void {
    this.#users.delete(user);
    if (this.#users.size > 0) return;
    this.#end("the channel is closed");
    this.#onUnused();
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#idle.touch(this.#deps.clock.nowMs());
    this.#deps.loop.add(this);
    this.#setState("CONNECTING");
    this.#load();
  }

  #load(): void {
    this.#opening += 1;
    const opening = this.#opening;
    import("./router.ts")
      .then(({ openRouter }) => openRouter(this.#settings, this.#deps, this))
      .then(
        (router) => {
          if (opening !== this.#opening || !this.#isOpen) router.close();
          else {
            this.#router = router;
            router.start();
          }
        },
        (error: Error) => {
          if (opening === this.#opening && this.#isOpen) this.#onNoRouter(error.message);
        },
      );
  }

  #onNoRouter(reason: string): void {
    const delayMs = jittered(ROUTER_RETRY_MS, RETRY_JITTER, this.#deps.rng);
    this.#retry = this.#deps.clock.setTimer(delayMs, () => this.#load());
    this.onUnrouted(reason);
  }

  /** Calls in flight finish; those that wait for a route fail. */
  #end(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#opening += 1;
    this.#deps.loop.remove(this);
    this.#retry?.cancel();
    this.#retry = null;
    this.#router?.close();
    this.#router = null;
    this.#failure = null;
    for (const call of [...this.#pending]) call.fail("refused", Status.UNAVAILABLE, reason);
  }

  /** About once a second: without calls for a time, it rests. */
  onTick(nowMs: number): void {
    const active = this.#pending.size + (this.#router?.activeCalls ?? 0);
    if (!this.#idle.isOver(nowMs, active > 0)) return;
    this.#end("the channel rests");
    this.#setState("IDLE");
  }

  #setState(state: Connectivity): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const user of [...this.#users]) user.onConnectivity(state);
  }

  // PendingOwner

  onPending(call: PendingCall): void {
    this.#pending.add(call);
    call.waitsFor ??= this.#failure;
    // "When the channel is in TRANSIENT_FAILURE, calls that do not wait for ready fail."
    if (this.#failure !== null && !call.waitForReady) {
      call.fail("refused", Status.UNAVAILABLE, this.#failure);
    }
  }

  onPendingOver(call: PendingCall): void {
    this.#pending.delete(call);
  }

  setDeadline(atMs: number, fn: () => void): Timer {
    const { clock } = this.#deps;
    return clock.setTimer(Math.max(0, atMs - clock.nowMs()), fn);
  }

  // RouterUser

  onRouted(): void {
    this.#failure = null;
    const router = this.#router!;
    const nowMs = this.#deps.clock.nowMs();
    for (const call of [...this.#pending]) call.resolve(router.call({ ...call.request, nowMs }));
  }

  onUnrouted(reason: string): void {
    this.#failure = reason;
    this.#setState("TRANSIENT_FAILURE");
    for (const call of [...this.#pending]) {
      call.waitsFor = reason;
      if (!call.waitForReady) call.fail("refused", Status.UNAVAILABLE, reason);
    }
  }

  onState(state: Connectivity): void {
    if (this.#isOpen) this.#setState(state);
  }
}
