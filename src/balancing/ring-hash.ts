/**
 * `ring_hash`: calls with the same value in a request header go to the same endpoint, and most of
 * them stay there as endpoints come and go. gRFCs A42 and A76, with the picker of A61: an endpoint
 * that failed is skipped, on and on along the ring.
 *
 * Only endpoints that were picked are connected. The states of endpoints are read as they are at
 * each pick, so that a picker lasts for as long as the set of endpoints does.
 *
 * Two bounds are ours. A walk along the ring ends after 64 points: from there on the endpoints are
 * asked one after the other, each once, as a ring can have millions of points of the same few that
 * failed. And a call with a random hash asks 256 of them whether they are READY; then it waits for
 * one that is about to be, where A76 would look on.
 */
import { assert, type Rng } from "../base/index.ts";
import { buildAtOnce, SlicedBuild } from "./picker-build.ts";
import type { Picker, PickerBuild, PickRequest, PickTarget, Policy } from "./policy.ts";
import { RequestHash } from "./request-hash.ts";
import { buildRing, type Ring } from "./ring.ts";
import { sortedByKey } from "./sliced-sort.ts";

/** A42 and Envoy: "min_ring_size ... Optional, defaults to 1024." */
export const RING_SIZE_MIN_DEFAULT = 1024;
/** A42 and Envoy: "max_ring_size ... Optional, defaults to 8M", which is also the most. */
export const RING_SIZE_LIMIT = 8 * 1024 * 1024;
/** What gRPC caps both at; grpc-go: GRPC_RING_HASH_CAP, C-core: grpc.lb.ring_hash.ring_size_cap. */
export const RING_SIZE_CAP_DEFAULT = 4096;

/** See the head of this file. */
const WALK_POINTS_MAX = 64;
const READY_SEARCH_MAX = 256;

/** The parameters, checked and capped. */
export interface RingHashConfig {
  /** From 1 to `maxRingSize`. */
  readonly minRingSize: number;
  readonly maxRingSize: number;
  /** In lower case; null: every call goes by chance. */
  readonly requestHashHeader: string | null;
}

class RingHashPicker<T extends PickTarget> implements Picker<T> {
  /** In the order of their keys: the ring's owners. */
  readonly #targets: readonly T[];
  readonly #ring: Ring | null;
  readonly #hash: RequestHash;
  /** See `Picker`. */
  passedOver: T | null = null;

  /** @param ring null when there are no targets. */
  constructor(targets: readonly T[], ring: Ring | null, header: string | null, rng: Rng) {
    this.#targets = targets;
    this.#ring = ring;
    this.#hash = new RequestHash(header, rng);
  }

  pick(exclude: T | null, request: PickRequest | null): T | null {
    const ring = this.#ring;
    this.passedOver = null;
    if (ring === null) return null;
    const isHashed = this.#hash.of(request);
    const point = ring.find(this.#hash.hi, this.#hash.lo);
    const target = this.#targets[ring.ownerOf(point)];
    if (target !== exclude && target.connectivity === "READY") return target;
    return isHashed ? this.#next(ring, point, exclude) : this.#nextReady(ring, point, exclude);
  }

  /**
   * A61: "ignore all TF subchannels and find the first ring entry in READY, CONNECTING, or IDLE";
   * the last two are connected, and the call waits. All failed: the one that the hash belongs to.
   */
  #next(ring: Ring, point: number, exclude: T | null): T {
    const targets = this.#targets;
    const first = ring.ownerOf(point);
    for (let walked = 0; walked < WALK_POINTS_MAX; walked += 1) {
      const target = targets[ring.ownerOf((point + walked) % ring.size)];
      if (target !== exclude && target.connectivity !== "TRANSIENT_FAILURE") return target;
    }
    return this.#scan(first, exclude) ?? targets[first];
  }

  /**
   * A76: "If the picker has generated a random hash, it will walk the ring from this hash, and pick
   * the first READY endpoint." One that is IDLE on the way is connected beside, as A76 has it, or
   * all calls would stay with the first that was connected. While none is READY, the call waits
   * for one that is CONNECTING already: A76 begins a connection only when there is no such.
   */
  #nextReady(ring: Ring, point: number, exclude: T | null): T {
    const targets = this.#targets;
    let waiting: T | null = null;
    let connecting: T | null = null;
    for (let walked = 0; walked < WALK_POINTS_MAX; walked += 1) {
      const target = targets[ring.ownerOf((point + walked) % ring.size)];
      if (target === exclude) continue;
      const { connectivity } = target;
      if (connectivity === "READY") {
        if (waiting?.connectivity === "IDLE") this.passedOver = waiting;
        return target;
      }
      if (connectivity === "CONNECTING") connecting ??= target;
      if (waiting === null && connectivity !== "TRANSIENT_FAILURE") waiting = target;
    }
    const first = ring.ownerOf(point);
    for (let i = 0; i < Math.min(targets.length, READY_SEARCH_MAX); i += 1) {
      const target = targets[(first + i) % targets.length];
      if (target === exclude) continue;
      if (target.connectivity === "READY") return target;
      if (target.connectivity === "CONNECTING") connecting ??= target;
    }
    return connecting ?? waiting ?? this.#scan(first, exclude) ?? targets[first];
  }

  /** The first endpoint from `first` on that has not failed; the excluded one only at last. */
  #scan(first: number, exclude: T | null): T | null {
    const targets = this.#targets;
    let isExcludedUsable = false;
    for (let i = 0; i < targets.length; i += 1) {
      const target = targets[(first + i) % targets.length];
      if (target.connectivity === "TRANSIENT_FAILURE") continue;
      if (target !== exclude) return target;
      isExcludedUsable = true;
    }
    return isExcludedUsable ? exclude : null;
  }
}

/** See the head of this file. */
export class RingHashPolicy implements Policy {
  readonly name = "ring_hash";
  /** "the `ring_hash` policy will not proactively connect to them" (A42). */
  readonly connects = "picked";
  readonly shuffleAddressList = false;
  readonly config: RingHashConfig;

  constructor(config: RingHashConfig) {
    const { minRingSize, maxRingSize } = config;
    assert(minRingSize >= 1 && minRingSize <= maxRingSize, "the parser saw to the sizes");
    this.config = config;
  }

  /** See `Policy`. */
  newPicker<T extends PickTarget>(targets: readonly T[], rng: Rng): Picker<T> {
    return buildAtOnce(this.#build(targets, rng));
  }

  /** See `Policy`. */
  beginPicker<T extends PickTarget>(targets: readonly T[], rng: Rng): PickerBuild<T> {
    return new SlicedBuild(this.#build(targets, rng));
  }

  *#build<T extends PickTarget>(targets: readonly T[], rng: Rng): Generator<undefined, Picker<T>> {
    const { minRingSize, maxRingSize, requestHashHeader } = this.config;
    const members = yield* sortedByKey(targets);
    const ring = members.length === 0 ? null : yield* buildRing(members, minRingSize, maxRingSize);
    return new RingHashPicker(members, ring, requestHashHeader, rng);
  }
}
