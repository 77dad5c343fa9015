/**
 * Readers that stall while others wait: which calls make room when every connection is full.
 *
 * A reader may be slow for as long as nobody suffers from it. But a stream of an endpoint is held
 * until its reader has taken the answer, and those are few: one client that takes nothing could
 * hold all of them. So while calls wait for a stream of a cluster, those of the same cluster give
 * theirs up whose readers have taken nothing to speak of for a while: the longest stalled first,
 * and no more than calls wait. A stream of another cluster would be of no use to them.
 */
import type { Cluster } from "../cluster/index.ts";
import { limits } from "../http2/index.ts";
import type { SocketConnection } from "../transport/index.ts";
import { Relay } from "./relay.ts";

/** How long a reader may take less than STALL_PROGRESS_BYTES while calls wait for a stream. */
export const CROWDED_STALL_TIMEOUT_MS = 10_000;

/** What the caller of one that is cut is told. */
export const CROWDED_STALL_REASON = `the answer was not read for ${CROWDED_STALL_TIMEOUT_MS} ms while other calls waited for a stream`;

/** Where calls wait and readers stall. */
export interface Crowd {
  clustersInUse(): Iterable<Cluster>;
  connections(): readonly SocketConnection[];
}

/** See the head of this file. */
export class StalledReaders {
  /** Where calls waited at the last look. */
  #crowded: ReadonlySet<Cluster> = new Set();

  /** About once a second: those that are to give their streams up. */
  look(crowd: Crowd, nowMs: number): Relay[] {
    const waiting = new Map<Cluster, number>();
    for (const cluster of crowd.clustersInUse()) {
      const calls = cluster.callsWaitingForCapacity;
      if (calls > 0) waiting.set(cluster, calls);
    }
    // A burst that is over within a second is nobody's fault.
    const isCrowded = [...waiting.keys()].some((cluster) => this.#crowded.has(cluster));
    const found = isCrowded ? this.#choose(crowd, waiting, nowMs) : [];
    this.#crowded = new Set(waiting.keys());
    return found;
  }

  #choose(crowd: Crowd, waiting: ReadonlyMap<Cluster, number>, nowMs: number): Relay[] {
    const left = new Map([...waiting].filter(([cluster]) => this.#crowded.has(cluster)));
    return stalledRelays(crowd.connections(), nowMs).filter(({ cluster }) => {
      const calls = left.get(cluster) ?? 0;
      left.set(cluster, calls - 1);
      return calls > 0;
    });
  }
}

/** Relays that hold a stream of an endpoint for a stalled reader, the longest stalled first. */
function stalledRelays(connections: readonly SocketConnection[], nowMs: number): Relay[] {
  const found: { readonly relay: Relay; readonly sinceMs: number }[] = [];
  for (const connection of connections) {
    for (const { events, stalledSinceMs, stalledBytes } of connection.http2.openStreams()) {
      if (stalledSinceMs === 0 || nowMs - stalledSinceMs < CROWDED_STALL_TIMEOUT_MS) continue;
      // It moved since the connection last looked.
      if (stalledBytes >= limits.STALL_PROGRESS_BYTES) continue;
      if (!(events instanceof Relay) || !events.isServed) continue;
      found.push({ relay: events, sinceMs: stalledSinceMs });
    }
  }
  found.sort((a, b) => a.sinceMs - b.sinceMs);
  return found.map(({ relay }) => relay);
}
