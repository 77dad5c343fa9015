/**
 * What fairlead has to reach: ratios to peers in the same round, and absolute bounds.
 */

/** A bound on the median of fairlead's cost divided by a peer's. */
export interface RatioTarget {
  readonly load: string;
  readonly peer: string;
  readonly ratioMax: number;
}

/** A bound on something of fairlead alone. */
export interface AbsoluteTarget {
  readonly load: string;
  /** `cost` in the load's unit, or resident memory after the load in MB (10^6 bytes). */
  readonly of: "cost" | "rssMb";
  readonly max: number;
}

/** A bound on the median cost of one load divided by that of another, of fairlead alone. */
export interface FlatnessTarget {
  readonly load: string;
  readonly base: string;
  readonly ratioMax: number;
}

const ratios: readonly (readonly [string, Readonly<Record<string, number>>])[] = [
  ["h2load-1x1", { haproxy: 1.3, envoy: 0.6 }],
  ["h2load-10x10", { haproxy: 0.9, envoy: 0.3, nghttpx: 1.1 }],
  ["h2load-100x100", { haproxy: 0.5, envoy: 0.12, nghttpx: 0.7 }],
  ["grpc-10x10", { haproxy: 1.0, envoy: 0.3 }],
  ["grpc-100x100", { haproxy: 0.5, envoy: 0.15 }],
  // Bytes per CPU-second at least HAProxy's: CPU per byte at most HAProxy's.
  ["messages-1MiB", { haproxy: 1.0 }],
];

/** Ratios to peers, in the order of the loads. */
export const RATIO_TARGETS: readonly RatioTarget[] = ratios.flatMap(([load, peers]) =>
  Object.entries(peers).map(([peer, ratioMax]) => ({ load, peer, ratioMax })),
);

/** Bounds on fairlead alone. */
export const ABSOLUTE_TARGETS: readonly AbsoluteTarget[] = [
  { load: "h2load-100x100", of: "rssMb", max: 140 },
  { load: "idle-connections", of: "cost", max: 12 },
];

/**
 * "The cost per call flat from 3 to 1,000 endpoints", at one call at a time: with more in flight,
 * every proxy loses the sharing of writes between calls to the same endpoint.
 */
export const FLATNESS_TARGETS: readonly FlatnessTarget[] = [
  { load: "endpoints-1000-1x1", base: "endpoints-3-1x1", ratioMax: 1.15 },
];
