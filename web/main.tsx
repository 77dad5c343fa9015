/**
 * The page of the lab: one column a lane, all drawn from the same sample at the same moment.
 */
import { render } from "preact";
import { Controls } from "./controls.tsx";
import { Events } from "./events.tsx";
import { follow, hello, histories, latest, link } from "./feed.ts";
import { Lane } from "./lane.tsx";
import { clock } from "./words.ts";

function App() {
  const start = hello.value;
  const now = latest.value;
  if (!start || !now) return <p role="status">Connecting to the lab …</p>;
  const largest = Math.max(...now.lanes.flatMap((lane) => shares(lane.perPod)));
  return (
    <>
      <header>
        <h1>fairlead lab</h1>
        <p>
          {now.pods.filter(({ state }) => state === "ready").length} pods · {clock(now.elapsedMs)}
        </p>
        <p>
          Run it again: <code>{start.command}</code>
        </p>
      </header>
      <Notice />
      {link.value !== "ended" && <Controls now={now} podsMax={start.podsMax} />}
      <Events events={now.events} />
      <div class="lanes">
        {now.lanes.map((lane) => (
          <Lane
            key={lane.name}
            lane={lane}
            about={now.laneChoices.find(({ name }) => name === lane.name)!}
            pods={now.pods}
            largestShare={largest}
            columns={histories.value[lane.name] ?? []}
            intervalMs={start.intervalMs}
            events={now.events}
            columnCount={now.columnCount}
          />
        ))}
      </div>
    </>
  );
}

function Notice() {
  if (link.value === "ended") {
    return (
      <p class="notice" role="status">
        The lab has ended. These are its last figures.
      </p>
    );
  }
  if (link.value === "lost") {
    return (
      <p class="notice" role="status">
        No word from the lab. Trying to connect again …
      </p>
    );
  }
  const problem = latest.value?.problem ?? null;
  if (problem === null) return null;
  return (
    <p class="notice" role="status">
      {problem}
    </p>
  );
}

/** Each pod's part of the answered calls, 0 to 1. */
function shares(perPod: readonly (number | null)[]): number[] {
  const sum = perPod.reduce<number>((total, calls) => total + (calls ?? 0), 0);
  return perPod.map((calls) => (sum === 0 ? 0 : (calls ?? 0) / sum));
}

const root = document.getElementById("app")!;
root.replaceChildren();
render(<App />, root);
follow();
