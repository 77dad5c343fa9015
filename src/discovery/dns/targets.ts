/**
 * The addresses of the targets of SRV records, asked anew at each lookup.
 *
 * Each target's last good answer is kept while it fails, as long as there are records that name it.
 * Targets that CoreDNS named by their address cost no query of their own (see `addressInName`).
 */
import { type Addresses, askFamilies, KnownAddresses } from "./addresses.ts";
import type { DnsServers, DnsSystem, SrvRecord } from "./client.ts";
import { addressInName, addressOfLabel, isChildOf } from "./srv.ts";

/** Targets that are asked for at the same time, so that a thousand of them are no storm. */
export const TARGET_LOOKUPS_MAX = 16;

/** One record and the addresses of its target. */
export interface ResolvedRecord {
  readonly record: SrvRecord;
  readonly addresses: Addresses;
  /** Why they are, at least in part, as old as the last good answer; null when they are not. */
  readonly failure: string | null;
  /** Which of its records were passed over; null: none was. */
  readonly refused: string | null;
  /** The source said something of the target: what it said is new. */
  readonly isAnswered: boolean;
  /** There never was a good answer. */
  readonly isUnknown: boolean;
  /** The target's name is its address: a pod may have two such names, one in each family. */
  readonly isNamedByAddress: boolean;
}

type Answer = Pick<
  ResolvedRecord,
  "addresses" | "failure" | "refused" | "isAnswered" | "isUnknown"
>;

/** See the head of this file. */
export class Targets {
  readonly #system: DnsSystem;
  /** By name: those of the last lookup. */
  #known = new Map<string, KnownAddresses>();

  constructor(system: DnsSystem) {
    this.#system = system;
  }

  /**
   * Asks for all targets. Never rejects.
   *
   * @param base the full name of what the records are about, without `_port._tcp.`.
   */
  async resolve(
    records: readonly SrvRecord[],
    base: string,
    servers: DnsServers,
  ): Promise<readonly ResolvedRecord[]> {
    const known = new Map<string, KnownAddresses>();
    const ask = (name: string) => this.#ask(name, servers, known);
    const ofBase = records.some(({ target }) => isNamedByAddress(target, base))
      ? await ask(base)
      : null;
    const named = (target: string): Answer | null => {
      if (ofBase === null || !isNamedByAddress(target, base)) return null;
      if (ofBase.isUnknown) return ofBase; // or silence would be asked once for each pod
      const ip = addressInName(target, base, ofBase.addresses);
      return ip === null ? null : { ...ofBase, addresses: onlyAddress(ip, ofBase.addresses) };
    };
    const answers = new Map<string, Answer>();
    const others = new Set(
      records.map(({ target }) => target).filter((target) => named(target) === null),
    );
    await eachOf([...others], TARGET_LOOKUPS_MAX, async (target) => {
      answers.set(target, await ask(target));
    });
    this.#known = known;
    return records.map((record) => {
      const answer = named(record.target);
      const isNamed = answer !== null;
      return { record, isNamedByAddress: isNamed, ...(answer ?? answers.get(record.target)!) };
    });
  }

  async #ask(
    name: string,
    servers: DnsServers,
    known: Map<string, KnownAddresses>,
  ): Promise<Answer> {
    const before = this.#known.get(name);
    const { value, says, failure } = await askFamilies((family) =>
      this.#system.queryAddresses(name, family, servers),
    );
    const kept = before ?? new KnownAddresses();
    const addresses = kept.take(value);
    const isAnswered = says !== "unknown";
    const isUnknown = !isAnswered && before === undefined;
    if (!isUnknown) known.set(name, kept);
    return { addresses, failure, refused: value.refused, isAnswered, isUnknown };
  }
}

function isNamedByAddress(target: string, base: string): boolean {
  return isChildOf(target, base) && addressOfLabel(target) !== null;
}

function onlyAddress(ip: string, { ttlMs }: Addresses): Addresses {
  return ip.includes(":") ? { a: [], aaaa: [ip], ttlMs } : { a: [ip], aaaa: [], ttlMs };
}

/** Runs `fn` on each, at most `most` at a time. */
async function eachOf<T>(
  all: readonly T[],
  most: number,
  fn: (each: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < all.length) await fn(all[next++]);
  };
  await Promise.all(Array.from({ length: Math.min(most, all.length) }, work));
}
