/**
 * The letter that marks an event in a heat strip: where there is one, the key that does the same.
 */
import type { LabEvent } from "../view.ts";

const MARKS: Readonly<Record<string, string>> = {
  ...{ slow: "s", heal: "h", "not-serving": "n", serving: "v", sick: "x", well: "w" },
  ...{ kill: "k", died: "k", drain: "d", roll: "r", scale: "±", replica: "p", load: "l" },
  ...{ "in-flight": "i", policy: "y", lane: "a", peers: "e", outliers: "o", reset: "0" },
};

/** The letter; "" for an outcome, which needs none. */
export function markOf({ event }: LabEvent): string {
  return MARKS[event.split("=")[0]!] ?? "";
}
