/**
 * All scenarios, in the order of the page.
 */
import type { Scenario } from "../report/report.ts";
import { deadPod } from "./dead-pod.ts";
import { evenness } from "./evenness.ts";
import { nesting } from "./nesting/index.ts";
import { retryStorm } from "./retry-storm.ts";
import { rollouts } from "./rollouts/index.ts";
import { scaleUp } from "./scale-up.ts";
import { slowPod } from "./slow-pod.ts";
import { slowStart } from "./slow-start.ts";
import { subsetting } from "./subsetting.ts";
import { unequalPods } from "./unequal-pods.ts";

/** See the head of this file. */
export const SCENARIOS: readonly Scenario[] = [
  evenness,
  unequalPods,
  slowPod,
  deadPod,
  rollouts,
  scaleUp,
  slowStart,
  subsetting,
  retryStorm,
  nesting,
];
