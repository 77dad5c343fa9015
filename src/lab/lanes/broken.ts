/**
 * What a lane says when something that it started ends by itself.
 */
import type { Child } from "../system/children.ts";
import type { LaneEnv } from "./lane.ts";

/** The lane is broken when `child` ends, unless it was told to: then all of the lane ends. */
export function breaksWithout(
  child: Child,
  { children, onBroken }: Pick<LaneEnv, "children" | "onBroken">,
): void {
  child.ended.then(() => {
    if (!children.isClosed) onBroken(`${child.label} ${child.endReason}`);
  });
}
