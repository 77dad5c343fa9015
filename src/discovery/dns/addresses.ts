/**
 * The addresses of one name: both families asked side by side, and the last good answer of each
 * kept while it fails, so that a server that fails on AAAA does not take the A records away.
 */
import { canonicalIPv6 } from "../ipv6.ts";
import type { DnsAnswer, DnsFamily } from "./client.ts";
import { shorter } from "./found.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/** A records and AAAA records of one name. */
export interface Addresses {
  readonly a: readonly string[];
  readonly aaaa: readonly string[];
  readonly ttlMs: number | null;
}

/** Both families, each with its own outcome. */
export interface Families {
  readonly a: Outcome<DnsAnswer>;
  readonly aaaa: Outcome<DnsAnswer>;
  /** Which records were passed over and why, in words; null: none was. */
  readonly refused: string | null;
}

/** No addresses. */
export const NO_ADDRESSES: Addresses = { a: [], aaaa: [], ttlMs: null };

const NO_ANSWER: DnsAnswer = { addresses: [], ttlMs: null };

/**
 * Whether an address can be connected to. "0.0.0.0" and "::" mean "here" to the kernel, and
 * "blocked" to the DNS servers that say so: no server of the name is there (as for slices).
 */
export function isUsable(ip: string): boolean {
  return ip.includes(":") ? canonicalIPv6(ip) !== "::" : ip !== "0.0.0.0";
}

/** What there is to say of those that cannot be used; null: nothing. */
export function refusedOf(all: readonly string[]): string | null {
  const refused = all.find((ip) => !isUsable(ip));
  return refused === undefined ? null : `a record of ${refused} is passed over`;
}

/** An answer without what cannot be used; "none" when nothing else was in it. */
function usableOf(outcome: Outcome<DnsAnswer>): Outcome<DnsAnswer> {
  const { addresses } = outcome.value;
  if (addresses.every(isUsable)) return outcome;
  const usable = addresses.filter(isUsable);
  const says = usable.length > 0 ? "some" : "none";
  return { ...outcome, says, value: { ...outcome.value, addresses: usable } };
}

/**
 * Asks for both families. Something when one of them has records, nothing only when both have
 * none. Records that cannot be used are passed over; a name that has only such is there, and has no
 * addresses.
 */
export async function askFamilies(
  ask: (family: DnsFamily) => Promise<DnsAnswer>,
): Promise<Outcome<Families>> {
  const all = await Promise.all([outcomeOf(ask(4), NO_ANSWER), outcomeOf(ask(6), NO_ANSWER)]);
  const refused = refusedOf(all.flatMap(({ value }) => value.addresses));
  const [a, aaaa] = all.map(usableOf);
  const isSome = a.says === "some" || aaaa.says === "some";
  const isNone = a.says === "none" && aaaa.says === "none";
  return {
    value: { a, aaaa, refused },
    says: isSome || (isNone && refused !== null) ? "some" : isNone ? "none" : "unknown",
    failure: a.failure ?? aaaa.failure,
    isServerThere: a.isServerThere && aaaa.isServerThere,
  };
}

/** The last good answers about one name. */
export class KnownAddresses {
  #a = NO_ANSWER;
  #aaaa = NO_ANSWER;

  /** Takes the families that were answered; the others stay as they are. */
  take({ a, aaaa }: Pick<Families, "a" | "aaaa">): Addresses {
    if (a.says !== "unknown") this.#a = a.value;
    if (aaaa.says !== "unknown") this.#aaaa = aaaa.value;
    return {
      a: this.#a.addresses,
      aaaa: this.#aaaa.addresses,
      ttlMs: shorter(a.value.ttlMs, aaaa.value.ttlMs),
    };
  }
}
