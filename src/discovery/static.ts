/** The resolver of targets that list their addresses: it yields one set, once. */
import { assert } from "../base/index.ts";
import { newEndpoint, newEndpointSet } from "./endpoint.ts";
import type { Resolver, ResolverListener } from "./resolver.ts";
import type { StaticTarget } from "./target.ts";

/** See the head of this file. */
export class StaticResolver implements Resolver {
  readonly target: string;
  readonly #addresses: readonly string[];
  #isStarted = false;

  /** @param target as `parseTarget` made it. */
  constructor(target: StaticTarget) {
    this.target = target.target;
    this.#addresses = target.addresses;
  }

  /** Hands the set over before it returns. */
  start(listener: ResolverListener): void {
    assert(!this.#isStarted, "a resolver is started once");
    this.#isStarted = true;
    listener.onEndpoints(
      newEndpointSet(this.#addresses.map((address) => newEndpoint(address, "static"))),
    );
  }

  /** Nothing to ask. */
  resolveNow(): void {}

  /** Nothing to stop. */
  close(): void {}
}
