/**
 * What a replica's load is: the figures that replicas tell each other, and the rate of a
 * connection's calls.
 *
 * Pure: time comes in as an argument. Not an endpoint's load: that is the policies' concern.
 */

/**
 * The time over which calls per second are a mean: at 100 calls/s its noise is 1.6 %. A longer one
 * would not make evening out slower, as the rate of a connection that has moved starts anew.
 */
export const RATE_WINDOW_MS = 20_000;

/**
 * What a connection counts for beside its calls, in calls per second: it costs memory and will call
 * some day, so that a fleet at rest is evened out by connections.
 */
export const CONNECTION_LOAD = 0.1;

/** The load of a replica, or of one of its workers. */
export interface LoadFigures {
  /** Client connections that stay: those that are being closed are no part of it. */
  readonly connections: number;
  /** Calls started on these, a recent mean. */
  readonly callsPerSecond: number;
}

/** One connection as far as shedding is concerned. */
export interface ConnectionLoad {
  /** Unique within its process. */
  readonly id: number;
  readonly ageMs: number;
  readonly callsPerSecond: number;
}

/** Both figures in one, in calls per second. */
export function loadOf({ connections, callsPerSecond }: LoadFigures): number {
  return callsPerSecond + CONNECTION_LOAD * connections;
}

/** The figures of several together. */
export function sumFigures(list: Iterable<LoadFigures>): LoadFigures {
  let connections = 0;
  let callsPerSecond = 0;
  for (const figures of list) {
    connections += figures.connections;
    callsPerSecond += figures.callsPerSecond;
  }
  return { connections, callsPerSecond };
}

/**
 * Calls per second of one connection: a mean with exponential weights, without a bias towards 0
 * while it is young (it is divided by the weight that was seen so far), because a connection that
 * has just landed must count at once.
 */
export class CallRate {
  #sum = 0;
  #weight = 0;

  /** Notes that `calls` calls were started in the `elapsedMs` before now. */
  add(calls: number, elapsedMs: number): void {
    if (elapsedMs <= 0) return;
    const share = 1 - Math.exp(-elapsedMs / RATE_WINDOW_MS);
    this.#sum += share * ((calls * 1000) / elapsedMs - this.#sum);
    this.#weight += share * (1 - this.#weight);
  }

  /** The mean; 0 before the first `add`. */
  get callsPerSecond(): number {
    return this.#weight === 0 ? 0 : this.#sum / this.#weight;
  }
}
