/**
 * Which connections are closed when a replica is to shed load: those that fit best, judged by what
 * is to be expected of chance.
 *
 * Pure. How much is to be shed is decided in `shed-planner.ts`; here an order is carried out on a
 * list of connections. The client reconnects through an L4 balancer which picks a replica at
 * random, ours included, so nothing is certain but expectations are exact: when a connection of
 * load r leaves a replica of load L for one of N at random, the sum of the squares of all loads
 * falls by 2r/N ((N-1)(L-r) - (S-L)), where S is the sum of all loads.
 */
import type { Rng } from "../../base/index.ts";
import { CONNECTION_LOAD, type ConnectionLoad } from "./load.ts";

/** No connection younger than this is shed: it has just been moved, or its rate is not known. */
export const SHED_AGE_MS_MIN = 10_000;

/**
 * A connection is shed only when its load is at most this share of the distance between us and the
 * mean of the others: a larger one would carry the overload elsewhere, and come back. Smaller
 * shares close more connections, larger ones leave more to chance (simulated: with 0.5 one of some
 * hundred fleets was still uneven after 30 s, with 0.3 none).
 */
const FIT_SHARE_MAX = 0.3;

/** What a replica, or a worker of it, is to shed. Plain: it goes to workers over IPC. */
export interface ShedOrder {
  /** Replicas among which a client lands, ours included. */
  readonly replicas: number;
  /** Of our replica, before the order. */
  readonly load: number;
  /** Of all replicas together. */
  readonly totalLoad: number;
  /** The sum of the squares of the replicas' loads. */
  readonly squares: number;
  /** How much load is to leave, in calls per second. */
  readonly amount: number;
  /** Connections that may be shed at most. */
  readonly countMax: number;
}

/** A connection that is to be shed, and what is expected of it. */
export interface ChosenShed {
  readonly id: number;
  /** Its load. */
  readonly load: number;
  /** The standard deviation of the replicas' loads over their mean, before and after (expected). */
  readonly spreadBefore: number;
  readonly spreadAfter: number;
}

/** How much load a connection may have at most to be shed when we have `load`. */
export function fittingLoad(replicas: number, load: number, totalLoad: number): number {
  if (replicas < 2) return 0;
  return FIT_SHARE_MAX * (load - (totalLoad - load) / (replicas - 1));
}

/** The standard deviation of loads over their mean. */
export function spreadOf(replicas: number, totalLoad: number, squares: number): number {
  const mean = totalLoad / replicas;
  if (!(mean > 0)) return 0;
  return Math.sqrt(Math.max(0, squares / replicas - mean * mean)) / mean;
}

/**
 * Chooses the connections that carry out an order, each the one that fits best what is left to do.
 *
 * @returns none when none fits. In the order in which they were chosen.
 */
export function chooseSheds(
  connections: readonly ConnectionLoad[],
  order: ShedOrder,
  rng: Rng,
): ChosenShed[] {
  const candidates = candidatesOf(connections, rng);
  const { replicas: n, totalLoad } = order;
  let { load, squares, amount: left } = order;
  const chosen: ChosenShed[] = [];
  while (chosen.length < order.countMax && candidates.length > 0) {
    const at = lastUpTo(candidates, Math.min(left, fittingLoad(n, load, totalLoad)));
    if (at < 0) break;
    const [{ id, load: moved }] = candidates.splice(at, 1);
    const spreadBefore = spreadOf(n, totalLoad, squares);
    squares -= ((2 * moved) / n) * ((n - 1) * (load - moved) - (totalLoad - load));
    load -= (moved * (n - 1)) / n;
    left -= moved;
    chosen.push({ id, load: moved, spreadBefore, spreadAfter: spreadOf(n, totalLoad, squares) });
  }
  return chosen;
}

interface Candidate {
  readonly id: number;
  readonly load: number;
}

/** Those that are old enough, by ascending load; equal ones in random order. */
function candidatesOf(connections: readonly ConnectionLoad[], rng: Rng): Candidate[] {
  const old = connections.filter(({ ageMs }) => ageMs >= SHED_AGE_MS_MIN);
  const keyed = old.map(({ id, callsPerSecond }) => ({
    id,
    load: callsPerSecond + CONNECTION_LOAD,
    key: rng.next(),
  }));
  return keyed.sort((a, b) => a.load - b.load || a.key - b.key);
}

/** The index of the last one whose load is at most `max`; -1 when there is none. */
function lastUpTo(candidates: readonly Candidate[], max: number): number {
  let low = 0;
  let high = candidates.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (candidates[middle].load <= max) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
