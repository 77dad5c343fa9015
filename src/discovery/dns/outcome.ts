/**
 * How a question to DNS ended: something, nothing, or unknown.
 *
 * The three are kept apart everywhere: NXDOMAIN and NODATA mean "none" (CoreDNS says NXDOMAIN for
 * a headless Service without ready pods), SERVFAIL, REFUSED and time-outs mean nothing at all.
 */

/** `value` is what was said; when nothing is known it is the value of none. */
export interface Outcome<T> {
  readonly value: T;
  readonly says: "some" | "none" | "unknown";
  /** Why it is unknown, in part or as a whole, in words; null when all was answered. */
  readonly failure: string | null;
  /** For "unknown": the server is there and would answer about another name. */
  readonly isServerThere: boolean;
}

/** What `dns.lookup` and `dns.resolve` say when a name, or a record of the type, is not there. */
const CODES_OF_NONE = new Set(["ENOTFOUND", "ENODATA", "EAI_NODATA", "EAI_ADDRFAMILY"]);

/** A server said so, in contrast to silence. */
const CODES_OF_SERVER = new Set(["ESERVFAIL", "EREFUSED"]);

/** The common failures in words; others are told in the words of their error. */
const WORDS_OF_FAILURE: ReadonlyMap<string, string> = new Map([
  ["ESERVFAIL", "SERVFAIL: the DNS server could not answer"],
  ["EREFUSED", "REFUSED: the DNS server does not serve us"],
  ["ETIMEOUT", "time-out: the DNS server does not answer"],
  ["EAI_AGAIN", "EAI_AGAIN: DNS gives no answer at the moment"],
  ["ECONNREFUSED", "connection refused: no DNS server there"],
]);

/** Something was said. */
export function some<T>(value: T): Outcome<T> {
  return { value, says: "some", failure: null, isServerThere: true };
}

/** It was said that there is nothing. */
function none<T>(value: T): Outcome<T> {
  return { value, says: "none", failure: null, isServerThere: true };
}

/** Awaits an answer. Never rejects: what is not known is an outcome too. */
export async function outcomeOf<T>(answer: Promise<T>, nothing: T): Promise<Outcome<T>> {
  try {
    return some(await answer);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
    if (CODES_OF_NONE.has(code)) return none(nothing);
    const failure = WORDS_OF_FAILURE.get(code) ?? (error instanceof Error ? error.message : code);
    return {
      value: nothing,
      says: "unknown",
      failure,
      isServerThere: CODES_OF_SERVER.has(code),
    };
  }
}
