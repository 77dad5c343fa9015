/**
 * GOAWAY, ours and the peer's: who may still open streams, and how far. RFC 9113 §6.8.
 *
 * We end in two steps as the RFC advises: GOAWAY(2^31-1), a PING round trip so that what was on its
 * way arrives, then GOAWAY with the true last id. No call is lost on the way.
 */

/** The last-stream id of the first step: "no id is refused yet". */
export const GOAWAY_ALL = 0x7fffffff;

/** How long the PING of the first step may take before the second step comes anyway. */
export const DRAIN_PING_TIMEOUT_MS = 2_000;

/** Payload of that PING, to tell its ACK from others. */
export const DRAIN_PING = new Uint8Array(Buffer.from("fairlead", "latin1"));

/** Steps of our own shutdown. */
export const DrainStep = { NONE: 0, ANNOUNCED: 1, FINAL: 2 } as const;

/** Where both sides stand with ending the connection. */
export class GoAwayState {
  /** One of `DrainStep`. */
  step: number = DrainStep.NONE;
  /** When step ANNOUNCED began. */
  announcedMs = 0;
  /** The last id that we may act on, once step FINAL was taken. */
  localLastId = GOAWAY_ALL;
  /** The last id that the peer may act on; GOAWAY_ALL while it has sent no GOAWAY. */
  remoteLastId = GOAWAY_ALL;
  isRemoteGone = false;

  /** Notes the peer's GOAWAY. False when its last id grew, which is forbidden. */
  noteRemote(lastStreamId: number): boolean {
    if (this.isRemoteGone && lastStreamId > this.remoteLastId) return false;
    this.isRemoteGone = true;
    this.remoteLastId = lastStreamId;
    return true;
  }
}
