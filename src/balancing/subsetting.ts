/**
 * `random_subsetting`: of many endpoints a process connects to a few, chosen by rendezvous hashing.
 * gRFC A68.
 *
 * "if a single server is either added or removed to the IP address list, every client will update
 * at most 1 entry in its subset": each address has a hash of its own, which no other can change.
 * The hash is XXH64 with a seed, as grpc-go has it (the draft names MurmurHash3 with a salt). How
 * even the whole is, is left to chance: 10,000 clients that take 20 of 1,000 make 200 connections
 * an endpoint, give or take 14, and the most of them has about 1.25 times the mean.
 */
import { countAt, type Fields } from "../grpc/index.ts";
import { Xxh64 } from "./xxh64.ts";

/** The config of the policy. */
export interface SubsettingConfig {
  /** Endpoints that are used; 1 or more. */
  readonly subsetSize: number;
}

/** "Default is 20." (A68) */
const SUBSET_SIZE_DEFAULT = 20;
const UINT32_MAX = 2 ** 32 - 1;

/**
 * @param path of the object, for errors.
 * @throws ServiceConfigError
 */
export function parseSubsetting(fields: Fields, path: string): SubsettingConfig {
  const subsetSize = countAt(fields.subsetSize, `${path}.subsetSize`, 1, UINT32_MAX);
  return { subsetSize: subsetSize ?? SUBSET_SIZE_DEFAULT };
}

/** Chooses for one process. */
export class Subsetting {
  readonly #seed: number;
  readonly #hash = new Xxh64();
  /** Of the addresses of the last choice: few change from one to the next. */
  #known = new Map<string, number>();

  /** @param seed 32 bits by chance, the same for as long as the process lives. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /**
   * Which of these distinct addresses are in the subset, each by its place in the list. All of
   * them when there are no more than `size`. O(n log n), and a hash for each new address.
   */
  choose(addresses: readonly string[], size: number): boolean[] {
    // "If the number of addresses is less than `subset_size` always use all available addresses."
    if (addresses.length <= size) return addresses.map(() => true);
    const known = new Map<string, number>();
    const hashes = new Float64Array(addresses.length);
    for (let i = 0; i < addresses.length; i += 1) {
      const address = addresses[i];
      const hash = this.#known.get(address) ?? this.#hashOf(address);
      known.set(address, hash);
      hashes[i] = hash;
    }
    this.#known = known;
    // "Sort all entities by hash. Pick first `subset_size` values from the list." (A68)
    const last = hashes.slice().sort()[size - 1];
    const chosen = addresses.map((_, i) => hashes[i] < last);
    this.#fill(chosen, addresses, hashes, last, size);
    return chosen;
  }

  /** Of those whose hash is just the last one, nearly always one, as many as there is room for. */
  #fill(
    chosen: boolean[],
    addresses: readonly string[],
    hashes: Float64Array,
    last: number,
    size: number,
  ): void {
    const room = size - chosen.filter(Boolean).length;
    const equal = [...addresses.keys()].filter((i) => hashes[i] === last);
    equal.sort((a, b) => (addresses[a] < addresses[b] ? -1 : 1));
    for (const i of equal.slice(0, room)) chosen[i] = true;
  }

  /** The upper 53 bits: what a number holds exactly. */
  #hashOf(address: string): number {
    const hash = this.#hash;
    hash.text(address, this.#seed);
    return (hash.hi >>> 0) * 2 ** 21 + (hash.lo >>> 11);
  }
}
