/**
 * Readers that stall while others wait: which calls make room when every connection is full.
 *
 * A reader may be slow for as long as nobody suffers from it. But a stream of an endpoint is held
 * until its reader has taken the answer, and those are few: one client that takes nothing could
 * hold all of them. So while calls wait for a stream, those give theirs up whose readers have
 * taken nothing to speak of for a while: the longest stalled first, and no more than calls wait.
 */

import { limits } from "../http2/index.ts";
import type { SocketConnection } from "../transport/index.ts";
import { Relay } from "./relay.ts";

/** How long a reader may take less than STALL_PROGRESS_BYTES while calls wait for a stream. */
export const CROWDED_STALL_TIMEOUT_MS = 10_000;

/** What the caller of one that is cut is told. */
export const CROWDED_STALL_REASON = `the answer was not read for ${CROWDED_STALL_TIMEOUT_MS} ms while other calls waited for a stream`;

/** Relays that hold a stream of an endpoint for a stalled reader, the longest stalled first. */
export function stalledRelays(connections: readonly SocketConnection[], nowMs: number): Relay[] {
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
