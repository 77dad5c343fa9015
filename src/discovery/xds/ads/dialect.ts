/**
 * The two ways to speak ADS, behind one interface: what is subscribed to and what was accepted, in
 * bytes. A dialect is one server's: versions of another one mean nothing to it.
 */
import type { AdsResponse } from "./wire.ts";

/** What is wanted of one type now. */
export interface Wanted {
  readonly typeUrl: string;
  readonly names: readonly string[];
  /** Every resource that the server has for us, beside the named ones. */
  readonly isWildcard: boolean;
}

/** What of an answer is said again when it is acknowledged. */
export type Answered = Pick<AdsResponse, "typeUrl" | "nonce" | "version">;

/** By name, of what is had. */
export type Versions = Readonly<Record<string, string>>;

/** See the head of this file. */
export interface Dialect {
  /** The path of the method. */
  readonly path: string;
  /** A stream begins: nothing was said on it. */
  reset(): void;
  /**
   * The request that makes what is wanted known; null when the server knows it.
   *
   * @param versions of what is had of this server, for a dialect that says it.
   */
  subscribe(wanted: Wanted, versions: () => Versions): Uint8Array | null;
  /** Null for bytes that are no answer. */
  decode(bytes: Uint8Array): AdsResponse | null;
  /**
   * The ACK of an answer, or the NACK that says why.
   *
   * @param wanted of its type, as it is by now.
   */
  acknowledge(response: Answered, problem: string | null, wanted: Wanted): Uint8Array;
  /** Nothing is said of an answer: another one of its type came before that could be sent. */
  skip(response: Answered, problem: string | null): void;
}

/** Names a server is told for a wildcard beside named resources. */
export const WILDCARD = "*";
