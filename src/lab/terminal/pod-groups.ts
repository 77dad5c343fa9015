/**
 * The rows of the live picture: a pod each, or several where there are more pods than rows.
 */
import type { LabView } from "../view.ts";

/** One row. */
export interface PodGroup {
  readonly label: string;
  /** Rows of the view. */
  readonly rows: readonly number[];
  /** All of them serve as usual. */
  readonly isUsual: boolean;
}

const STATE_WORDS = {
  ...{ starting: "starts", ready: "", "not-ready": "unready" },
  ...{ killed: "dead", terminating: "ending", gone: "gone" },
} as const;

/** At most `room` rows of equally many pods. */
export function podGroups(view: LabView, room: number): readonly PodGroup[] {
  const size = Math.max(1, Math.ceil(view.pods.length / Math.max(1, room)));
  const groups: PodGroup[] = [];
  for (let from = 0; from < view.pods.length; from += size) {
    const rows = view.pods.slice(from, from + size).map((_, index) => from + index);
    groups.push(groupOf(view, rows));
  }
  return groups;
}

/** A group is named by a pod of it that does not serve as usual, if there is one. */
function groupOf(view: LabView, rows: readonly number[]): PodGroup {
  const states = rows.map((row) => stateWord(view, row));
  const odd = states.findIndex((state) => state !== "");
  const leader = Math.max(0, odd);
  const words = [view.pods[rows[leader]!]!, states[leader]!].filter((word) => word !== "");
  if (rows.length > 1) words.push(`+${rows.length - 1}`);
  return { label: words.join(" "), rows, isUsual: odd < 0 };
}

function stateWord(view: LabView, row: number): string {
  const state = view.podStates[row]!;
  if (state !== "ready") return STATE_WORDS[state];
  const pod = view.pods[row]!;
  if (view.sickPods.includes(pod)) return "sick";
  return view.slowPods.includes(pod) ? "slow" : "";
}
