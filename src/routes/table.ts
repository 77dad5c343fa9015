/**
 * Route tables: what calls of one listener are matched by, and what becomes of them. Data only.
 *
 * The shape is what Gateway API's GRPCRoute and Envoy's RouteConfiguration have in common: virtual
 * hosts by authority, in each routes in order, the first that matches counts. Whoever makes a table
 * has put routes in their order of precedence already.
 */
import type { RetryPolicy, Status } from "../grpc/index.ts";

/** Everything that one listener (or one filter chain of it) routes by. Immutable. */
export interface RouteTable {
  readonly hosts: readonly VirtualHost[];
  /**
   * How a domain and an authority with a port go together. `either` (also when it is absent): with
   * the port first, then without it (Gateway API); `compared`: they must be the same text;
   * `ignored`: the authority counts without its port (Envoy's ignore_port_in_host_matching).
   */
  readonly ports?: PortRule;
  /** What its source asks for and is not done, for people; absent: nothing. */
  readonly notes?: readonly string[];
}

/** See `RouteTable.ports`. */
export type PortRule = "either" | "compared" | "ignored";

/** Routes of some authorities. */
export interface VirtualHost {
  /** For people: "prod/echo" or the name that an xDS server gave. */
  readonly name: string;
  /**
   * In lower case: "*", "*.suffix", "prefix.*" or a whole authority, with a port or without one.
   * The longest match of the best kind counts: whole, suffix, prefix, "*" (Envoy's
   * VirtualHost.domains). Of ports: see `RouteTable.ports`.
   */
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
  /** Calls must come by TLS: see `plaintextTable` of room `mesh`. */
  readonly requiresTls?: boolean;
}

/** One match and what follows from it. */
export interface Route {
  /** Where it comes from, for people: "GRPCRoute prod/echo rule 0 match 1". */
  readonly name: string;
  readonly match: RouteMatch;
  readonly action: RouteAction;
}

/** All of it must hold. */
export interface RouteMatch {
  readonly path: PathMatch;
  readonly headers: readonly HeaderMatch[];
  /** Share of calls that match, of a million; null: all. */
  readonly perMillion: number | null;
}

/** How `:path` (without query) is matched. */
export type PathMatch =
  | { readonly kind: "prefix" | "exact"; readonly value: string; readonly ignoresCase: boolean }
  | { readonly kind: "regex"; readonly regex: Regex };

/** A regular expression as `parseRegex` makes it. */
export interface Regex {
  /** RE2 syntax, without anchors: what xDS carries. */
  readonly source: string;
  /** Whether the whole text matches. */
  test(text: string): boolean;
}

/**
 * One request header; several values are joined by ",". `inverts`: matches when the value does not.
 * A header that is absent matches nothing but `present`, inverted or not (A28, Envoy).
 */
export interface HeaderMatch {
  /** In lower case. */
  readonly name: string;
  readonly inverts: boolean;
  readonly value:
    | {
        readonly kind: "exact" | "prefix" | "suffix" | "contains";
        readonly text: string;
        readonly ignoresCase: boolean;
      }
    | { readonly kind: "regex"; readonly regex: Regex }
    /** Decimal integers from `from` up to but not including `to`. */
    | { readonly kind: "range"; readonly from: number; readonly to: number }
    | { readonly kind: "present"; readonly isPresent: boolean };
}

/** What becomes of a call. */
export type RouteAction = ForwardAction | RefuseAction;

/** The call goes to a cluster. */
export interface ForwardAction {
  readonly kind: "forward";
  /** At least one; weights add up to above 0. */
  readonly clusters: readonly WeightedCluster[];
  readonly request: HeaderChange | null;
  readonly response: HeaderChange | null;
  readonly mirrors: readonly Mirror[];
  /** Upper bound of the call's time; null: the route sets none. */
  readonly timeoutMs: number | null;
  /** null: that of the cluster's service config counts. */
  readonly retryPolicy: RetryPolicy | null;
  /** Header (in lower case) whose value the call is hashed by; null: by what the policy says. */
  readonly hashHeader: string | null;
}

/** The call is refused here. */
export interface RefuseAction {
  readonly kind: "refuse";
  readonly status: Status;
  /** For calls that are not gRPC. */
  readonly httpStatus: number;
  /** One clause for `grpc-message`, such as "no backend of GRPCRoute prod/echo rule 0 exists". */
  readonly reason: string;
  /** Calls that are not gRPC are told the same place by https. */
  readonly isMovedToHttps?: boolean;
}

/** One of the clusters of a route. */
export interface WeightedCluster {
  /**
   * Name in `MeshConfig.clusters`. A cluster that is not there (a backend that does not exist) has
   * its share of calls refused with UNAVAILABLE.
   */
  readonly cluster: string;
  readonly weight: number;
  readonly request: HeaderChange | null;
  readonly response: HeaderChange | null;
}

/** Headers to change, names in lower case: `set` replaces, `add` adds, `remove` takes away. */
export interface HeaderChange {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** A copy of calls, whose answer nobody waits for. */
export interface Mirror {
  readonly cluster: string;
  /** Share of calls, of a million. */
  readonly perMillion: number;
}
