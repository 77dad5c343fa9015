/**
 * What replicas tell each other: one small JSON document, and what of it is believed.
 *
 * `{"instance":"...","connections":12,"callsPerSecond":34.5,"draining":false,"ageMs":120}`. Pure. A
 * figure that cannot be true (no number, negative, beyond any machine) makes the whole document
 * worthless: the peer counts as one that does not answer.
 */
import type { LoadFigures } from "./load.ts";

/** A load that no replica has: figures above are no figures. */
export const CONNECTIONS_TOLD_MAX = 10_000_000;
/** The same of calls per second. */
export const CALLS_PER_SECOND_TOLD_MAX = 100_000_000;
/** Figures that were this old when they were told are of no use. */
export const AGE_TOLD_MS_MAX = 3_600_000;

/** The document. */
export interface PeerAnswer extends LoadFigures {
  /** Random, of a replica's process: tells it from others, and us from ourselves. */
  readonly instance: string;
  /** It takes no connections any more. */
  readonly draining: boolean;
  /** How old the figures were when it answered. */
  readonly ageMs: number;
}

const INSTANCE = /^[0-9a-f]{8,64}$/;

/** The document as text; null when `text` is none, or says what cannot be. */
export function parsePeerAnswer(text: string): PeerAnswer | null {
  let value: Partial<Record<keyof PeerAnswer, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { instance, connections, callsPerSecond, draining, ageMs } = value;
  if (typeof instance !== "string" || !INSTANCE.test(instance)) return null;
  if (typeof draining !== "boolean") return null;
  if (!isWithin(connections, CONNECTIONS_TOLD_MAX) || !Number.isInteger(connections)) return null;
  if (!isWithin(callsPerSecond, CALLS_PER_SECOND_TOLD_MAX)) return null;
  if (!isWithin(ageMs, AGE_TOLD_MS_MAX)) return null;
  return { instance, connections, callsPerSecond, draining, ageMs };
}

function isWithin(value: unknown, max: number): value is number {
  return typeof value === "number" && value >= 0 && value <= max;
}
