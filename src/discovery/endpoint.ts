/**
 * Endpoints, and the sets in which resolvers yield them.
 *
 * A set is compared and passed on as a whole; finding what changed is its reader's work.
 */

import type { Place } from "./kubernetes/place.ts";

/** Endpoints that get a share of calls together: those of one locality and priority (EDS). */
export interface EndpointGroup {
  /** 0 is used first; a larger one as far as those before it lack healthy endpoints. */
  readonly priority: number;
  /** "region/zone/sub_zone"; "" where the source names no place. */
  readonly name: string;
  /** Share of its priority's calls in relation to the other groups of it; above 0. */
  readonly weight: number;
}

/** Where an xDS control plane puts an endpoint, and what it says of it (EDS). */
export interface EndpointAssignment {
  /** Of an aggregate cluster the one below it that has the endpoint. */
  readonly cluster: string;
  /** "region/zone/sub_zone"; "" where none is named. */
  readonly locality: string;
  /** 0 is used first; of an aggregate cluster counted over all below it (gRFC A37). */
  readonly priority: number;
  /** `HealthStatus` in its own words. */
  readonly health: AssignedHealth;
}

/** `envoy.config.core.v3.HealthStatus`. UNKNOWN: nothing is said. */
export type AssignedHealth =
  | "UNKNOWN"
  | "HEALTHY"
  | "UNHEALTHY"
  | "DRAINING"
  | "TIMEOUT"
  | "DEGRADED";

/** Calls that are refused before an endpoint is picked, so that less load comes (EDS). */
export interface DropCategory {
  readonly category: string;
  readonly perMillion: number;
}

/** One server that can serve the target (gRFC A61: one endpoint, one or more addresses). */
export interface Endpoint {
  /** What to connect to first: "10.0.0.1:50051", "[::1]:50051", "name:50051" or "unix:/path". */
  readonly address: string;
  /** All its addresses, `address` first. */
  readonly addresses: readonly string[];
  /** Name of the pod, when the source knows it. */
  readonly pod: string | null;
  /** Identity of the pod: the same address with another uid is another endpoint. */
  readonly uid: string | null;
  /** Name of the node that it runs on, when the source knows it. */
  readonly node: string | null;
  /** Zone of that node, when the source knows it. */
  readonly zone: string | null;
  /** Who said so: "static", "dns", or "EndpointSlice namespace/name". */
  readonly source: string;
  /** Share of calls in relation to the others; 1 unless the source says otherwise. */
  readonly weight: number;
  /** Where the source groups endpoints; null from sources that do not. */
  readonly group: EndpointGroup | null;
  /** What the source said of its health and place; null from sources that do not. */
  readonly conditions: EndpointConditions | null;
  /** What a control plane says of it; null from every source but xDS. */
  readonly assignment: EndpointAssignment | null;
  /** The rule by which it is used, for people, such as "ready"; null when there is none to tell. */
  readonly rule: string | null;
}

/** What an EndpointSlice says of an endpoint, with nil resolved to its meaning. */
export interface EndpointConditions {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Nodes and zones that should use it; empty without hints. */
  readonly hints: { readonly nodes: readonly string[]; readonly zones: readonly string[] };
}

/** An endpoint that the source knows and a rule leaves out. */
export interface SkippedEndpoint {
  readonly endpoint: Endpoint;
  /** The rule, for people: "not ready", "terminating", "zone hints: another zone". */
  readonly reason: string;
}

/** Where the process runs that asked, and whether the set was made for that place. */
export interface SetPlace extends Place {
  /** Which hints of the slices hold: each endpoint of the set is meant for that node or zone. */
  readonly hints: "node" | "zone" | null;
}

/** All endpoints of a target at one time: immutable, sorted by address, without duplicates. */
export interface EndpointSet {
  readonly endpoints: readonly Endpoint[];
  /** Why there are none, for people to read. Only on an empty set. */
  readonly reason?: string;
  /** What is known and not used, sorted by address, for people; absent when there is none. */
  readonly skipped?: readonly SkippedEndpoint[];
  /** True when the source says that the name itself does not exist. Only on an empty set. */
  readonly isAbsent?: boolean;
  /**
   * True when the source, or a part of it, is still away after this change: what `onError` said
   * last holds on. Absent from a set that says all the source has to say.
   */
  readonly isStale?: boolean;
  /** Rules that hold for the set as a whole, for people; absent when there is none to tell. */
  readonly notes?: readonly string[];
  /** Absent from sources that do not know where endpoints are. */
  readonly place?: SetPlace;
  /** Absent when no call is to be refused. */
  readonly drops?: readonly DropCategory[];
  /** What the source says of the service config; absent or null from a source that says nothing. */
  readonly serviceConfig?: ServiceConfigResult | null;
}

/** A service config after `JSON.parse` that nobody has judged yet, or why it cannot be had. */
export type ServiceConfigResult = { readonly json: unknown } | { readonly error: string };

/** An endpoint with nothing known but its address and who named it. */
export function newEndpoint(address: string, source: string): Endpoint {
  return Object.freeze({
    address,
    addresses: Object.freeze([address]),
    pod: null,
    uid: null,
    node: null,
    zone: null,
    source,
    weight: 1,
    group: null,
    conditions: null,
    assignment: null,
    rule: null,
  });
}

/**
 * A set of these endpoints, sorted by address. Of two with the same address the first stays.
 *
 * @param reason why it is empty; dropped when it is not.
 */
export function newEndpointSet(endpoints: Iterable<Endpoint>, reason?: string): EndpointSet {
  const sorted = Object.freeze(sortedOnce([...endpoints]));
  if (sorted.length > 0 || reason === undefined) return Object.freeze({ endpoints: sorted });
  return Object.freeze({ endpoints: sorted, reason });
}

function sortedOnce(endpoints: Endpoint[]): Endpoint[] {
  let isSorted = true;
  for (let i = 1; i < endpoints.length && isSorted; i += 1) {
    isSorted = endpoints[i - 1].address < endpoints[i].address;
  }
  // As most sources name them.
  if (isSorted) return endpoints;
  const byAddress = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    if (!byAddress.has(endpoint.address)) byAddress.set(endpoint.address, endpoint);
  }
  return [...byAddress.values()].sort(compareAddress);
}

/** By code unit, not by locale: the same order on every machine. */
function compareAddress(a: Endpoint, b: Endpoint): number {
  if (a.address === b.address) return 0;
  return a.address < b.address ? -1 : 1;
}
