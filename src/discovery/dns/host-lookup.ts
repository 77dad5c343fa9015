/**
 * The lookup of a host: hosts file, then the names that it may stand for, A and AAAA.
 *
 * A server named in the target is asked for the name as it stands: hosts file and search list
 * belong to the machine's own servers. A machine without resolv.conf is asked by `getaddrinfo`.
 */
import {
  type Addresses,
  askFamilies,
  type Families,
  isUsable,
  KnownAddresses,
  NO_ADDRESSES,
  refusedOf,
} from "./addresses.ts";
import type { DnsServers, DnsSystem } from "./client.ts";
import { chooseFamily } from "./family.ts";
import type { Found, Lookup, LookupResult } from "./found.ts";
import { findInHosts } from "./hosts-file.ts";
import { HOSTS_PATH, type Machine } from "./machine.ts";
import { type Outcome, some } from "./outcome.ts";
import { candidatesOf, RESOLV_CONF_DEFAULT } from "./resolv-conf.ts";
import { SearchWalk } from "./search.ts";

/** What lookups share. */
export interface LookupDeps {
  readonly system: DnsSystem;
  readonly machine: Machine;
}

/** For a server named in the target: the time for one try, and how many. */
const SERVER_TIMEOUT_MS = 2000;
const SERVER_ATTEMPTS = 2;

/** Whom to ask for which names. */
export interface Route {
  readonly servers: DnsServers;
  readonly names: readonly string[];
}

/** The servers and full names for a host; null when the machine has no resolv.conf. */
export async function routeOf(
  host: string,
  server: string | null,
  machine: Machine,
): Promise<Route | null> {
  if (server !== null) {
    const servers = {
      addresses: [server],
      timeoutMs: SERVER_TIMEOUT_MS,
      attempts: SERVER_ATTEMPTS,
    };
    return { servers, names: candidatesOf(host, RESOLV_CONF_DEFAULT) };
  }
  const conf = await machine.resolvConf();
  return conf === null ? null : { servers: conf, names: candidatesOf(host, conf) };
}

/** See the head of this file. */
export class HostLookup implements Lookup {
  readonly name: string;
  readonly #server: string | null;
  readonly #deps: LookupDeps;
  readonly #walk = new SearchWalk();
  /** The name that `#known` is about. */
  #knownName: string | null = null;
  #known = new KnownAddresses();

  /**
   * @param host in lower case; a dot at its end marks a full name.
   * @param server "ip:port" of the server to ask; null for the machine's own.
   */
  constructor(host: string, server: string | null, deps: LookupDeps) {
    this.name = host;
    this.#server = server;
    this.#deps = deps;
  }

  /** See `Lookup`. */
  async run(): Promise<LookupResult> {
    const { machine, system } = this.#deps;
    if (this.#server === null) {
      const entry = findInHosts(await machine.hosts(), this.name);
      if (entry !== null) {
        const usable = { a: entry.a.filter(isUsable), aaaa: entry.aaaa.filter(isUsable) };
        const refused = refusedOf([...entry.a, ...entry.aaaa]);
        return this.#answer({ ...usable, ttlMs: null }, HOSTS_PATH, some(entry), refused);
      }
    }
    const route = await routeOf(this.name, this.#server, machine);
    if (route === null) {
      const outcome = await askFamilies((family) => system.lookupAddresses(this.name, family));
      return this.#take(this.name, outcome);
    }
    const { name, outcome } = await this.#walk.walk(route.names, (each) =>
      askFamilies((family) => system.queryAddresses(each, family, route.servers)),
    );
    return this.#take(name, outcome);
  }

  #take(name: string | null, outcome: Outcome<Families>): Promise<LookupResult> | LookupResult {
    const { says, value, failure } = outcome;
    const unknown = { found: null, failure, partial: null, ttlMs: null };
    if (says === "unknown" && (name === null || name !== this.#knownName)) return unknown;
    if (name !== this.#knownName) this.#known = new KnownAddresses();
    this.#knownName = name;
    if (name === null) return this.#answer(NO_ADDRESSES, "", outcome, null);
    const addresses = this.#known.take(value);
    // One family said that it has nothing, and the other, of which nothing is known, failed.
    const isLeft = addresses.a.length + addresses.aaaa.length > 0;
    if (says === "unknown" && !isLeft) return unknown;
    return this.#answer(addresses, name, outcome, value.refused);
  }

  async #answer(
    all: Addresses,
    of: string,
    { says, failure }: Pick<Outcome<unknown>, "says" | "failure">,
    refused: string | null,
  ): Promise<LookupResult> {
    return {
      found: await foundOf(all, of, this.#deps.system),
      failure: says === "unknown" ? failure : null,
      partial: says === "unknown" ? null : (failure ?? refused),
      ttlMs: failure === null ? all.ttlMs : null,
    };
  }
}

/** The addresses of one name, of one family; `of` says where they are from. */
async function foundOf(all: Addresses, of: string, system: DnsSystem): Promise<Found> {
  const { used, skipped, reason } = await chooseFamily(all.a, all.aaaa, system);
  const address = (ip: string) => {
    const record = ip.includes(":") ? "AAAA" : "A";
    return { ip, port: null, weight: 1, rule: of === HOSTS_PATH ? of : `${record} of ${of}` };
  };
  return {
    used: used.map(address),
    skipped: skipped.map((ip) => ({ ...address(ip), reason })),
    fullName: of === HOSTS_PATH || of === "" ? null : of,
  };
}
