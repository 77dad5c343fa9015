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
  /** By address: few change from one choice to the next. */
  readonly #known = new Map<string, number>();

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
    // Those that left are forgotten when they are the most.
    if (this.#known.size > 2 * addresses.length) this.#known.clear();
    const hashes = new Float64Array(addresses.length);
    for (let i = 0; i < addresses.length; i += 1) hashes[i] = this.#hashOf(addresses[i]);
    // "Sort all entities by hash. Pick first `subset_size` values from the list." (A68)
    const last = hashes.slice().sort()[size - 1];
    const chosen: boolean[] = new Array(addresses.length).fill(false);
    const equal: number[] = [];
    let room = size;
    for (let i = 0; i < hashes.length; i += 1) {
      if (hashes[i] === last) equal.push(i);
      if (hashes[i] >= last) continue;
      chosen[i] = true;
      room -= 1;
    }
    // Nearly always this is one.
    equal.sort((a, b) => (addresses[a] < addresses[b] ? -1 : 1));
    for (const i of equal.slice(0, room)) chosen[i] = true;
    return chosen;
  }

  /** The upper 53 bits: what a number holds exactly. */
  #hashOf(address: string): number {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    this.#hash.text(address, this.#seed);
    const { hi, lo } = this.#hash;
    const hash = (hi >>> 0) * 2 ** 21 + (lo >>> 11);
    this.#known.set(address, hash);
    return hash;
  }
}
