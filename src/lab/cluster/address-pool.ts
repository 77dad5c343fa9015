/**
 * The addresses of Services that name none: 10.96.0.1 to 10.96.255.254 in turn, and their IPv6
 * companions, without those in use. Nothing listens there; they are names in objects.
 */
import { asJson } from "../../base/index.ts";
import type { Store } from "./store.ts";

/** Hands out addresses. */
export class AddressPool {
  readonly #store: Store;
  #last = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** An address that no Service has. */
  readonly allocate = (family: "IPv4" | "IPv6"): string => {
    const taken = new Set<unknown>();
    for (const { spec } of this.#store.all("Service")) {
      for (const ip of (asJson(spec).clusterIPs ?? []) as readonly unknown[]) taken.add(ip);
    }
    for (;;) {
      this.#last = (this.#last % 65_000) + 1;
      const [high, low] = [Math.floor(this.#last / 254), (this.#last % 254) + 1];
      const address =
        family === "IPv4" ? `10.96.${high}.${low}` : `fd00:10:96::${this.#last.toString(16)}`;
      if (!taken.has(address)) return address;
    }
  };
}
