/**
 * The shape of one rollout, drawn by chance: how many pods, who calls them and how, and the way in
 * which pods leave.
 */
import { KNOWN_POLICY_NAMES } from "../../../../src/balancing/index.ts";
import { type Rng, seededRng } from "../../../../src/base/index.ts";

/**
 * How old pods leave. `goaway`: SIGTERM, a delay, then a two-step GOAWAY. `refused`: the same, and
 * until the GOAWAY every new call is refused with REFUSED_STREAM. `killed`: SIGKILL, of which the
 * API server hears later. `retried`: the same, and the clients have a retry policy.
 */
export type Leaving = "goaway" | "refused" | "killed" | "retried";

/** See the head of this file. */
export interface Plan {
  readonly seed: number;
  readonly leaving: Leaving;
  readonly policy: string;
  /** Whether the clients are channels of a program, or replicas of the proxy. */
  readonly isChannel: boolean;
  readonly pods: number;
  readonly clients: number;
  /** Of all clients together. */
  readonly callsPerS: number;
  /** Shares of the calls. */
  readonly streamShare: number;
  readonly bodyShare: number;
  /** From SIGTERM to the GOAWAY. */
  readonly drainDelayMs: number;
  /** From the start of a new pod until it is ready. */
  readonly startupMs: number;
  /** From a kill until the slice says so. */
  readonly noticedMs: number;
  /** Whether the new pod is ready before the old one leaves (maxSurge 1). */
  readonly isSurge: boolean;
}

/** The plan that a seed stands for. */
export function planOf(seed: number, leaving: Leaving): Plan {
  const rng = seededRng(seed);
  const pods = 2 + rng.int(11);
  const oneOf = <T>(...list: readonly T[]): T => list[rng.int(list.length)]!;
  const policy = policyFor(leaving, rng);
  // All calls of pick_first are one pod's.
  const serving = policy === "pick_first" ? 1 : pods;
  return {
    seed,
    leaving,
    policy,
    isChannel: rng.int(2) === 0,
    pods,
    clients: 1 + rng.int(3),
    callsPerS: 30 + rng.int(20 * serving),
    streamShare: oneOf(0, 0.05, 0.2),
    bodyShare: oneOf(0, 0.5, 1),
    drainDelayMs: oneOf(0, 200, 1_000, 5_000),
    startupMs: oneOf(200, 1_000, 2_000),
    noticedMs: oneOf(100, 1_000, 3_000),
    // With the only other pod gone, two pods would be one.
    isSurge: pods < 4 || rng.int(2) === 0,
  };
}

/**
 * Any; but pick_first has no second endpoint at hand for what its only one refuses, and gRPC sends
 * a refused call again once (A6).
 */
function policyFor(leaving: Leaving, rng: Rng): string {
  const isAny = (name: string) => leaving !== "refused" || name !== "pick_first";
  const names = KNOWN_POLICY_NAMES.filter(isAny);
  return names[rng.int(names.length)]!;
}
