/**
 * Figures in words, the same everywhere on the page.
 */
import { latencyText } from "../src/lab/figures/number-words.ts";
import type { PodSample } from "../src/lab/page/page-feed.ts";

/** "2.31 ms", "1.2 s", or a dash. */
export function millis(ms: number | null): string {
  if (ms === null) return "–";
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return latencyText(ms);
}

const STATES = {
  starting: "starting",
  ready: "",
  "not-ready": "not ready",
  killed: "killed",
  terminating: "draining",
  gone: "gone",
} as const;

/**
 * Where a pod stands in a lane unless it serves as usual: "slow", "draining"; "" if it does.
 *
 * @param ejected those that the lane has ejected.
 */
export function standing(pod: PodSample, ejected: readonly string[]): string {
  const { name, state, isSlow, isSick } = pod;
  if (state !== "ready") return STATES[state];
  if (ejected.includes(name)) return "ejected";
  if (isSick) return "sick";
  return isSlow ? "slow" : "";
}
