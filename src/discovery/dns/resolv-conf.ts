/**
 * The file /etc/resolv.conf, read as resolv.conf(5) of glibc says: whom to ask, and the names that
 * a short name may stand for.
 *
 * Text in, values out. Not here: reading the file (`machine.ts`), and `sortlist` and the options
 * that concern the form of a query.
 */
import { isIP } from "node:net";
import type { DnsServers } from "./client.ts";

/** What a resolv.conf says. */
export interface ResolvConf extends DnsServers {
  /** Domains without their dots at the ends; "" is the root. */
  readonly search: readonly string[];
  /** A name with at least so many dots is asked as it is before the search list. */
  readonly ndots: number;
  /** Each lookup begins with another server. */
  readonly rotate: boolean;
}

/** As glibc: MAXNS, RES_MAXNDOTS, RES_MAXRETRANS and RES_MAXRETRY. */
const SERVERS_MAX = 3;
const NDOTS_MAX = 15;
const TIMEOUT_SECONDS_MAX = 30;
const ATTEMPTS_MAX = 5;

/** Without a resolv.conf, or what it does not say. */
export const RESOLV_CONF_DEFAULT: ResolvConf = {
  addresses: [],
  search: [],
  ndots: 1,
  timeoutMs: 5000,
  attempts: 2,
  rotate: false,
};

/** The longest name in text form (RFC 1035 §2.3.4, without the last dot). */
const NAME_LENGTH_MAX = 253;

/**
 * Never fails: a line that makes no sense is passed over, as by the C library.
 *
 * @param hostname its part after the first dot is the search list of a file that has none.
 */
export function parseResolvConf(text: string, hostname: string): ResolvConf {
  const addresses: string[] = [];
  let search = hostname.includes(".") ? [hostname.slice(hostname.indexOf(".") + 1)] : [];
  let options: Pick<ResolvConf, "ndots" | "timeoutMs" | "attempts" | "rotate"> =
    RESOLV_CONF_DEFAULT;
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === "nameserver" && isIP(values[0] ?? "") !== 0) addresses.push(values[0]);
    // The last of these lines counts.
    if (keyword === "search" && values.length > 0) search = values;
    if (keyword === "domain" && values.length > 0) search = values.slice(0, 1);
    if (keyword === "options") options = values.reduce(withOption, options);
  }
  return {
    ...RESOLV_CONF_DEFAULT,
    ...options,
    addresses: addresses.length === 0 ? ["127.0.0.1"] : addresses.slice(0, SERVERS_MAX),
    search: search.map((domain) => domain.toLowerCase().replace(/^\.+|\.+$/g, "")),
  };
}

function withOption<T extends Pick<ResolvConf, "ndots" | "timeoutMs" | "attempts" | "rotate">>(
  options: T,
  text: string,
): T {
  if (text === "rotate") return { ...options, rotate: true };
  const match = /^(ndots|timeout|attempts):(\d{1,9})$/.exec(text);
  if (match === null) return options;
  const value = Number(match[2]);
  if (match[1] === "ndots") return { ...options, ndots: Math.min(value, NDOTS_MAX) };
  if (value === 0) return options;
  return match[1] === "timeout"
    ? { ...options, timeoutMs: Math.min(value, TIMEOUT_SECONDS_MAX) * 1000 }
    : { ...options, attempts: Math.min(value, ATTEMPTS_MAX) };
}

/**
 * The full names that `host` may stand for, in the order in which they are asked, without their
 * last dots. A host that ends in a dot is one itself.
 */
export function candidatesOf(host: string, conf: ResolvConf): readonly string[] {
  if (host.endsWith(".")) return [host.slice(0, -1)];
  const found = conf.search.map((domain) => (domain === "" ? host : `${host}.${domain}`));
  const dots = host.split(".").length - 1;
  const all = dots >= conf.ndots ? [host, ...found] : [...found, host];
  return [...new Set(all)].filter((name) => name.length <= NAME_LENGTH_MAX);
}
