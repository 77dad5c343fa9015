/**
 * The lookup of a service config: TXT records of one full name, gRFC A2.
 *
 * Apart from the addresses, so that a server which is slow with TXT holds nobody up.
 */
import type { DnsServers } from "./client.ts";
import { CONFIG_PREFIX, chooseServiceConfig } from "./config-choice.ts";
import type { Lookup, LookupResult } from "./found.ts";
import { type LookupDeps, routeOf } from "./host-lookup.ts";
import { outcomeOf } from "./outcome.ts";
import { RESOLV_CONF_DEFAULT } from "./resolv-conf.ts";

/** See the head of this file. */
export class ConfigLookup implements Lookup {
  readonly name: string;
  readonly #server: string | null;
  readonly #deps: LookupDeps;
  readonly #percentile: number;

  /**
   * @param fullName whose addresses were found, without a last dot.
   * @param percentile of this client: see `ConfigClient`.
   */
  constructor(fullName: string, server: string | null, percentile: number, deps: LookupDeps) {
    this.name = `${CONFIG_PREFIX}${fullName}`;
    this.#server = server;
    this.#percentile = percentile;
    this.#deps = deps;
  }

  /** See `Lookup`. */
  async run(): Promise<LookupResult> {
    const { machine, system } = this.#deps;
    const route = await routeOf(`${this.name}.`, this.#server, machine);
    const servers: DnsServers = route?.servers ?? RESOLV_CONF_DEFAULT;
    const { says, value, failure } = await outcomeOf(system.queryTxt(this.name, servers), []);
    if (says === "unknown") return { found: null, failure, partial: null, ttlMs: null };
    const client = { percentile: this.#percentile, hostname: system.hostname() };
    const config = chooseServiceConfig(value, this.name, client);
    const found = { used: [], skipped: [], fullName: this.name, config };
    return { found, failure: null, partial: null, ttlMs: null };
  }
}
