/**
 * What stands around the policy, in words: the steps of `why` between connection and policy.
 */

import { rampWeight, type SlowStartConfig } from "../balancing/index.ts";
import type { Level } from "./candidates.ts";
import type { Locality } from "./locality.ts";
import type { Subchannel } from "./subchannel.ts";
import type { DecisionStep } from "./view.ts";

/** Health and ejection: why one that is connected is not used, or used all the same. */
export function healthSteps(
  { state, cause, isConnected, isHeldBack }: Subchannel,
  isPanic: boolean,
  health: string,
  returnsInMs: number,
): DecisionStep[] {
  if (!isConnected || state === "READY") return [];
  const steps: DecisionStep[] =
    state === "EJECTED"
      ? [{ rule: "outlier_detection", effect: `ejected: ${cause}; ${returnText(returnsInMs)}` }]
      : [{ rule: "health", effect: `no: ${cause}` }];
  if (isPanic && isHeldBack) {
    const effect = `used all the same: only ${health} endpoints are healthy`;
    steps.push({ rule: "panic threshold", effect });
  }
  return steps;
}

/** When an ejected endpoint returns, in words. */
export function returnText(returnsInMs: number): string {
  return `returns in ${(returnsInMs / 1_000).toFixed(1)} s`;
}

/** The level of an endpoint, and what that gets. Nothing where there is only one. */
export function levelSteps(
  { standing }: Subchannel,
  levels: readonly Level[],
  locality: Locality,
): DecisionStep[] {
  const level = levels[standing.level];
  if (levels.length < 2 || level === undefined) return [];
  const effect = `level ${standing.level}, ${locality.nameOf(standing.level)}: ${levelText(level)}`;
  return [{ rule: "priority", effect }];
}

/** The state of a level in words. */
export function levelText({ share, available, total }: Level): string {
  return `${percent(share)} of calls, ${available} of ${total} available`;
}

/** How far a new endpoint is. */
export function slowStartSteps(
  { rampFromMs }: Subchannel,
  config: SlowStartConfig | null,
  nowMs: number,
): DecisionStep[] {
  if (config === null) return [];
  const weight = rampWeight(config, rampFromMs, nowMs);
  if (weight === 1) return [];
  const leftS = (rampFromMs + config.windowMs - nowMs) / 1_000;
  const effect = `${percent(weight)} of its share, all of it in ${leftS.toFixed(1)} s`;
  return [{ rule: "slow start", effect }];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
