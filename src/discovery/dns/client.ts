/**
 * What the lookups need from outside: queries, the machine's own way, its files and routes.
 *
 * Types only: `system.ts` has the real ones, tests bring their own.
 */

/** A records or AAAA records. */
export type DnsFamily = 4 | 6;

/** The records of one family. */
export interface DnsAnswer {
  /** IP addresses in text form, IPv6 without brackets. */
  readonly addresses: readonly string[];
  /** How long the answer is good for, or null when that is not known. */
  readonly ttlMs: number | null;
}

/** One SRV record (RFC 2782). Its TTL is not here: Node does not tell it. */
export interface SrvRecord {
  /** A full name without its last dot; "" when the service is decidedly not offered. */
  readonly target: string;
  readonly port: number;
  /** Lower is better. */
  readonly priority: number;
  readonly weight: number;
}

/** Whom to ask, and how long. */
export interface DnsServers {
  /** "ip" or "ip:port", in order; empty for those that the machine has. */
  readonly addresses: readonly string[];
  /** For one try. */
  readonly timeoutMs: number;
  /** How often each server is tried. */
  readonly attempts: number;
}

/**
 * The machine as far as names concern it.
 *
 * What asks rejects with an error whose `code` is ENOTFOUND or ENODATA when there is nothing; with
 * any other error when the answer is not known. The rest never rejects.
 */
export interface DnsSystem {
  /** Asks DNS for the addresses of a full name: no search list, no hosts file. */
  queryAddresses(name: string, family: DnsFamily, servers: DnsServers): Promise<DnsAnswer>;
  /** Asks DNS for the SRV records of a full name. */
  querySrv(name: string, servers: DnsServers): Promise<readonly SrvRecord[]>;
  /** Asks DNS for the TXT records of a full name: each in the pieces in which it was sent. */
  queryTxt(name: string, servers: DnsServers): Promise<readonly (readonly string[])[]>;
  /** `getaddrinfo`: for machines whose way to names is no resolv.conf. It tells no TTL. */
  lookupAddresses(host: string, family: DnsFamily): Promise<DnsAnswer>;
  /** The text of a file; null when it does not exist or may not be read. */
  readText(path: string): Promise<string | null>;
  /** Whether the kernel knows a way to an IP address. Nothing is sent. */
  hasRoute(ip: string): Promise<boolean>;
  /** The machine's name. */
  hostname(): string;
}
