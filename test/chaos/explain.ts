/**
 * Whether a failed call is explained by a fault that allows it. Pure: records in, a reason or null
 * out.
 *
 * Faults that take nothing a client needs (slices that lie, readiness that flaps, a pod that rolls,
 * bytes that are late, a process that stands still for a moment) explain nothing.
 */
import type { FailedCall } from "../rollouts/judge.ts";
import type { FaultKind } from "./fault-plan.ts";

/** A fault as it was. */
export interface FaultRecord {
  readonly kind: FaultKind;
  /** ip:port of the pod that it hit; null when it hit none. */
  readonly address: string | null;
  /** Name of the proxy or caller that it hit; null when it hit none. */
  readonly name: string | null;
  readonly fromMs: number;
  /** Infinity while it lasts. */
  readonly untilMs: number;
  /** When connections of the pod were cut, or got GOAWAY. */
  readonly cutsMs: readonly number[];
  readonly goAwaysMs: readonly number[];
}

/** One clock for all processes, but journals are written a moment after what they tell. */
const SLACK_MS = 1_500;
const CANCELLED = 1;
const UNAVAILABLE = 14;
/** What is silent for less is not found out: 10 s of silence, 5 s for the probe's answer. */
const SILENCE_MS_MIN = 14_000;

/**
 * Why the call of a caller may have failed; null: it may not.
 *
 * @param through the proxy that the caller called; null for one of fairlead's clients.
 */
export function explainByFaults(
  call: FailedCall,
  faults: readonly FaultRecord[],
  through: string | null,
): string | null {
  if (call.code === CANCELLED) return call.isCancelled ? "the caller gave it up" : null;
  if (call.code !== UNAVAILABLE) return null;
  const isDuring = (ms: number): boolean =>
    ms >= call.fromMs - SLACK_MS && ms <= call.untilMs + SLACK_MS;
  const isOver = ({ fromMs, untilMs }: FaultRecord): boolean =>
    untilMs >= call.fromMs - SLACK_MS && fromMs <= call.untilMs + SLACK_MS;
  if (through !== null) {
    const killed = faults.find(
      (fault) =>
        fault.kind === "proxy-kill" && fault.name === through && isOver(withStockBackoff(fault)),
    );
    // Whatever a stock client says of a proxy that is not there.
    if (killed !== undefined && !call.details.startsWith("fairlead: ")) return "proxy-kill";
  }
  const named = /^(fairlead: )?([\d.]+:\d+): (.*)$/.exec(call.details);
  // A proxy's own words begin with its name, and a client's do not.
  if (named === null || (named[1] !== undefined) !== (through !== null)) return null;
  const [, , address, reason] = named;
  const ofPod = faults.filter((fault) => fault.address === address);
  if (/\(keepalive\)/.test(reason)) {
    return (
      ofPod.find(
        (fault) =>
          (fault.kind === "stop" || fault.kind === "hold") &&
          isOver(fault) &&
          fault.untilMs - fault.fromMs >= SILENCE_MS_MIN,
      )?.kind ?? null
    );
  }
  if (/GOAWAY/.test(reason)) {
    // Once it is sent elsewhere; the second time it is the caller's to decide.
    const all = faults.flatMap(({ goAwaysMs }) => goAwaysMs).filter(isDuring);
    return all.length >= 2 ? "goaway-storm" : null;
  }
  return ofPod.find(({ cutsMs }) => cutsMs.some(isDuring))?.kind ?? null;
}

/** A stock client comes back when its backoff is over, which grows with the time it failed. */
function withStockBackoff(fault: FaultRecord): FaultRecord {
  const backoffMs = 1_500 + 2 * (fault.untilMs - fault.fromMs);
  return { ...fault, untilMs: fault.untilMs + backoffMs };
}
