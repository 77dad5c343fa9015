/**
 * All lanes as chips, each with its sign: one click puts a lane on the page or takes it off. Those
 * that cannot run here are listed with the reason.
 */
import type { Sample } from "../src/lab/page/page-feed.ts";
import { act, shown } from "./act.ts";
import { Sign } from "./sign.tsx";

/** Draws them. */
export function Chips({ now }: { readonly now: Sample }) {
  const possible = now.laneChoices.filter(({ why }) => why === null);
  const impossible = now.laneChoices.filter(({ why }) => why !== null);
  return (
    <nav class="chips" aria-label="Lanes">
      {possible.map((choice) => (
        <Chip key={choice.name} choice={choice} now={now} />
      ))}
      {impossible.length > 0 && (
        <details>
          <summary>{impossible.length} cannot run here</summary>
          <ul>
            {impossible.map(({ name, title, why }) => (
              <li key={name}>
                <strong>{title}</strong> {why}
              </li>
            ))}
          </ul>
        </details>
      )}
    </nav>
  );
}

interface ChipProps {
  readonly choice: Sample["laneChoices"][number];
  readonly now: Sample;
}

function Chip({ choice: { name, title, how, isOn }, now }: ChipProps) {
  const lane = now.lanes.find((each) => each.name === name);
  const action = `lane=${isOn ? "-" : ""}${name}`;
  return (
    <button
      type="button"
      class="chip"
      aria-pressed={isOn}
      title={how}
      data-choice={name}
      onClick={() => act(action)}
      onFocus={() => (shown.value = action)}
      onPointerEnter={() => (shown.value = action)}
    >
      {lane ? (
        <Sign kind={lane.kind} />
      ) : (
        <span class="sign" aria-hidden="true">
          +
        </span>
      )}{" "}
      {title}
    </button>
  );
}
