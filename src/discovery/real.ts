/**
 * DNS as the machine does it: the only file of the room that reaches the network.
 *
 * Without a server in the target this is `getaddrinfo`, so that /etc/hosts, `localhost`, search
 * domains and nsswitch work as everywhere else on the machine; it tells no TTL. With a server
 * (`dns://10.0.0.10/name:port`) that one is asked directly, and its TTLs are known.
 */
import { lookup, Resolver } from "node:dns/promises";
import type { DnsAnswer, DnsFamily, DnsLookup } from "./dns.ts";

/** For a server named in the target: the time for one try, and how many. */
const SERVER_TIMEOUT_MS = 2000;
const SERVER_TRIES = 2;

const SYSTEM_DNS: DnsLookup = {
  lookup: (host, family, server) =>
    server === null ? lookupSystem(host, family) : lookupServer(host, family, server),
};

/** The machine's own resolver. Made at the entry points and passed in from there. */
export function systemDns(): DnsLookup {
  return SYSTEM_DNS;
}

async function lookupSystem(host: string, family: DnsFamily): Promise<DnsAnswer> {
  const found = await lookup(host, { all: true, family });
  return { addresses: found.map(({ address }) => address), ttlMs: null };
}

async function lookupServer(host: string, family: DnsFamily, server: string): Promise<DnsAnswer> {
  const resolver = new Resolver({ timeout: SERVER_TIMEOUT_MS, tries: SERVER_TRIES });
  resolver.setServers([server]);
  const options = { ttl: true } as const;
  const records =
    family === 4 ? await resolver.resolve4(host, options) : await resolver.resolve6(host, options);
  const ttlSeconds = Math.min(...records.map(({ ttl }) => ttl));
  return {
    addresses: records.map(({ address }) => address),
    ttlMs: Number.isFinite(ttlSeconds) ? ttlSeconds * 1000 : null,
  };
}
