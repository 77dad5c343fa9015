/**
 * The lookup of a named port: SRV records of `_port._tcp.host`, then the addresses of their
 * targets. RFC 2782.
 *
 * The targets of the best priority that has an address are used; the others are for the time when
 * it has none. Node does not tell the TTL of SRV records: the addresses' TTL stands for it, which
 * in Kubernetes is the same.
 */
import type { DnsServers, SrvRecord } from "./client.ts";
import { chooseFamily } from "./family.ts";
import {
  type Found,
  type FoundAddress,
  type Lookup,
  type LookupResult,
  type SkippedAddress,
  shorter,
} from "./found.ts";
import { type LookupDeps, routeOf } from "./host-lookup.ts";
import { outcomeOf } from "./outcome.ts";
import { RESOLV_CONF_DEFAULT } from "./resolv-conf.ts";
import { SearchWalk } from "./search.ts";
import { byPriority, offeredRecords, sharesOf } from "./srv.ts";
import { type ResolvedRecord, Targets } from "./targets.ts";

const NOTHING: Found = { used: [], skipped: [], fullName: null };

/** See the head of this file. */
export class ServiceLookup implements Lookup {
  readonly name: string;
  readonly #host: string;
  readonly #prefix: string;
  readonly #server: string | null;
  readonly #deps: LookupDeps;
  readonly #walk = new SearchWalk();
  readonly #targets: Targets;

  /**
   * @param port the name of the port, in lower case.
   * @param server "ip:port" of the server to ask; null for the machine's own.
   */
  constructor(host: string, port: string, server: string | null, deps: LookupDeps) {
    this.#prefix = `_${port}._tcp.`;
    this.name = `${this.#prefix}${host}`;
    this.#host = host;
    this.#server = server;
    this.#deps = deps;
    this.#targets = new Targets(deps.system);
  }

  /** See `Lookup`. */
  async run(): Promise<LookupResult> {
    const { machine, system } = this.#deps;
    const { servers, names } = (await routeOf(this.#host, this.#server, machine)) ?? {
      servers: RESOLV_CONF_DEFAULT,
      names: [this.#host.replace(/\.$/, "")],
    };
    const { name, outcome } = await this.#walk.walk<readonly SrvRecord[]>(names, (each) =>
      outcomeOf(system.querySrv(`${this.#prefix}${each}`, servers), []),
    );
    if (outcome.says === "unknown") {
      return { found: null, failure: outcome.failure, partial: null, ttlMs: null };
    }
    const records = offeredRecords(outcome.value);
    const isPortless = outcome.value.some(({ port, target }) => port === 0 && target !== "");
    const refused = isPortless ? "an SRV record of port 0 is passed over" : null;
    if (name === null || records.length === 0) {
      return { found: NOTHING, failure: null, partial: refused, ttlMs: null };
    }
    const result = await this.#resolve(records, name, servers);
    return { ...result, partial: result.partial ?? (result.found === null ? null : refused) };
  }

  async #resolve(
    records: readonly SrvRecord[],
    base: string,
    servers: DnsServers,
  ): Promise<LookupResult> {
    const resolved = await this.#targets.resolve(records, base, servers);
    const failure = resolved.find((each) => each.failure !== null)?.failure ?? null;
    const partial = failure ?? resolved.find((each) => each.refused !== null)?.refused ?? null;
    const groups = byPriority(resolved);
    // A better group of which nothing is known might have addresses: then nothing is decided.
    const at = groups.findIndex((group) =>
      group.some((each) => hasAddress(each) || each.isUnknown),
    );
    const isAnswered = resolved.some((each) => each.isAnswered);
    if (at >= 0 && (!isAnswered || !groups[at].some(hasAddress))) {
      return { found: null, failure, partial: null, ttlMs: null };
    }
    if (at < 0) return { found: NOTHING, failure: null, partial, ttlMs: null };
    const rule = `SRV of ${this.#prefix}${base}`;
    const found = { ...(await this.#foundOf(groups, at, rule)), fullName: base };
    const ttlMs = resolved.reduce<number | null>(
      (ttl, { addresses }) => shorter(ttl, addresses.ttlMs),
      null,
    );
    return { found, failure: null, partial, ttlMs: failure === null ? ttlMs : null };
  }

  async #foundOf(
    groups: readonly (readonly ResolvedRecord[])[],
    at: number,
    rule: string,
  ): Promise<Pick<Found, "used" | "skipped">> {
    const used: FoundAddress[] = [];
    const skipped: SkippedAddress[] = [];
    for (const host of hostsOf(addressesOf(groups[at], rule))) {
      const ofFamily = (isV6: boolean) =>
        host.map(({ ip }) => ip).filter((ip) => ip.includes(":") === isV6);
      const chosen = await chooseFamily(ofFamily(false), ofFamily(true), this.#deps.system);
      const isLeftOut = new Set(chosen.skipped);
      for (const { host: _, ...address } of host) {
        if (isLeftOut.has(address.ip)) skipped.push({ ...address, reason: chosen.reason });
        else used.push(address);
      }
    }
    const reason = `SRV: targets of priority ${groups[at][0].record.priority} are used`;
    for (const group of groups.filter((_, i) => i !== at)) {
      for (const { host: _, ...address } of addressesOf(group, rule)) {
        skipped.push({ ...address, reason });
      }
    }
    return { used, skipped };
  }
}

/** An address, and the name of the host that has it: "" for targets named by their address. */
type HostAddress = FoundAddress & { readonly host: string };

function addressesOf(group: readonly ResolvedRecord[], rule: string): readonly HostAddress[] {
  const shares = sharesOf(group);
  return group.flatMap(({ record, addresses, isNamedByAddress }, i) =>
    [...addresses.a, ...addresses.aaaa].map((ip) => ({
      ip,
      port: record.port,
      weight: shares[i],
      rule,
      host: isNamedByAddress ? "" : record.target,
    })),
  );
}

/** One family is chosen for each host; those named by their address count as one with both. */
function hostsOf(all: readonly HostAddress[]): Iterable<readonly HostAddress[]> {
  const hosts = new Map<string, HostAddress[]>();
  for (const address of all) {
    const host = hosts.get(address.host);
    if (host === undefined) hosts.set(address.host, [address]);
    else host.push(address);
  }
  return hosts.values();
}

function hasAddress({ addresses }: ResolvedRecord): boolean {
  return addresses.a.length > 0 || addresses.aaaa.length > 0;
}
