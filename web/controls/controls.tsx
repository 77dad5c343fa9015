/**
 * The bar of controls: one for all lanes, so that each is seen under the same.
 */
import { useState } from "preact/hooks";
import type { Hello, PodSample, Sample } from "../../src/lab/page/page-feed.ts";
import { act, shown } from "../act.ts";
import { Commands } from "./command.tsx";
import {
  alivePods,
  type Control,
  labControls,
  loadControls,
  podControls,
  scaleControls,
} from "./control.ts";
import { useKeys } from "./keys.ts";
import { Levels } from "./levels.tsx";

/** Properties of `Controls`. */
export interface ControlsProps {
  readonly start: Hello;
  readonly now: Sample;
  /** The lab has ended: nothing can be done. */
  readonly isOver: boolean;
}

/** Draws the controls, and listens to their keys. */
export function Controls({ start, now, isOver }: ControlsProps) {
  const [chosen, choose] = useState("");
  // On a narrow screen the bar is folded until asked for.
  const [isOpen, open] = useState(false);
  const alive = alivePods(now);
  // A pod that has gone is chosen no more.
  const pod = alive.find(({ name }) => name === chosen) ?? null;
  const ofPod = podControls(alive, pod);
  const ofLab = labControls(now, start.command);
  const run = (control: Control): void => {
    if (!control.isDisabled && !isOver) act(control.action);
  };
  const levels = [...scaleControls(now.wantedPods, start.podsMax), ...loadControls(now.load)];
  useKeys([...levels, ...ofPod, ...ofLab], run);
  const button = (control: Control, content: preact.ComponentChildren) => (
    <button
      key={control.key}
      type="button"
      disabled={control.isDisabled}
      aria-keyshortcuts={control.key}
      onClick={() => run(control)}
      onFocus={() => (shown.value = control.action)}
      onPointerEnter={() => (shown.value = control.action)}
    >
      {content}
    </button>
  );
  const labelled = (control: Control) =>
    button(control, <Label label={control.label} shortcut={control.key} />);
  return (
    <section class="controls" aria-label="What happens to pods and lanes" data-open={isOpen}>
      <button type="button" class="unfold" aria-expanded={isOpen} onClick={() => open(!isOpen)}>
        {isOpen ? "▾" : "▸"} pods, load, policy, faults
      </button>
      <fieldset disabled={isOver}>
        <Levels start={start} now={now} button={button} />
        <div class="doings">
          <ChoosePod alive={alive} pod={pod} choose={choose} />
          {ofPod.map(labelled)}
          <span class="divider" aria-hidden="true" />
          {ofLab.map(labelled)}
        </div>
      </fieldset>
      <Commands />
    </section>
  );
}

function Label({ label, shortcut }: { readonly label: string; readonly shortcut: string }) {
  return (
    <>
      {label}{" "}
      <span class="key" aria-hidden="true">
        {shortcut}
      </span>
    </>
  );
}

interface ChoosePodProps {
  readonly alive: readonly PodSample[];
  readonly pod: PodSample | null;
  choose(name: string): void;
}

function ChoosePod({ alive, pod, choose }: ChoosePodProps) {
  return (
    <select
      aria-label="which pod"
      value={pod?.name ?? ""}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      <option value="">any pod</option>
      {alive.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
