/**
 * One endpoint under a policy of ours: the leaf of grpc-js that holds its connection, and the calls
 * that are in flight on it.
 *
 * A call is counted from its pick on. grpc-js starts it a few turns later, when its credentials are
 * there; without that, everything that is picked in between (a queue that is let go) would see the
 * same figures and could land on one endpoint. A pick that never becomes a call is taken off again
 * by `settle`.
 */
import type { experimental } from "@grpc/grpc-js";
import type { EndpointLoad, PickTarget } from "../../../balancing/index.ts";

type PickResult = experimental.PickResult;

/** See the head of this file. */
export class Leaf implements PickTarget {
  readonly balancer: experimental.LeafLoadBalancer;
  /** Picks that may yet become calls, and calls in flight. */
  activeCalls = 0;
  readonly weight = 1;
  readonly key: string;
  /** A picker is made of leaves that are. */
  readonly connectivity = "READY";
  readonly load: EndpointLoad | null;
  /** Picks since the last `settle` that have not become calls. */
  #pending = new Set<PendingPick>();

  constructor(balancer: experimental.LeafLoadBalancer, key: string, load: EndpointLoad | null) {
    this.balancer = balancer;
    this.key = key;
    this.load = load;
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

  /** A call that started has ended. */
  ended(): void {
    this.activeCalls -= 1;
  }
}

class PendingPick {
  readonly #leaf: Leaf;
  readonly #inner: PickResult;

  constructor(leaf: Leaf, inner: PickResult) {
    this.#leaf = leaf;
    this.#inner = inner;
  }

  start(): void {
    this.#leaf.started(this);
    this.#inner.onCallStarted?.();
  }

  end(...args: Parameters<NonNullable<PickResult["onCallEnded"]>>): void {
    this.#leaf.ended();
    this.#inner.onCallEnded?.(...args);
  }
}
