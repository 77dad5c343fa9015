/**
 * All scenarios, in the order of the page.
 */
import type { Scenario } from "../report/report.ts";
import { evenness } from "./evenness.ts";
import { slowPod } from "./slow-pod.ts";

/** See the head of this file. */
export const SCENARIOS: readonly Scenario[] = [evenness, slowPod];
