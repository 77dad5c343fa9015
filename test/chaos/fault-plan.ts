/**
 * The faults of a run: which there are, whom they hit, and when, drawn from a seed. Data only, so
 * that a seed always stands for the same faults; how they are made is in `faults.ts`.
 */
import { type Rng, seededRng } from "../../src/base/index.ts";

/** Faults of one pod. */
export const POD_FAULTS = [
  "kill",
  "stop",
  "hold",
  "slow",
  "refuse",
  "reset",
  "goaway-storm",
  "flap",
  "lie-drop",
  "serve-on",
  "roll",
] as const;

/** Faults of the set of endpoints, of proxies and of callers. */
export const OTHER_FAULTS = [
  "lie-dead",
  "lie-twice",
  "proxy-kill",
  "proxy-stop",
  "caller-kill",
  "caller-stop",
] as const;

/** A kind of fault. */
export type FaultKind = (typeof POD_FAULTS)[number] | (typeof OTHER_FAULTS)[number];

/** One fault to be. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** Of the pod, proxy or caller that it hits. */
  readonly target: number;
  /** Not before this, from the start of the run. */
  readonly atMs: number;
  /** How long it lasts. */
  readonly forMs: number;
  /** What else is drawn for it. */
  readonly seed: number;
}

/** How long faults last, from and to, in ms; 1 s unless given. */
const LASTING: Readonly<Partial<Record<FaultKind, readonly [number, number]>>> = {
  kill: [100, 2_000],
  stop: [100, 3_000],
  hold: [100, 3_000],
  slow: [500, 4_000],
  refuse: [100, 2_500],
  flap: [100, 1_500],
  "lie-drop": [200, 2_000],
  "serve-on": [300, 2_000],
  "lie-dead": [500, 4_000],
  "lie-twice": [500, 4_000],
  "proxy-stop": [100, 2_000],
  "caller-stop": [100, 2_000],
};
/** These last until they are found out (10 s of silence, 5 s for the probe), once in so many. */
const LONG_KINDS: readonly FaultKind[] = ["stop", "hold", "proxy-stop", "caller-stop"];
const LONG_ONE_IN = 6;
const LONG_MS = 19_000;
/** Between the beginnings of two faults. */
const PAUSE_MS_MAX = 900;

/** The faults of a seed in the order of their beginnings; long ones in runs of 40 s or more. */
export function planFaults(seed: number, lengthMs: number, pods: number): PlannedFault[] {
  const rng = seededRng(seed);
  const planned: PlannedFault[] = [];
  const isLongAllowed = lengthMs >= 40_000;
  for (let atMs = 0; atMs < lengthMs; atMs += 100 + rng.int(PAUSE_MS_MAX)) {
    // Pods have most of it.
    const isOfPod = rng.next() < 0.75;
    const kinds: readonly FaultKind[] = isOfPod ? POD_FAULTS : OTHER_FAULTS;
    const kind = kinds[rng.int(kinds.length)];
    const forMs = lastingOf(kind, rng, isLongAllowed);
    const target = rng.int(isOfPod ? pods : 2);
    planned.push({ kind, target, atMs, forMs, seed: rng.int(2 ** 31) });
  }
  return planned;
}

function lastingOf(kind: FaultKind, rng: Rng, isLongAllowed: boolean): number {
  const [from, to] = LASTING[kind] ?? [1_000, 1_000];
  const drawn = from + rng.int(to - from + 1);
  const isLong = rng.int(LONG_ONE_IN) === 0;
  if (isLong && isLongAllowed && LONG_KINDS.includes(kind)) return LONG_MS;
  return drawn;
}
