/**
 * The addresses of one name: both families asked side by side, and the last good answer of each
 * kept while it fails, so that a server that fails on AAAA does not take the A records away.
 */
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
}

/** No addresses. */
export const NO_ADDRESSES: Addresses = { a: [], aaaa: [], ttlMs: null };

const NO_ANSWER: DnsAnswer = { addresses: [], ttlMs: null };

/**
 * Asks for both families. Something when one of them has records, nothing only when both have
 * none.
 */
export async function askFamilies(
  ask: (family: DnsFamily) => Promise<DnsAnswer>,
): Promise<Outcome<Families>> {
  const [a, aaaa] = await Promise.all([outcomeOf(ask(4), NO_ANSWER), outcomeOf(ask(6), NO_ANSWER)]);
  const isSome = a.says === "some" || aaaa.says === "some";
  const isNone = a.says === "none" && aaaa.says === "none";
  return {
    value: { a, aaaa },
    says: isSome ? "some" : isNone ? "none" : "unknown",
    failure: a.failure ?? aaaa.failure,
    isServerThere: a.isServerThere && aaaa.isServerThere,
  };
}

/** The last good answers about one name. */
export class KnownAddresses {
  #a = NO_ANSWER;
  #aaaa = NO_ANSWER;

  /** Takes the families that were answered; the others stay as they are. */
  take({ a, aaaa }: Families): Addresses {
    if (a.says !== "unknown") this.#a = a.value;
    if (aaaa.says !== "unknown") this.#aaaa = aaaa.value;
    return {
      a: this.#a.addresses,
      aaaa: this.#aaaa.addresses,
      ttlMs: shorter(a.value.ttlMs, aaaa.value.ttlMs),
    };
  }
}
