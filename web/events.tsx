/**
 * What was done to the lab and what came of it: the latest in words, with their marks in the
 * strips.
 */

import { markOf } from "../src/lab/figures/event-mark.ts";
import { clockText } from "../src/lab/figures/number-words.ts";
import type { LabEvent } from "../src/lab/view.ts";

/** So many of the latest are told in words. */
const SHOWN = 4;

/** What a newcomer may try first, and its key. */
const TRY = [
  ["slow a pod", "s"],
  ["make one sick", "x"],
  ["kill one", "k"],
  ["add one", "+"],
] as const;

/** Draws the list, the latest first; what could be done while nothing was. */
export function Events({ events }: { readonly events: readonly LabEvent[] }) {
  return (
    <div class="doings-and-hint">
      {events.length === 0 && (
        <p class="try">
          Try it:{" "}
          {TRY.map(([what, key], at) => (
            <>
              {at === 0 ? "" : ", "}
              {what}
              <span class="by-key">
                {" "}
                <span class="key">{key}</span>
              </span>
            </>
          ))}
        </p>
      )}
      <List events={events} />
    </div>
  );
}

function List({ events }: { readonly events: readonly LabEvent[] }) {
  return (
    <ol class="events" aria-live="polite" aria-label="What was done">
      {events
        .slice(-SHOWN)
        .toReversed()
        .map((event) => (
          <li key={`${event.atMs} ${event.event}`} class={event.isOutcome ? "outcome" : ""}>
            <span class="time">{clockText(event.atMs)}</span>{" "}
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
