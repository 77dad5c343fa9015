/**
 * One endpoint under a policy of ours: the leaf of grpc-js that holds its connection, and the calls
 * that are in flight on it.
 *
 * A call is counted from its pick on. grpc-js starts it a few turns later, when its credentials are
 * there; without that, everything that is picked in between (a queue that is let go) would see the
 * same figures and could land on one endpoint. A pick that never becomes a call is taken off again
 * by `settle`.
 */
import type { connectivityState, experimental } from "@grpc/grpc-js";
import type { EndpointLoad, PickTarget, TargetConnectivity } from "../../../balancing/index.ts";
import type { Clock } from "../../../base/index.ts";
import { isEndpointFault } from "../../../cluster/index.ts";
import type { Status } from "../../../grpc/index.ts";

type PickResult = experimental.PickResult;

/** See the head of this file. */
export class Leaf implements PickTarget {
  readonly balancer: experimental.LeafLoadBalancer;
  /** Picks that may yet become calls, and calls in flight. */
  activeCalls = 0;
  readonly weight = 1;
  readonly key: string;
  /** What the policy keeps of it; the balancer sees to it. */
  load: EndpointLoad | null = null;
  readonly #clock: Clock;
  readonly #nameOf: (state: connectivityState) => TargetConnectivity;
  #isStarted = false;
  /** Picks since the last `settle` that have not become calls. */
  #pending = new Set<PendingPick>();

  /** @param nameOf the name of a state of grpc-js. */
  constructor(
    balancer: experimental.LeafLoadBalancer,
    key: string,
    clock: Clock,
    nameOf: (state: connectivityState) => TargetConnectivity,
  ) {
    this.balancer = balancer;
    this.key = key;
    this.#clock = clock;
    this.#nameOf = nameOf;
  }

  get connectivity(): TargetConnectivity {
    return this.#nameOf(this.balancer.getConnectivityState());
  }

  /** Begins to connect, unless it has done so. */
  connect(): void {
    if (this.#isStarted) this.balancer.exitIdle();
    else {
      this.#isStarted = true;
      this.balancer.startConnecting();
    }
  }

  /**
   * The leaf's own pick, counted.
   *
   * @param complete grpc-js' number for "a subchannel was picked".
   */
  pick(args: experimental.PickArgs, complete: number): PickResult {
    const picked = this.balancer.getPicker().pick(args);
    if ((picked.pickResultType as number) !== complete) return picked;
    const pending = new PendingPick(this, picked);
    this.#pending.add(pending);
    this.activeCalls += 1;
    return {
      ...picked,
      onCallStarted: () => pending.start(),
      onCallEnded: (code, details, metadata) => pending.end(code, details, metadata),
    } as PickResult;
  }

  /** Takes off what was picked and has not become a call. */
  settle(): void {
    this.activeCalls -= this.#pending.size;
    this.#pending.clear();
  }

  /** Counts a call that starts: anew if its pick was taken off meanwhile. */
  started(pick: PendingPick): void {
    if (!this.#pending.delete(pick)) this.activeCalls += 1;
  }

  /**
   * A call that started has ended. When its headers came is not told here, so that what took long
   * is the whole call.
   */
  ended(code: Status, startedMs: number): void {
    this.activeCalls -= 1;
    const { load } = this;
    if (load === null) return;
    const nowMs = this.#clock.nowMs();
    const isFailure = isEndpointFault(code);
    if (!isFailure) load.onAnswered(nowMs - startedMs, nowMs);
    load.onEnded(isFailure, nowMs - startedMs, nowMs);
  }

  /** The time on the clock of this leaf. */
  nowMs(): number {
    return this.#clock.nowMs();
  }
}

class PendingPick {
  readonly #leaf: Leaf;
  readonly #inner: PickResult;
  #startedMs = 0;

  constructor(leaf: Leaf, inner: PickResult) {
    this.#leaf = leaf;
    this.#inner = inner;
  }

  start(): void {
    this.#startedMs = this.#leaf.nowMs();
    this.#leaf.started(this);
    this.#inner.onCallStarted?.();
  }

  end(...args: Parameters<NonNullable<PickResult["onCallEnded"]>>): void {
    this.#leaf.ended(args[0] as number as Status, this.#startedMs);
    this.#inner.onCallEnded?.(...args);
  }
}
