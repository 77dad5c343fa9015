/**
 * The answer to a question about the cluster, as CoreDNS with its `kubernetes` plugin gives it.
 *
 * Pure. What it keeps to, as clients see it: a headless Service without a
 * ready endpoint does not exist (NXDOMAIN); a name that exists and has no records of the type is
 * NOERROR with a SOA; all TTLs are 5 s; SRV targets come with their addresses. What lies outside
 * the domain does not exist either, because the lab has no upstream to ask.
 */
import { isIPv4, isIPv6 } from "node:net";
import type { Answer, Question } from "dns-packet";
import { type Item, itemsOf } from "./items.ts";
import { parseClusterName } from "./question.ts";
import type { DnsZone } from "./zone.ts";

/** RFC 1035 §4.1.1. */
export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };

/** The TTL of all records, as CoreDNS sets it by default. */
const TTL_SECONDS = 5;

/** Which questions get the alias of an ExternalName. */
const TYPES_OF_ALIAS = new Set(["A", "AAAA", "CNAME"]);

/** The sections of an answer. */
export interface ZoneAnswer {
  readonly rcode: number;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  readonly additionals: readonly Answer[];
}

/** Answers one question. */
export function answerOf(question: Question, zone: DnsZone): ZoneAnswer {
  const { type, name: asked } = question;
  const name = parseClusterName(asked.toLowerCase().replace(/\.$/, ""), zone.domain);
  if (name === "outside") return without(RCODE.NXDOMAIN, "");
  if (name === null) return without(RCODE.NXDOMAIN, zone.domain);
  if (name.kind === "above") {
    const isThere = name.namespace === null || zone.hasNamespace(name.namespace);
    return without(isThere ? RCODE.NOERROR : RCODE.NXDOMAIN, zone.domain);
  }
  const items = itemsOf(name, zone);
  if ("externalName" in items) {
    if (!TYPES_OF_ALIAS.has(type)) return without(RCODE.NOERROR, zone.domain);
    const alias: Answer = {
      name: asked,
      type: "CNAME",
      ttl: TTL_SECONDS,
      data: items.externalName,
    };
    return { rcode: RCODE.NOERROR, answers: [alias], authorities: [], additionals: [] };
  }
  if (items.length === 0) return without(RCODE.NXDOMAIN, zone.domain);
  const answers = type === "SRV" ? srvRecords(asked, items) : addressRecords(asked, type, items);
  if (answers.length === 0) return without(RCODE.NOERROR, zone.domain);
  const additionals =
    type === "SRV"
      ? unique(items, ({ host, ip }) => `${host} ${ip}`).map(({ host, ip }) => address(host, ip))
      : [];
  return { rcode: RCODE.NOERROR, answers, authorities: [], additionals };
}

function addressRecords(name: string, type: string, items: readonly Item[]): readonly Answer[] {
  const isAsked = type === "A" ? isIPv4 : type === "AAAA" ? isIPv6 : () => false;
  return unique(items, ({ ip }) => ip)
    .filter(({ ip }) => isAsked(ip))
    .map(({ ip }) => address(name, ip));
}

/** Priority 0, and 100 divided among all, at least 1: as CoreDNS does. */
function srvRecords(name: string, items: readonly Item[]): readonly Answer[] {
  const all = unique(items, ({ host, port }) => `${host} ${port}`).filter(
    (item): item is Item & { port: number } => item.port !== null,
  );
  const weight = Math.max(1, Math.floor(100 / all.length));
  return all.map(({ host, port }) => ({
    name,
    type: "SRV",
    ttl: TTL_SECONDS,
    data: { priority: 0, weight, port, target: host },
  }));
}

function address(name: string, ip: string): Answer {
  return { name, type: isIPv4(ip) ? "A" : "AAAA", ttl: TTL_SECONDS, data: ip };
}

/** No records: with the SOA that says how long this holds (RFC 2308). "" is the root. */
function without(rcode: number, domain: string): ZoneAnswer {
  const below = domain === "" ? "" : `.${domain}`;
  const soa: Answer = {
    name: domain === "" ? "." : domain,
    type: "SOA",
    ttl: TTL_SECONDS,
    data: {
      mname: `ns.dns${below}`,
      rname: `hostmaster${below}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: TTL_SECONDS,
    },
  };
  return { rcode, answers: [], authorities: [soa], additionals: [] };
}

function unique<T>(all: readonly T[], keyOf: (each: T) => string): readonly T[] {
  return [...new Map(all.map((each) => [keyOf(each), each])).values()];
}
