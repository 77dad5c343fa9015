/**
 * What was done to the lab and what came of it: the latest in words, and marks for the strips.
 */
import type { LabEvent } from "../src/lab/view.ts";
import { clock } from "./words.ts";

/** So many of the latest are told in words. */
const SHOWN = 4;

/** Letters of the marks, the same as of the keys where there is one. */
const MARKS: Readonly<Record<string, string>> = {
  ...{ slow: "s", heal: "h", "not-serving": "n", serving: "v", kill: "k", died: "✕" },
  ...{ sick: "i", well: "w", drain: "d", roll: "r", scale: "±", replica: "p", peers: "e" },
  ...{ load: "l", "in-flight": "f", policy: "y", lane: "", reset: "0" },
};

/** The letter of an event; "" for an outcome, which needs none. */
export function markOf({ event }: LabEvent): string {
  return MARKS[event.split("=")[0]!] ?? "";
}

/** Draws the list, the latest first. */
export function Events({ events }: { readonly events: readonly LabEvent[] }) {
  return (
    <ol class="events" aria-live="polite" aria-label="What was done">
      {events
        .slice(-SHOWN)
        .toReversed()
        .map((event) => (
          <li key={`${event.atMs} ${event.event}`} class={event.isOutcome ? "outcome" : ""}>
            <span class="time">{clock(event.atMs)}</span>{" "}
            {markOf(event) !== "" && (
              <span class="letter" aria-hidden="true">
                {markOf(event)}
              </span>
            )}{" "}
            {event.text}
          </li>
        ))}
    </ol>
  );
}
