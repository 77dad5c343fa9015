/**
 * DNS as the machine does it: the only file of the folder that reaches the network and the disk.
 *
 * Queries go through Node's resolver (c-ares), which tells TTLs, asks again over TCP when an answer
 * was truncated, and takes the next server when one fails; it knows neither search lists nor the
 * hosts file, which `search.ts` and `hosts-file.ts` do. It caches nothing.
 */
import { createSocket } from "node:dgram";
import { lookup, Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { hostname } from "node:os";
import type { DnsAnswer, DnsFamily, DnsServers, DnsSystem, SrvRecord } from "./client.ts";
import { RESOLV_CONF_PATH } from "./machine.ts";

/** Node's resolvers are kept, because they remember which servers fail; no more than so many. */
const RESOLVERS_MAX = 64;
/** Discard (RFC 863). No datagram is ever sent to it. */
const PORT_OF_NOTHING = 9;

/**
 * The machine's own resolver. Made at the entry points and passed in from there.
 *
 * @param platform as `process.platform`.
 */
export function systemDns(platform: NodeJS.Platform = process.platform): DnsSystem {
  return new MachineDns(platform !== "darwin");
}

class MachineDns implements DnsSystem {
  readonly #hasResolvConf: boolean;
  readonly #resolvers = new Map<string, Resolver>();

  /** @param hasResolvConf whether resolv.conf is what programs of this platform go by. */
  constructor(hasResolvConf: boolean) {
    this.#hasResolvConf = hasResolvConf;
  }

  async queryAddresses(name: string, family: DnsFamily, servers: DnsServers): Promise<DnsAnswer> {
    const resolver = this.#resolverFor(servers);
    const options = { ttl: true } as const;
    const records =
      family === 4
        ? await resolver.resolve4(name, options)
        : await resolver.resolve6(name, options);
    const ttlSeconds = records.reduce((least, { ttl }) => Math.min(least, ttl), Infinity);
    return {
      addresses: records.map(({ address }) => address),
      ttlMs: Number.isFinite(ttlSeconds) ? ttlSeconds * 1000 : null,
    };
  }

  async querySrv(name: string, servers: DnsServers): Promise<readonly SrvRecord[]> {
    const records = await this.#resolverFor(servers).resolveSrv(name);
    return records.map(({ name: target, port, priority, weight }) => ({
      target: target.toLowerCase().replace(/\.$/, ""),
      port,
      priority,
      weight,
    }));
  }

  queryTxt(name: string, servers: DnsServers): Promise<readonly (readonly string[])[]> {
    return this.#resolverFor(servers).resolveTxt(name);
  }

  async lookupAddresses(host: string, family: DnsFamily): Promise<DnsAnswer> {
    const found = await lookup(host, { all: true, family });
    return { addresses: found.map(({ address }) => address), ttlMs: null };
  }

  async readText(path: string): Promise<string | null> {
    // The one of macOS lacks the servers of VPNs, and says itself that it is not used.
    if (path === RESOLV_CONF_PATH && !this.#hasResolvConf) return null;
    try {
      return await readFile(path, "utf8");
    } catch {
      return null;
    }
  }

  /** Connecting a UDP socket makes the kernel look for a route, and sends nothing. */
  hasRoute(ip: string): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = createSocket(isIPv6(ip) ? "udp6" : "udp4");
      const end = (isFound: boolean) => {
        socket.close();
        resolve(isFound);
      };
      socket.once("connect", () => end(true));
      socket.once("error", () => end(false));
      socket.connect(PORT_OF_NOTHING, ip);
    });
  }

  hostname(): string {
    return hostname();
  }

  #resolverFor({ addresses, timeoutMs, attempts }: DnsServers): Resolver {
    const key = `${addresses.join(",")} ${timeoutMs} ${attempts}`;
    const known = this.#resolvers.get(key);
    if (known !== undefined) return known;
    const resolver = new Resolver({ timeout: timeoutMs, tries: attempts });
    if (addresses.length > 0) resolver.setServers(addresses);
    if (this.#resolvers.size >= RESOLVERS_MAX) this.#resolvers.clear();
    this.#resolvers.set(key, resolver);
    return resolver;
  }
}
