/**
 * Limits of a cluster beyond which it says no at once, instead of letting everything wait. Envoy's
 * circuit breakers; the status is the one of gRFC A32 ("fail the call with status UNAVAILABLE").
 *
 * Each process counts its own: with several workers a proxy lets that many times as much pass. None
 * is set unless a service config says so.
 */

import type { Logger } from "../base/index.ts";
import { checkNames, countAt, fieldsAt } from "../grpc/index.ts";
import type { BreakerView } from "./view.ts";

/** What can be limited: the names in a service config. */
export type BreakerName = (typeof BREAKERS)[number];

const BREAKERS = ["maxConnections", "maxPendingCalls", "maxCalls", "maxRetries"] as const;

/** `"circuitBreakers"` of the service config; null where there is no limit. */
export type CircuitBreakersConfig = Readonly<Record<BreakerName, number | null>>;

const LIMIT_MAX = 1_000_000_000;

/**
 * @returns null when it says nothing.
 * @throws ServiceConfigError
 */
export function parseCircuitBreakers(value: unknown, path: string): CircuitBreakersConfig | null {
  if (value === undefined || value === null) return null;
  const fields = fieldsAt(value, path);
  checkNames(fields, BREAKERS, path);
  const limitOf = (name: BreakerName): number | null =>
    countAt(fields[name], `${path}.${name}`, name === "maxConnections" ? 1 : 0, LIMIT_MAX);
  return {
    maxConnections: limitOf("maxConnections"),
    maxPendingCalls: limitOf("maxPendingCalls"),
    maxCalls: limitOf("maxCalls"),
    maxRetries: limitOf("maxRetries"),
  };
}

/** What each breaker counts, in words. */
const WHAT: Readonly<Record<BreakerName, string>> = {
  maxConnections: "connections",
  maxPendingCalls: "waiting calls",
  maxCalls: "calls in flight",
  maxRetries: "retries in flight",
};

/** What one breaker has done. */
class Breaker {
  readonly name: BreakerName;
  limit: number | null = null;
  refused = 0;
  /** How many it had refused when it opened and at the last tick; it is open while they differ. */
  refusedBefore = 0;
  refusedSeen = 0;
  isOpen = false;

  constructor(name: BreakerName) {
    this.name = name;
  }
}

/** The breakers of one cluster. */
export class CircuitBreakers {
  readonly #target: string;
  readonly #log: Logger;
  readonly #breakers: readonly Breaker[] = BREAKERS.map((name) => new Breaker(name));
  /** Whether there is a limit of calls: to be asked first, for each call. */
  limitsCalls = false;

  constructor(target: string, log: Logger) {
    this.#target = target;
    this.#log = log;
  }

  /** From now on these are the limits. */
  configure(config: CircuitBreakersConfig | null): void {
    this.limitsCalls = config !== null && config.maxCalls !== null;
    for (const breaker of this.#breakers) breaker.limit = config?.[breaker.name] ?? null;
  }

  /**
   * Whether one more beside `count` would be too many: then it is refused, with this reason, and
   * that is counted. Null: it may go on.
   */
  refusal(name: BreakerName, count: number): string | null {
    const breaker = this.#breakers[BREAKERS.indexOf(name)]!;
    const { limit } = breaker;
    if (limit === null || count < limit) return null;
    breaker.refused += 1;
    const reached = `the limit of ${limit} is reached by ${WHAT[name]} to ${this.#target}`;
    const reason = `circuit breaker ${name}: ${reached}`;
    if (!breaker.isOpen) {
      breaker.isOpen = true;
      breaker.refusedBefore = breaker.refused - 1;
      this.#log.warn("circuit breaker is open", { target: this.#target, breaker: name, limit });
    }
    return reason;
  }

  /** About once a second: one that has refused nothing since the last time is closed. */
  onTick(): void {
    for (const breaker of this.#breakers) {
      if (breaker.isOpen && breaker.refused === breaker.refusedSeen) {
        breaker.isOpen = false;
        const refused = breaker.refused - breaker.refusedBefore;
        const fields = { target: this.#target, breaker: breaker.name, refused };
        this.#log.info("circuit breaker is closed", fields);
      }
      breaker.refusedSeen = breaker.refused;
    }
  }

  /** Those that are set, with what they count now. */
  view(counts: Readonly<Record<BreakerName, number>>): BreakerView[] {
    return this.#breakers.flatMap(({ name, limit, refused, isOpen }) =>
      limit === null ? [] : [{ name, limit, current: counts[name], refused, open: isOpen }],
    );
  }
}
