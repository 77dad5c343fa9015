/**
 * The page of the lab: one column a lane, all drawn from the same sample at the same moment.
 */
import { render } from "preact";
import { follow, hello, histories, latest, link } from "./feed.ts";
import { Lane } from "./lane.tsx";
import { Scale } from "./scale.tsx";

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
        {link.value !== "ended" && <Scale wanted={now.wantedPods} max={start.podsMax} />}
        <p>
          Run it again: <code>{start.command}</code>
        </p>
      </header>
      <Notice />
      <div class="lanes">
        {now.lanes.map((lane, index) => (
          <Lane
            key={lane.name}
            lane={lane}
            about={start.lanes[index]!}
            pods={now.pods}
            largestShare={largest}
            columns={histories.value[index] ?? []}
            intervalMs={start.intervalMs}
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
  if (link.value !== "lost") return null;
  return (
    <p class="notice" role="status">
      No word from the lab. Trying to connect again …
    </p>
  );
}

/** Each pod's part of the answered calls, 0 to 1. */
function shares(perPod: readonly (number | null)[]): number[] {
  const sum = perPod.reduce<number>((total, calls) => total + (calls ?? 0), 0);
  return perPod.map((calls) => (sum === 0 ? 0 : (calls ?? 0) / sum));
}

/** "00:12" */
function clock(elapsedMs: number): string {
  const seconds = Math.floor(elapsedMs / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
}

const root = document.getElementById("app")!;
root.replaceChildren();
render(<App />, root);
follow();
