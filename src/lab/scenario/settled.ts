/**
 * Whether what was done to a lab is in effect: pods that come have come, those that go have gone.
 * Pure.
 *
 * The clock of a scenario stands until then, so that its times mean the same on a busy machine.
 */
import type { Action, ActionWord } from "../actions.ts";
import type { LabEvent, LaneView, PodState } from "../view.ts";

/** A lab as far as that is concerned. */
export interface LabState {
  readonly pods: readonly string[];
  readonly podStates: readonly PodState[];
  readonly wantedPods: number;
  readonly notServingPods: readonly string[];
  readonly events: readonly LabEvent[];
  readonly lanes: readonly LaneView[];
}

/** These end with an event of their own. */
const WITH_OUTCOME: readonly ActionWord[] = ["kill", "roll"];

/** @param eventsBefore how many there were before it was done. */
export function isSettled(action: Action, state: LabState, eventsBefore: number): boolean {
  const since = state.events.slice(eventsBefore);
  const { pods, podStates, wantedPods, notServingPods, lanes } = state;
  if (WITH_OUTCOME.includes(action.word) && !since.some(({ isOutcome }) => isOutcome)) return false;
  // A replica is told of when it listens.
  if (action.word === "replica" && since.length === 0) return false;
  const alive = podStates.filter((podState) => podState === "ready" || podState === "not-ready");
  const isMoving = podStates.some((podState) => !STILL.includes(podState));
  if (alive.length !== wantedPods || isMoving) return false;
  const isProbed = pods.every((pod, row) => {
    const isOut = notServingPods.includes(pod);
    return podStates[row] === "gone" || isOut === (podStates[row] === "not-ready");
  });
  return isProbed && lanes.every(({ phase }) => phase !== "starting");
}

const STILL: readonly PodState[] = ["ready", "not-ready", "gone"];
