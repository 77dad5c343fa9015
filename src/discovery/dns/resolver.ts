/**
 * The resolver of names: the addresses that DNS has for a name, as endpoint sets.
 *
 * It asks nothing itself: `DnsNames` does, for all resolvers of the process. Here a state becomes
 * what a listener is told, and lines of the log.
 */
import { assert, type Clock, type Logger } from "../../base/index.ts";
import { formatAddress } from "../../transport/index.ts";
import {
  type EndpointSet,
  newEndpoint,
  newEndpointSet,
  type SkippedEndpoint,
} from "../endpoint.ts";
import type { Resolver, ResolverListener } from "../resolver.ts";
import type { DnsTarget } from "../target.ts";
import { ConfigWatch } from "./config-watch.ts";
import type { Found, FoundAddress } from "./found.ts";
import type { DnsNames, NameSubscription } from "./names.ts";
import type { NameState } from "./watch.ts";

/** What a `DnsResolver` needs. */
export interface DnsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** The names of this process. */
  readonly names: DnsNames;
  /** A fixed time between lookups; null to follow the TTL. */
  readonly pollMs: number | null;
  /** Whether TXT records are asked for a service config (gRFC A2). */
  readonly txt: boolean;
}

/** See the head of this file. */
export class DnsResolver implements Resolver {
  readonly target: string;
  readonly #parsed: DnsTarget;
  readonly #deps: DnsDeps;
  #listener: ResolverListener | null = null;
  #subscription: NameSubscription | null = null;
  #isClosed = false;
  /** What the last set was made of. */
  #told: Found | null = null;
  /** What it has in it, by what that was made of: what stays the same stays the same object. */
  #made: Made = new Map();
  /** The reason given to `onError` since the last `onEndpoints`, or null. */
  #reported: string | null = null;
  #partial: string | null = null;
  /** Null when it is not asked for. */
  readonly #config: ConfigWatch | null;
  /** What waits for the first word about the config. */
  #held: NameState | null = null;

  /** @param parsed as `parseTarget` made it. */
  constructor(parsed: DnsTarget, deps: DnsDeps) {
    this.target = parsed.target;
    this.#parsed = parsed;
    this.#deps = deps;
    const { server } = parsed;
    const onChange = () => this.#onConfig();
    this.#config = deps.txt ? new ConfigWatch({ ...deps, server, onChange }) : null;
  }

  /** Hands over at once what other resolvers have found already. */
  start(listener: ResolverListener): void {
    assert(this.#listener === null, "a resolver is started once");
    this.#listener = listener;
    if (this.#isClosed) return;
    const { host, port, server } = this.#parsed;
    const portName = typeof port === "string" ? port : null;
    const question = { host, portName, server, pollMs: this.#deps.pollMs };
    const subscription = this.#deps.names.watch(question, (state) => this.#onState(state));
    if (!this.#isClosed) this.#subscription = subscription;
    else subscription.close(); // the listener closed it from within
  }

  /** Looks up now, or a second after the last lookup began. */
  resolveNow(): void {
    this.#subscription?.refresh();
  }

  /** See `Resolver`. */
  close(): void {
    this.#isClosed = true;
    this.#subscription?.close();
    this.#subscription = null;
    this.#config?.close();
  }

  #onState(state: NameState): void {
    const { found } = state;
    assert(found !== null || state.failure !== null, "who does not fail has found something");
    if (found !== null) this.#config?.follow(found.fullName);
    this.#held = found === null || (this.#config?.isSettled ?? true) ? null : state;
    if (this.#held === null) this.#take(state);
  }

  #onConfig(): void {
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.#take(held);
    else if (this.#told !== null) this.#publish(this.#told, this.#reported !== null);
  }

  #take({ found, failure, partial }: NameState): void {
    // One part failed while the rest was answered: calls go on, so it is only a line of the log.
    if (partial !== null && partial !== this.#partial) this.#logPartial(partial);
    this.#partial = partial;
    const isAway = this.#reported !== null;
    const isBack = isAway && failure === null;
    if (isBack) this.#reported = null;
    if (found !== null && (found !== this.#told || isBack)) this.#publish(found, isAway && !isBack);
    if (failure !== null && !this.#isClosed) this.#report(failure);
  }

  #publish(found: Found, isStale: boolean): void {
    this.#told = found;
    const made: Made = new Map();
    const plain = setOf(found, this.#parsed, this.#made, made);
    const serviceConfig = this.#config?.config ?? null;
    const set = serviceConfig === null ? plain : Object.freeze({ ...plain, serviceConfig });
    this.#made = made;
    // What a name resolves to, and that it does not, is in the log of who listens.
    this.#listener?.onEndpoints(isStale ? Object.freeze({ ...set, isStale }) : set);
  }

  /** Tells the listener that the source is away, unless it knows that for this very reason. */
  #report(reason: string): void {
    if (this.#reported === reason) return;
    this.#reported = reason;
    this.#listener?.onError(reason);
  }

  #logPartial(reason: string): void {
    this.#deps.log.warn("lookup failed in part", { target: this.target, reason });
  }
}

/** By what they were made of; the reason is "" for one that is used. */
type Made = Map<string, SkippedEndpoint>;

/** @param made is filled with what the set has in it, of `known` what is there already. */
function setOf(
  { used, skipped }: Found,
  { host, port }: DnsTarget,
  known: Made,
  made: Made,
): EndpointSet {
  const make = (address: FoundAddress, skipReason: string): SkippedEndpoint => {
    const key = JSON.stringify([
      address.ip,
      address.port,
      address.weight,
      address.rule,
      skipReason,
    ]);
    const one = known.get(key) ?? newEntry(address, port, skipReason);
    made.set(key, one);
    return one;
  };
  const reason =
    typeof port === "number"
      ? `${host} has no addresses in DNS: the name does not exist, or has no A and AAAA records`
      : `_${port}._tcp.${host} has no SRV records in DNS: no such name or port, or none is ready`;
  const endpoints = used.map((address) => make(address, "").endpoint);
  const set = newEndpointSet(endpoints, reason);
  if (skipped.length === 0) {
    return used.length > 0 ? set : Object.freeze({ ...set, isAbsent: true });
  }
  const others = skipped
    .map((each) => make(each, each.reason))
    .sort((a, b) => (a.endpoint.address < b.endpoint.address ? -1 : 1));
  return Object.freeze({ ...set, skipped: Object.freeze(others) });
}

function newEntry(address: FoundAddress, port: number | string, reason: string): SkippedEndpoint {
  const number = typeof port === "number" ? port : address.port;
  assert(number !== null, "an SRV record has a port");
  const plain = newEndpoint(formatAddress(address.ip, number), "dns");
  const endpoint = Object.freeze({ ...plain, weight: address.weight, rule: address.rule });
  return Object.freeze({ endpoint, reason });
}
