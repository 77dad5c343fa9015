/**
 * `maglev`: calls with the same value in a request header go to the same endpoint, by a lookup
 * table; faster than a ring and more even, and a few more calls move as endpoints come and go.
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/load_balancers#maglev
 *
 * All endpoints are connected, and the table is of those that are ready, as in Envoy. gRPC has no
 * such policy; the request header is named as for `ring_hash` (A76).
 */
import type { Rng } from "../base/index.ts";
import { buildTable, HashModulo } from "./maglev-table.ts";
import { buildAtOnce, SlicedBuild } from "./picker-build.ts";
import type { Picker, PickerBuild, PickRequest, PickTarget, Policy } from "./policy.ts";
import { RequestHash } from "./request-hash.ts";
import { sortedByKey } from "./sliced-sort.ts";

/** Envoy: "the default is 65537". */
export const TABLE_SIZE_DEFAULT = 65_537;
/** Envoy: "must be prime number limited to 5000011". */
export const TABLE_SIZE_MAX = 5_000_011;

/** Slots that are tried in place of one of an excluded endpoint, before its neighbour is taken. */
const WALK_SLOTS_MAX = 16;

/** The parameters, checked. */
export interface MaglevConfig {
  /** A prime. */
  readonly tableSize: number;
  /** In lower case; null: every call goes by chance. */
  readonly requestHashHeader: string | null;
}

class MaglevPicker<T extends PickTarget> implements Picker<T> {
  /** In the order of their keys: the owners of slots. */
  readonly #targets: readonly T[];
  readonly #table: Int32Array;
  readonly #slot: HashModulo;
  readonly #hash: RequestHash;

  constructor(targets: readonly T[], table: Int32Array, header: string | null, rng: Rng) {
    this.#targets = targets;
    this.#table = table;
    this.#slot = new HashModulo(table.length);
    this.#hash = new RequestHash(header, rng);
  }

  pick(exclude: T | null, request: PickRequest | null): T | null {
    const table = this.#table;
    if (table.length === 0) return null;
    this.#hash.of(request);
    const slot = this.#slot.of(this.#hash.hi, this.#hash.lo);
    const target = this.#targets[table[slot]];
    return target === exclude ? this.#other(slot, exclude) : target;
  }

  /** Another one for the slot of `exclude`, the same each time. */
  #other(slot: number, exclude: T): T {
    const [table, targets] = [this.#table, this.#targets];
    for (let walked = 1; walked <= WALK_SLOTS_MAX; walked += 1) {
      const target = targets[table[(slot + walked) % table.length]];
      if (target !== exclude) return target;
    }
    return targets[(table[slot] + 1) % targets.length];
  }
}

/** See the head of this file. */
export class MaglevPolicy implements Policy {
  readonly name = "maglev";
  readonly connects = "all";
  readonly shuffleAddressList = false;
  readonly config: MaglevConfig;

  constructor(config: MaglevConfig) {
    this.config = config;
  }

  /** See `Policy`. */
  newPicker<T extends PickTarget>(ready: readonly T[], rng: Rng): Picker<T> {
    return buildAtOnce(this.#build(ready, rng));
  }

  /** See `Policy`. */
  beginPicker<T extends PickTarget>(ready: readonly T[], rng: Rng): PickerBuild<T> {
    return new SlicedBuild(this.#build(ready, rng));
  }

  *#build<T extends PickTarget>(ready: readonly T[], rng: Rng): Generator<undefined, Picker<T>> {
    const { tableSize, requestHashHeader } = this.config;
    const members = yield* sortedByKey(ready);
    const table = members.length === 0 ? new Int32Array(0) : yield* buildTable(members, tableSize);
    return new MaglevPicker(members, table, requestHashHeader, rng);
  }
}
