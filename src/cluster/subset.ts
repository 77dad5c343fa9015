/**
 * The part of an endpoint set that this process uses, by `random_subsetting`. gRFC A68.
 *
 * Those outside are never connected; they are shown with this reason, like those that a rule of
 * discovery leaves out. Each worker of a proxy has a subset of its own, as each client has.
 */

import { Subsetting, type SubsettingConfig } from "../balancing/index.ts";
import type { Rng } from "../base/index.ts";
import type { EndpointSet, SkippedEndpoint } from "../discovery/index.ts";

/** Why an endpoint is not used, for people. */
export const OUTSIDE_SUBSET = "outside the subset";

/** See the head of this file. */
export class Subset {
  readonly #rng: Rng;
  #chooser: Subsetting | null = null;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** What of the set is used. The set itself when that is all of it. */
  of(set: EndpointSet, config: SubsettingConfig | null): EndpointSet {
    const { endpoints } = set;
    if (config === null || endpoints.length <= config.subsetSize) return set;
    // "When the lb policy is initialized it also creates a random [...] `salt`" (A68): once.
    this.#chooser ??= new Subsetting(this.#rng.int(2 ** 32));
    // "hash the first address of the endpoint", as grpc-go has it for those with several
    const addresses = endpoints.map(({ address }) => address);
    const isChosen = this.#chooser.choose(addresses, config.subsetSize);
    const outside = endpoints
      .filter((_, i) => !isChosen[i])
      .map((endpoint): SkippedEndpoint => ({ endpoint, reason: OUTSIDE_SUBSET }));
    return {
      ...set,
      endpoints: endpoints.filter((_, i) => isChosen[i]),
      skipped: [...(set.skipped ?? []), ...outside],
    };
  }
}
