/**
 * The resolver of names: asks DNS for A and AAAA records, again and again.
 *
 * Polling, because DNS has no watch, and because a lost connection is no sign that a pod *came*.
 * What the source said and that it was silent are kept apart: NXDOMAIN and NODATA mean "none"
 * (CoreDNS says so for a headless Service without ready pods), SERVFAIL and time-outs mean
 * nothing, and leave the last good answer in use. That is decided for each family on its own, so
 * that a server which fails on AAAA does not take the A records away.
 */
import { assert, type Clock, type Logger, type Rng, type Timer } from "../base/index.ts";
import { type EndpointSet, newEndpoint, newEndpointSet, sameEndpointSet } from "./endpoint.ts";
import type { Resolver, ResolverListener } from "./resolver.ts";
import { type DnsTarget, formatAddress } from "./target.ts";

/** A records or AAAA records. */
export type DnsFamily = 4 | 6;

/** The records of one family. */
export interface DnsAnswer {
  /** IP addresses in text form, IPv6 without brackets. */
  readonly addresses: readonly string[];
  /** How long the answer is good for, or null when that is not known. */
  readonly ttlMs: number | null;
}

/** Asks DNS. `systemDns()` is the real one. */
export interface DnsLookup {
  /**
   * Looks up the addresses of one family.
   *
   * Rejects with an error whose `code` is ENOTFOUND or ENODATA when there are none; with any other
   * error when the answer is not known.
   *
   * @param server "ip:port" of the server to ask; null for the system's way.
   */
  lookup(host: string, family: DnsFamily, server: string | null): Promise<DnsAnswer>;
}

/** What a `DnsResolver` needs. */
export interface DnsDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly dns: DnsLookup;
  /** A fixed time between lookups; null to follow the TTL. */
  readonly pollMs: number | null;
}

/** Between lookups when no TTL is known: CoreDNS gives records of Services 5 s. */
const POLL_MS_DEFAULT = 5000;
/** No two lookups begin closer together, whatever TTL or `resolveNow` say. */
const LOOKUP_INTERVAL_MS_MIN = 1000;
/** The longest that a TTL makes us wait. */
const POLL_MS_MAX = 30_000;
/** A lookup that takes longer is reported, but still waited for: lookups never overlap. */
const LOOKUP_SLOW_MS = 10_000;
/** Each wait is up to this share shorter or longer, so that many clients do not ask at once. */
const POLL_JITTER = 0.1;

/** What `dns.lookup` and `dns.resolve` say when a name, or a record of the family, is not there. */
const CODES_OF_NONE = new Set(["ENOTFOUND", "ENODATA", "EAI_NODATA", "EAI_ADDRFAMILY"]);

/** The common failures in words; others are told in the words of their error. */
const WORDS_OF_FAILURE: ReadonlyMap<string, string> = new Map([
  ["ESERVFAIL", "SERVFAIL: the DNS server could not answer"],
  ["EREFUSED", "REFUSED: the DNS server does not serve us"],
  ["ETIMEOUT", "time-out: the DNS server does not answer"],
  ["EAI_AGAIN", "EAI_AGAIN: DNS gives no answer at the moment"],
  ["ECONNREFUSED", "connection refused: no DNS server there"],
]);

/** How one family's lookup ended. `failure` is null when the source answered. */
interface Outcome {
  readonly answer: DnsAnswer;
  readonly failure: string | null;
}

const NONE: DnsAnswer = { addresses: [], ttlMs: null };

/** See the head of this file. */
export class DnsResolver implements Resolver {
  readonly target: string;
  readonly #parsed: DnsTarget;
  readonly #deps: DnsDeps;
  #listener: ResolverListener | null = null;
  #isClosed = false;
  #timer: Timer | null = null;
  #isLookingUp = false;
  /** `resolveNow` came while a lookup was under way, whose answer may be older. */
  #isAgainWanted = false;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  /** The last good answers: what stays in use while one of the families fails. */
  #last4 = NONE;
  #last6 = NONE;
  #set: EndpointSet | null = null;
  /** The reason given to `onError` since the last `onEndpoints`, or null. */
  #reported: string | null = null;
  /** Why one of the families failed in the last lookup, while the other did not. */
  #partial: string | null = null;

  /** @param parsed as `parseTarget` made it. */
  constructor(parsed: DnsTarget, deps: DnsDeps) {
    this.target = parsed.target;
    this.#parsed = parsed;
    this.#deps = deps;
  }

  /** Begins the first lookup at once. */
  start(listener: ResolverListener): void {
    assert(this.#listener === null, "a resolver is started once");
    this.#listener = listener;
    if (!this.#isClosed) this.#lookUp();
  }

  /** Looks up now, or a second after the last lookup began. */
  resolveNow(): void {
    if (this.#isClosed || this.#listener === null) return;
    if (this.#isLookingUp) this.#isAgainWanted = true;
    else this.#lookUpIn(0);
  }

  /** See `Resolver`. A lookup under way ends unheard. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #lookUpIn(delayMs: number): void {
    const earliestMs = this.#startedAtMs + LOOKUP_INTERVAL_MS_MIN - this.#deps.clock.nowMs();
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.setTimer(Math.max(delayMs, earliestMs), () => this.#lookUp());
  }

  #lookUp(): void {
    const { clock, dns } = this.#deps;
    const { host, server } = this.#parsed;
    this.#isLookingUp = true;
    this.#isAgainWanted = false;
    this.#startedAtMs = clock.nowMs();
    this.#timer = clock.setTimer(LOOKUP_SLOW_MS, () =>
      this.#report(`lookup of ${host}: no answer within ${LOOKUP_SLOW_MS / 1000} s`),
    );
    const both = [outcomeOf(dns, host, 4, server), outcomeOf(dns, host, 6, server)];
    Promise.all(both).then(([a, aaaa]) => this.#onOutcomes(a, aaaa));
  }

  #onOutcomes(a: Outcome, aaaa: Outcome): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    this.#isLookingUp = false;
    if (a.failure === null) this.#last4 = a.answer;
    if (aaaa.failure === null) this.#last6 = aaaa.answer;
    this.#publish(a.failure, aaaa.failure);
    if (this.#isClosed) return; // by the listener
    this.#lookUpIn(this.#isAgainWanted ? 0 : this.#pollMs(a, aaaa));
  }

  #publish(failure4: string | null, failure6: string | null): void {
    const { host, port } = this.#parsed;
    const addresses = [...this.#last4.addresses, ...this.#last6.addresses];
    const failure = failure4 ?? failure6;
    const isKnown = failure === null || (addresses.length > 0 && (!failure4 || !failure6));
    if (!isKnown) {
      this.#report(`lookup of ${host}: ${failure}`);
      return;
    }
    this.#logPartial(failure);
    const set = newEndpointSet(
      addresses.map((address) => newEndpoint(formatAddress(address, port), "dns")),
      `${host} has no addresses in DNS: the name does not exist, or has no A and AAAA records`,
    );
    const isNews = this.#set === null || !sameEndpointSet(this.#set, set);
    if (!isNews && this.#reported === null) return;
    this.#set = set;
    this.#reported = null;
    if (set.reason !== undefined) this.#warn("name has no addresses", set.reason);
    else this.#deps.log.debug("endpoints", { target: this.target, count: set.endpoints.length });
    this.#listener?.onEndpoints(set);
  }

  /** Tells the listener that the source is away, unless it knows that for this very reason. */
  #report(reason: string): void {
    if (this.#reported === reason) return;
    this.#reported = reason;
    this.#warn("lookup failed", reason);
    this.#listener?.onError(reason);
  }

  /** One family failed while the other answered: calls go on, so it is a line in the log only. */
  #logPartial(failure: string | null): void {
    if (failure !== null && failure !== this.#partial) this.#warn("lookup failed in part", failure);
    this.#partial = failure;
  }

  #warn(msg: string, reason: string): void {
    this.#deps.log.warn(msg, { target: this.target, reason });
  }

  #pollMs(a: Outcome, aaaa: Outcome): number {
    const { pollMs, rng } = this.#deps;
    const jitter = 1 + POLL_JITTER * (2 * rng.next() - 1);
    if (pollMs !== null) return pollMs * jitter;
    const isFailed = a.failure !== null || aaaa.failure !== null;
    const ttlMs = Math.min(a.answer.ttlMs ?? POLL_MS_MAX, aaaa.answer.ttlMs ?? POLL_MS_MAX);
    const isTtlKnown = a.answer.ttlMs !== null || aaaa.answer.ttlMs !== null;
    return (isTtlKnown && !isFailed ? Math.min(ttlMs, POLL_MS_MAX) : POLL_MS_DEFAULT) * jitter;
  }
}

/** Never rejects: what is not known is an outcome too. */
async function outcomeOf(
  dns: DnsLookup,
  host: string,
  family: DnsFamily,
  server: string | null,
): Promise<Outcome> {
  try {
    return { answer: await dns.lookup(host, family, server), failure: null };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
    if (CODES_OF_NONE.has(code)) return { answer: NONE, failure: null };
    const failure = WORDS_OF_FAILURE.get(code) ?? (error instanceof Error ? error.message : code);
    return { answer: NONE, failure };
  }
}
