/** The one way to get a resolver: from the text of a target. */
import { type Clock, type Logger, type Rng, unreachable } from "../base/index.ts";
import { type DnsLookup, DnsResolver } from "./dns.ts";
import { systemDns } from "./real.ts";
import type { Resolver } from "./resolver.ts";
import { StaticResolver } from "./static.ts";
import { parseTarget } from "./target.ts";

/** What resolvers need from outside. */
export interface ResolverDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Who answers DNS questions; the system's resolver by default. */
  readonly dns?: DnsLookup | undefined;
  /** A fixed time between lookups. By default the answer's TTL, within 1-30 s; 5 s without one. */
  readonly dnsPollMs?: number | undefined;
}

/**
 * The resolver for a target. It does nothing until it is started; a name that does not exist is
 * no error here, but what the listener is told.
 *
 * @throws TargetError when the target is malformed.
 */
export function createResolver(target: string, deps: ResolverDeps): Resolver {
  const parsed = parseTarget(target);
  switch (parsed.kind) {
    case "static":
      return new StaticResolver(parsed);
    case "dns":
      return new DnsResolver(parsed, {
        clock: deps.clock,
        rng: deps.rng,
        log: deps.log,
        dns: deps.dns ?? systemDns(),
        pollMs: deps.dnsPollMs ?? null,
      });
    default:
      return unreachable(parsed);
  }
}
