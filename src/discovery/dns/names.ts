/**
 * The names that a process looks up, each once: who asks for the same name of the same server
 * shares its lookups, its answers and its timer.
 *
 * One of these is made per process and handed to every resolver, so that a thousand channels to
 * one Service are one client of the DNS server.
 */
import type { Clock, Rng } from "../../base/index.ts";
import type { DnsSystem } from "./client.ts";
import { ConfigLookup } from "./config-lookup.ts";
import { prefersIPv6 } from "./family.ts";
import type { Lookup } from "./found.ts";
import { HostLookup, type LookupDeps } from "./host-lookup.ts";
import { Machine } from "./machine.ts";
import { ServiceLookup } from "./service-lookup.ts";
import { type NameListener, NameWatch } from "./watch.ts";

/** What is looked up. */
export interface NameQuestion {
  /** In lower case; a dot at its end marks a full name. */
  readonly host: string;
  /** The name of a port, for SRV records; null for the addresses of the host. */
  readonly portName: string | null;
  /** "ip:port" of the server to ask; null for the machine's own. */
  readonly server: string | null;
  /** A fixed time between lookups; null to follow the TTL. */
  readonly pollMs: number | null;
  /** The service config of a full name instead of its addresses. */
  readonly isConfig?: boolean;
}

/** One listener's share in a watch. */
export interface NameSubscription {
  /** A hint that the answer may be out of date. At most one lookup a second comes of it. */
  refresh(): void;
  /** No call of the listener after this. Harmless when repeated. */
  close(): void;
}

/** What `DnsNames` needs. */
export interface DnsNamesDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly system: DnsSystem;
}

/** See the head of this file. */
export class DnsNames {
  readonly #deps: DnsNamesDeps;
  readonly #lookupDeps: LookupDeps;
  readonly #watches = new Map<string, NameWatch>();
  /** Of this process, for service configs: see `ConfigClient`. Null until one is looked up. */
  #percentile: number | null = null;

  constructor(deps: DnsNamesDeps) {
    this.#deps = deps;
    this.#lookupDeps = { system: deps.system, machine: new Machine(deps.system, deps.clock) };
  }

  /** How many names are being looked up. */
  get size(): number {
    return this.#watches.size;
  }

  /** Listens to a name. The listener may be called from within, when the name is known already. */
  watch(question: NameQuestion, listener: NameListener): NameSubscription {
    const { host, portName, server, pollMs, isConfig = false } = question;
    const key = JSON.stringify([host, portName, server, pollMs, isConfig]);
    const watch = this.#watches.get(key) ?? this.#newWatch(question);
    this.#watches.set(key, watch);
    const own: NameListener = (state) => listener(state); // one function may listen twice
    watch.add(own);
    return {
      refresh: () => watch.refresh(),
      close: () => {
        watch.remove(own);
        if (watch.listenerCount > 0 || this.#watches.get(key) !== watch) return;
        this.#watches.delete(key);
        watch.close();
      },
    };
  }

  /**
   * Which address of a server that has one of each family is connected to: the rule of
   * `family.ts`, for those who have them from elsewhere. Never rejects.
   */
  prefersIPv6(ipv4: string, ipv6: string): Promise<boolean> {
    return prefersIPv6(ipv4, ipv6, this.#deps.system);
  }

  #newWatch(question: NameQuestion): NameWatch {
    const { clock, rng } = this.#deps;
    return new NameWatch(this.#newLookup(question), { clock, rng, pollMs: question.pollMs });
  }

  #newLookup({ host, portName, server, isConfig = false }: NameQuestion): Lookup {
    if (isConfig) {
      this.#percentile ??= this.#deps.rng.int(100);
      return new ConfigLookup(host, server, this.#percentile, this.#lookupDeps);
    }
    return portName === null
      ? new HostLookup(host, server, this.#lookupDeps)
      : new ServiceLookup(host, portName, server, this.#lookupDeps);
  }
}
