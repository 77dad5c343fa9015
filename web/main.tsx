/**
 * The page of the lab: one card a lane, all drawn from the same sample at the same moment, and one
 * bar of controls for all of them.
 */
import { render } from "preact";
import { useState } from "preact/hooks";
import { Chips } from "./chips.tsx";
import { Controls } from "./controls/controls.tsx";
import { Events } from "./events.tsx";
import { calm, follow, hello, link } from "./feed.ts";
import { Header, Notice } from "./header.tsx";
import { Lane } from "./lane/lane.tsx";
import { WhyPanel } from "./why.tsx";

function App() {
  const [why, askWhy] = useState<{ lane: string; pod: string | null } | null>(null);
  const start = hello.value;
  const now = calm.value;
  if (!start || !now) return <p role="status">Connecting to the lab …</p>;
  return (
    <>
      <Header start={start} now={now} />
      <div class="lanes-and-events">
        <Chips now={now} />
        <Events events={now.events} />
      </div>
      <Notice now={now} />
      <Controls start={start} now={now} isOver={link.value === "ended"} />
      <div class="lanes">
        {now.lanes.map((lane) => (
          <Lane
            key={`${start.runId} ${lane.name}`}
            lane={lane}
            about={now.laneChoices.find(({ name }) => name === lane.name)!}
            pods={now.pods}
            onWhy={(lane, pod) => askWhy({ lane, pod })}
          />
        ))}
      </div>
      {why && <WhyPanel {...why} onClose={() => askWhy(null)} />}
      <p class="again">
        The same lab again: <code>{start.command}</code>
      </p>
    </>
  );
}

const root = document.getElementById("app")!;
root.replaceChildren();
render(<App />, root);
follow();
