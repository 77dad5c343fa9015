/**
 * What a lookup finds, and the contract between lookups and who repeats them.
 */

import type { ServiceConfigResult } from "../endpoint.ts";

/** One address that a name has. */
export interface FoundAddress {
  /** IPv6 without brackets. */
  readonly ip: string;
  /** From SRV records; null when the target has it. */
  readonly port: number | null;
  /** Share of calls in relation to the others. */
  readonly weight: number;
  /** Which record or file says so, for people: "A of echo.prod.svc.cluster.local". */
  readonly rule: string;
}

/** An address that is not used. */
export interface SkippedAddress extends FoundAddress {
  /** Why, for people. */
  readonly reason: string;
}

/** All addresses of a name at one time. Empty when DNS has said that there are none. */
export interface Found {
  readonly used: readonly FoundAddress[];
  readonly skipped: readonly SkippedAddress[];
  /** The name in DNS that this is about, without a last dot; null: of a file, or of none. */
  readonly fullName: string | null;
  /** Of a lookup of service configs: null when there is none for this client. */
  readonly config?: ServiceConfigResult | null;
}

/** How one lookup ended. */
export interface LookupResult {
  /** Null when it is not known: what was found before stays in use. */
  readonly found: Found | null;
  /** Why it is not known, or why what is in use is as old as the last good answer. */
  readonly failure: string | null;
  /** Why a part of what was found is as old as that, or passed over, while the rest is new. */
  readonly partial: string | null;
  /** How long the answer is good for; null when DNS does not tell. */
  readonly ttlMs: number | null;
}

/** A question that is asked again and again. It remembers what was said. */
export interface Lookup {
  /** For people: the name that is looked up. */
  readonly name: string;
  /** Asks once. Never rejects. Not called again before it has ended. */
  run(): Promise<LookupResult>;
}

/** The shorter of two times of which either may be unknown. */
export function shorter(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
