/** The one way to get a resolver: from the text of a target. */
import { type Clock, type Logger, type Rng, unreachable } from "../base/index.ts";
import { DnsNames, DnsResolver, systemDns } from "./dns/index.ts";
import type { Place } from "./kubernetes/place.ts";
import { KubernetesResolver } from "./kubernetes/resolver.ts";
import type { ObjectSource } from "./kubernetes/source.ts";
import type { Resolver } from "./resolver.ts";
import { StaticResolver } from "./static.ts";
import { parseTarget, TargetError } from "./target.ts";

/** What resolvers need from outside. */
export interface ResolverDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** The names that the process looks up, shared by all its resolvers; by default its own. */
  readonly dns?: DnsNames | undefined;
  /** A fixed time between lookups. By default the answer's TTL, within 1-30 s; 5 s without one. */
  readonly dnsPollMs?: number | undefined;
  /**
   * Where Kubernetes objects come from: called for a `kubernetes` target only, and should yield
   * the same source each time, one that shares its watches.
   */
  readonly objects?: (() => ObjectSource) | undefined;
  /** Whether `dns` targets look for a service config in TXT records (gRFC A2); not by default. */
  readonly txt?: boolean | undefined;
  /** Where we run; unknown by default. */
  readonly place?: Place | undefined;
}

const NOWHERE: Place = Object.freeze({ node: null, zone: null });

/**
 * The resolver for a target. It does nothing until it is started; a name that does not exist is
 * no error here, but what the listener is told.
 *
 * @throws TargetError when the target is malformed, or needs Kubernetes and there is none.
 */
export function createResolver(target: string, deps: ResolverDeps): Resolver {
  const parsed = parseTarget(target);
  switch (parsed.kind) {
    case "static":
      return new StaticResolver(parsed);
    case "dns":
      return new DnsResolver(parsed, {
        clock: deps.clock,
        log: deps.log,
        names: namesOf(deps),
        pollMs: deps.dnsPollMs ?? null,
        txt: deps.txt ?? false,
      });
    case "kubernetes": {
      if (deps.objects === undefined) {
        throw new TargetError(target, "there is no source of Kubernetes objects here");
      }
      const names = namesOf(deps);
      return new KubernetesResolver(parsed, {
        clock: deps.clock,
        log: deps.log,
        objects: deps.objects(),
        place: deps.place ?? NOWHERE,
        createResolver: (external) => createResolver(external, { ...deps, dns: names, txt: false }),
        prefersIPv6: (ipv4, ipv6) => names.prefersIPv6(ipv4, ipv6),
      });
    }
    case "xds":
      throw new TargetError(
        target,
        "it has routes beside endpoints: a channel or the proxy takes it",
      );
    default:
      return unreachable(parsed);
  }
}

function namesOf({ dns, clock, rng }: ResolverDeps): DnsNames {
  return dns ?? new DnsNames({ clock, rng, system: systemDns() });
}
